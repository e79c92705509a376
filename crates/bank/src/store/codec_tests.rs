use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(Currency::all().collect::<Vec<_>>())
}

fn amount() -> impl Strategy<Value = Amount> {
    (any::<i64>(), currency()).prop_map(|(minor, currency)| Amount::new(minor, currency))
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

fn transfer() -> impl Strategy<Value = TransferId> {
    any::<u128>().prop_map(TransferId::new)
}

fn account() -> impl Strategy<Value = AccountNumber> {
    any::<u64>().prop_map(AccountNumber::new)
}

fn machine() -> impl Strategy<Value = MachineId> {
    "[A-Za-z0-9_-]{1,31}".prop_map(|text| MachineId::parse(&text).expect("the pattern is that of the ids"))
}

fn session() -> impl Strategy<Value = Session> {
    let subject = prop_oneof![
        (any::<i64>(), any::<i64>(), machine()).prop_map(|(card, customer, place)| Subject::Card {
            card: CardId::new(card),
            customer: CustomerId::new(customer),
            place
        }),
        any::<i64>().prop_map(|customer| Subject::Online { customer: CustomerId::new(customer) }),
        (any::<i64>(), prop::sample::select(Role::ALL.to_vec()))
            .prop_map(|(operator, role)| Subject::Operator { operator: OperatorId::new(operator), role }),
    ];
    (any::<i64>(), any::<[u8; 32]>(), subject, time(), any::<u32>(), prop::option::of(time())).prop_map(
        |(id, token, subject, began, idle_s, ends)| Session {
            id: SessionId::new(id),
            token,
            subject,
            began,
            idle_s,
            ends,
        },
    )
}

fn receipt() -> impl Strategy<Value = Receipt> {
    (transfer(), account(), amount(), amount(), amount(), time(), vec(any::<(i64, u32)>(), 0..5)).prop_map(
        |(transaction, account, amount, fee, balance, at, notes)| Receipt {
            transaction,
            account,
            amount,
            fee,
            balance,
            at,
            notes,
        },
    )
}

fn transferred() -> impl Strategy<Value = TransferReceipt> {
    (transfer(), account(), account(), amount(), amount(), prop::option::of(amount()), time()).prop_map(
        |(transaction, source, target, amount, source_balance, target_balance, at)| TransferReceipt {
            transaction,
            source,
            target,
            amount,
            source_balance,
            target_balance,
            at,
        },
    )
}

fn done() -> impl Strategy<Value = Done> {
    prop_oneof![
        receipt().prop_map(Done::Withdrawn),
        receipt().prop_map(Done::Deposited),
        transferred().prop_map(Done::Transferred),
        (account(), amount(), time()).prop_map(|(account, balance, at)| Done::Balance(Balance {
            account,
            balance,
            at
        })),
        session().prop_map(Done::LoggedIn),
        (session(), account()).prop_map(|(session, account)| Done::SignedUp { session, account }),
        (any::<i64>(), vec(account(), 0..4))
            .prop_map(|(id, accounts)| Done::CustomerCreated { customer: CustomerId::new(id), accounts }),
        account().prop_map(Done::AccountOpened),
        any::<i64>().prop_map(|id| Done::CardIssued(CardId::new(id))),
        machine().prop_map(Done::MachineCreated),
        any::<i64>().prop_map(|id| Done::OperatorAdded(OperatorId::new(id))),
        (machine(), amount(), amount()).prop_map(|(machine, cash, difference)| Done::Replenished(Replenished {
            machine,
            cash,
            difference
        })),
        (machine(), any::<u64>()).prop_map(|(machine, number)| Done::ReplenishmentOrdered { machine, number }),
        any::<u32>().prop_map(Done::PolicyChanged),
        (transfer(), amount(), amount()).prop_map(|(withdrawal, paid, returned)| Done::Settled(Settlement {
            withdrawal,
            paid,
            returned
        })),
        any::<i64>().prop_map(|id| Done::CaseOpened(CaseId::new(id))),
        Just(Done::Changed),
        any::<i64>().prop_map(|id| Done::CaseResolved(CaseId::new(id))),
        declined().prop_map(|refusal| Done::Declined(Box::new(refusal))),
    ]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        amount().prop_map(|available| Refusal::InsufficientFunds { available }),
        amount().prop_map(|limit| Refusal::OverTransactionLimit { limit }),
        amount().prop_map(|remaining| Refusal::DailyLimitExceeded { remaining }),
        amount().prop_map(|limit| Refusal::OverDepositLimit { limit }),
        vec(amount(), 0..3).prop_map(|nearest| Refusal::AmountNotDispensable { nearest }),
        prop::sample::select(vec![
            Refusal::AtmOutOfCash,
            Refusal::AtmInactive,
            Refusal::AtmMismatch,
            Refusal::TerminalOnly,
            Refusal::CardExpired,
            Refusal::CardStolen,
            Refusal::CardLost,
            Refusal::AccountClosed,
            Refusal::AccountNotEmpty,
            Refusal::SameAccount,
            Refusal::CurrencyMismatch,
            Refusal::Reversed,
        ]),
    ]
}

/// Why a stored transfer can be declined: also what would be decided anew if it were asked again.
fn declined() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        refusal(),
        prop::sample::select(vec![Refusal::AccountNotFound, Refusal::InvalidAmount, Refusal::WrongCredentials]),
        prop::option::of(time()).prop_map(|until| Refusal::CardBlocked { until }),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![done().prop_map(Ok), refusal().prop_map(Err)]
}

proptest! {
    #[test]
    fn reads_what_it_writes(outcome in outcome()) {
        let bytes = encode(&outcome).expect("everything that is recorded can be written");
        prop_assert_eq!(decode(&bytes), Ok(outcome));
    }

    #[test]
    fn refuses_what_is_cut_or_too_long(outcome in outcome(), cut in any::<prop::sample::Index>()) {
        let mut bytes = encode(&outcome).expect("everything that is recorded can be written");
        let shorter = &bytes[..cut.index(bytes.len())];
        prop_assert!(decode(shorter).is_err(), "{shorter:?}");
        bytes.push(0);
        prop_assert_eq!(decode(&bytes), Err(CodecError::Trailing(1)));
    }

    #[test]
    fn never_panics_on_any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(outcome) = decode(&bytes) {
            prop_assert!(encode(&outcome).is_ok());
        }
    }
}

#[test]
fn names_tags_and_versions_that_mean_nothing() {
    assert_eq!(decode(&[]), Err(CodecError::Truncated));
    assert_eq!(decode(&[2, 16]), Err(CodecError::Version(2)));
    assert_eq!(decode(&[1, 20]), Err(CodecError::UnknownTag { what: "answer", tag: 20 }));
    assert_eq!(decode(&[1, 255]), Err(CodecError::UnknownTag { what: "refusal", tag: 255 }));
}

#[test]
fn does_not_write_refusals_that_are_decided_anew() {
    for refusal in [Refusal::SessionExpired, Refusal::InvalidRequest { field: "amount" }, Refusal::Moved] {
        assert_eq!(encode(&Err(refusal.clone())), Err(CodecError::NotRecorded(refusal.code())));
    }
}

/// These bytes are in databases: a change here needs a new version of the encoding beside the old.
#[test]
fn keeps_its_layout() {
    let usd = |minor| Amount::new(minor, Currency::USD);
    let receipt = Receipt {
        transaction: TransferId::new(0x0190_1234_5678_7abc_8def_0123_4567_89ab),
        account: AccountNumber::new(10_001),
        amount: usd(100_00),
        fee: usd(0),
        balance: usd(-15_00),
        at: Timestamp::from_micros(1_700_000_000_000_000),
        notes: vec![(50_00, 2)],
    };
    let check = |outcome: Outcome, hex: &str| {
        let bytes = encode(&outcome).expect("it is recorded");
        assert_eq!(data_encoding::HEXLOWER.encode(&bytes), hex);
        assert_eq!(decode(&bytes), Ok(outcome));
    };
    check(
        Ok(Done::Withdrawn(receipt)),
        "01010190123456787abc8def0123456789ab914e555344a09c0155534400555344b7178080f2818389850601904e02",
    );
    check(Err(Refusal::InsufficientFunds { available: usd(85_00) }), "0180555344e88401");
    check(Ok(Done::Changed), "0110");
    check(Ok(Done::CaseResolved(CaseId::new(7))), "01110e");
    check(Ok(Done::Declined(Box::new(Refusal::AccountNotFound))), "011291");
    check(Ok(Done::Declined(Box::new(Refusal::CardBlocked { until: None }))), "01129300");
}
