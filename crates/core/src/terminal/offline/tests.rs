use proptest::prelude::*;

use super::*;
use crate::currency::Currency;
use crate::terminal::link::OfflineOutcome;
use crate::terminal::record::Record;
use crate::terminal::samples::*;

/// The right answer of the pad for card `number`.
fn right(number: u8) -> [u8; 32] {
    [number.wrapping_add(100); 32]
}

/// Card 1's holder, PIN proven and written down.
fn holder(journal: &mut Journal) -> PinRight {
    let (record, counted) = begin_try(&journal.book, &card(1), journal.now).unwrap().count();
    journal.write(record);
    let Checked::Right(holder) = counted.compare(&right(1)) else { panic!("it is right") };
    journal.write(holder.record());
    holder
}

fn usual() -> (Journal, PinRight) {
    let mut journal = Journal::usual();
    let holder = holder(&mut journal);
    (journal, holder)
}

fn means(held: u8) -> Means {
    Means { held: Some(nonce(held)), room: Room::Enough }
}

fn cash(dollars: i64) -> CashAsked {
    CashAsked { account: account(1), amount: usd(dollars), means: means(1) }
}

fn ask(journal: &Journal, holder: &PinRight, dollars: i64) -> Result<CashPermit, Reason> {
    withdrawal(&journal.book, &Asked { holder, now: journal.now }, &cash(dollars))
}

fn paid() -> OfflineOutcome {
    OfflineOutcome::Paid(all_paid())
}

#[test]
fn permits_cash_within_all_bounds() {
    let (journal, holder) = usual();
    let permit = ask(&journal, &holder, 90).unwrap();
    assert_eq!((permit.amount(), permit.lease(), permit.token()), (usd(90), nonce(1), &token(1)));
    assert_eq!(permit.present_nonce(), Some(lease(1).present_nonces[0]));
    assert_eq!(permit.intent(OperationId(5), vec![2, 1]), intent(5, under(1)));
    let asked = Asked { holder: &holder, now: journal.now };
    assert_eq!(payable(&journal.book, &asked, means(1)), Ok(usd(250)));
}

#[test]
fn uses_each_present_nonce_once() {
    let (mut journal, holder) = usual();
    let mut small = settings(GENEROUS);
    small.partition.withdrawal = OfflineWithdrawal::Limited(OfflineLimits {
        per_card: usd(5_000),
        per_outage: usd(5_000),
        hot_list_age_s: 3_600,
        lease: usd(1_000),
    });
    journal.write(Record::Settings(small));
    for (id, present) in lease(1).present_nonces.into_iter().enumerate() {
        assert_eq!(ask(&journal, &holder, 10).unwrap().present_nonce(), Some(present));
        journal.pay_offline(id as u128, 1, paid());
    }
    assert_eq!(ask(&journal, &holder, 10), Err(Reason::LeaseVoid));
    let mut unsigned = lease(2);
    unsigned.present_nonces.clear();
    journal.write(Record::Lease(unsigned));
    let asked = Asked { holder: &holder, now: journal.now };
    let held = CashAsked { means: means(2), ..cash(10) };
    assert_eq!(withdrawal(&journal.book, &asked, &held).unwrap().present_nonce(), None);
}

#[test]
fn names_the_bound_that_leaves_least() {
    let (mut journal, holder) = usual();
    assert_eq!(ask(&journal, &holder, 251), Err(Reason::OverWithdrawalLimit { limit: usd(250) }));
    for id in 1..=2 {
        journal.pay_offline(id, 1, paid());
    }
    assert_eq!(ask(&journal, &holder, 121), Err(Reason::OverCardLimit { left: usd(120) }));
    assert!(ask(&journal, &holder, 120).is_ok());
    // The host hears of it: the outage is over, the card's day is not.
    for id in 1..=2 {
        journal.write(Record::Acknowledged { id: OperationId(id) });
    }
    assert_eq!(ask(&journal, &holder, 121), Err(Reason::OverCardLimit { left: usd(120) }));
    let mut tight = settings(GENEROUS);
    let limits = OfflineLimits { per_card: usd(900), per_outage: usd(100), hot_list_age_s: 3_600, lease: usd(1_000) };
    tight.partition.withdrawal = OfflineWithdrawal::Limited(limits);
    journal.write(Record::Settings(tight));
    assert_eq!(ask(&journal, &holder, 101), Err(Reason::OverOutageLimit { left: usd(100) }));
    journal.pay_offline(3, 1, paid());
    assert_eq!(ask(&journal, &holder, 11), Err(Reason::OverOutageLimit { left: usd(10) }));
    let mut little = lease(2);
    little.amount = usd(5);
    journal.write(Record::Lease(little));
    let asked = Asked { holder: &holder, now: journal.now };
    let held = CashAsked { means: means(2), ..cash(6) };
    assert_eq!(withdrawal(&journal.book, &asked, &held), Err(Reason::LeaseUsedUp { left: usd(5) }));
}

#[test]
fn permits_nothing_when_a_condition_fails() {
    type Spoil = fn(&mut Journal);
    let cases: Vec<(Reason, Spoil)> = vec![
        (Reason::NotOffered, |j| j.write(Record::Settings(settings(PartitionPolicy::STRICT)))),
        (Reason::CardReported, |j| j.write(Record::HotList(hot_list(2, &[1])))),
        (Reason::HotListStale, |j| j.wait_s(3_601)),
        (Reason::VerifierExpired, |j| j.wait_s(7 * 86_400)),
        (Reason::TooManyTries, |j| j.write(Record::OfflineTry { card: card(1), wrong: 3 })),
        (Reason::ClockSetBack, |j| j.wait_s(-1)),
        (Reason::UnknownCard, |j| {
            let verifier = None;
            j.write(Record::Card(CardProfile { verifier, ..profile(1, j.now) }));
        }),
        (Reason::LeaseExpired, |j| {
            j.wait_s(12 * 3_600);
            j.write(Record::HotListConfirmed { version: 1 });
        }),
        (Reason::LeaseExpired, |j| {
            j.write(Record::Lease(Lease { until: j.now.plus_s(900_000), ..lease(1) }));
            j.wait_s(24 * 3_600);
            j.write(Record::HotListConfirmed { version: 1 });
        }),
        (Reason::LeaseVoid, |j| j.write(Record::Lease(lease(2)))),
        (Reason::LeaseUsedUp { left: usd(0) }, |j| {
            j.write(Record::Intent(intent(1, host())));
            j.write(Record::Approved { id: OperationId(1), approved: approved(1) });
            j.write(dispensing(1, None));
            j.write(Record::Advice(completed(2, 1)));
        }),
        (Reason::Busy, |j| j.write(Record::Intent(intent(1, host())))),
        (Reason::LeaseUsedUp { left: usd(0) }, |j| {
            let amount = Amount::new(100_000, Currency::EUR);
            j.write(Record::Lease(Lease { amount, ..lease(1) }));
        }),
    ];
    for (reason, spoil) in cases {
        let (mut journal, holder) = usual();
        spoil(&mut journal);
        assert_eq!(ask(&journal, &holder, 10), Err(reason));
        let asked = Asked { holder: &holder, now: journal.now };
        assert_eq!(payable(&journal.book, &asked, means(1)), Err(reason));
    }
    let (journal, holder) = usual();
    let asked = Asked { holder: &holder, now: journal.now };
    let with = |cash: CashAsked| withdrawal(&journal.book, &asked, &cash).map(|permit| permit.amount());
    let full = Means { room: Room::Short, ..means(1) };
    assert_eq!(with(CashAsked { means: full, ..cash(10) }), Err(Reason::JournalFull));
    assert_eq!(with(CashAsked { means: Means { held: None, ..full }, ..cash(10) }), Err(Reason::LeaseVoid));
    assert_eq!(with(CashAsked { account: account(2), ..cash(10) }), Err(Reason::UnknownAccount));
    assert_eq!(with(cash(0)), Err(Reason::InvalidAmount));
    assert_eq!(with(cash(-10)), Err(Reason::InvalidAmount));
    let amount = Amount::new(1_000, Currency::EUR);
    assert_eq!(with(CashAsked { amount, ..cash(10) }), Err(Reason::InvalidAmount));
    assert_eq!(with(cash(10)), Ok(usd(10)));
}

#[test]
fn permits_nothing_before_the_host_ever_spoke() {
    let (_, holder) = usual();
    let mut journal = Journal::empty();
    assert_eq!(ask(&journal, &holder, 10), Err(Reason::NoSettings));
    journal.write(Record::Settings(settings(GENEROUS)));
    assert_eq!(ask(&journal, &holder, 10), Err(Reason::UnknownCard));
    journal.write(Record::Card(profile(1, START)));
    assert_eq!(ask(&journal, &holder, 10), Err(Reason::HotListStale));
    journal.write(Record::HotList(hot_list(1, &[])));
    assert_eq!(ask(&journal, &holder, 10), Err(Reason::NoLease));
    journal.write(Record::Lease(lease(1)));
    assert!(ask(&journal, &holder, 10).is_ok());
}

#[test]
fn a_clock_that_jumps_makes_no_list_fresh_and_no_limit_new() {
    let (mut journal, holder) = usual();
    journal.pay_offline(1, 1, paid());
    journal.wait_s(3_601);
    assert_eq!(ask(&journal, &holder, 10), Err(Reason::HotListStale));
    journal.write(Record::Begun { nonce: 2 });
    for back in [-1, -1_800, -86_400, -86_400 * 365] {
        let mut journal = journal.clone();
        journal.wait_s(back);
        assert_eq!(ask(&journal, &holder, 10), Err(Reason::ClockSetBack), "{back}");
        journal.write(Record::Begun { nonce: 3 });
        assert_eq!(
            ask(&journal, &holder, 10),
            Err(Reason::ClockSetBack),
            "{back}: writing with that clock mends nothing"
        );
        // The host confirms the list: ages are told by this clock from now on, and what was paid still counts.
        journal.write(Record::HotListConfirmed { version: 1 });
        journal.write(Record::Card(profile(1, journal.now)));
        journal.write(Record::Lease(lease(1)));
        assert_eq!(ask(&journal, &holder, 211), Err(Reason::OverCardLimit { left: usd(210) }), "{back}");
        assert!(ask(&journal, &holder, 210).is_ok(), "{back}");
    }
    for ahead in [86_400, 86_400 * 365] {
        let mut journal = journal.clone();
        journal.wait_s(ahead);
        assert!(ask(&journal, &holder, 10).is_err(), "{ahead}");
    }
}

#[test]
fn a_clock_set_a_day_ahead_over_a_restart_renews_no_cards_limit() {
    let (mut journal, holder) = usual();
    journal.pay_offline(1, 1, paid());
    journal.write(Record::Acknowledged { id: OperationId(1) });
    let renewed = |journal: &mut Journal| {
        journal.write(Record::HotListConfirmed { version: 1 });
        journal.write(Record::Card(profile(1, journal.now)));
        let lease = Lease { until: journal.now.plus_s(43_200), ..lease(1) };
        journal.write(Record::Lease(lease));
    };
    let left = Err(Reason::OverCardLimit { left: usd(210) });
    for by_summary in [false, true] {
        let mut journal = journal.clone();
        for start in 2..8 {
            journal.wait_s(86_400);
            if by_summary {
                journal.write(Record::Summary(Box::new(journal.book.summary(journal.now))));
            }
            journal.write(Record::Begun { nonce: start });
            renewed(&mut journal);
            assert_eq!(ask(&journal, &holder, 211), left, "start {start}");
        }
        // A day that the machine was there for is a day.
        for _ in 0..24 {
            journal.wait_s(3_600);
            renewed(&mut journal);
        }
        assert!(ask(&journal, &holder, 211).is_ok());
    }
}

#[test]
fn counts_a_try_before_it_is_compared() {
    let mut journal = Journal::usual();
    for wrong in 1..=3_u8 {
        let begun = begin_try(&journal.book, &card(1), journal.now).unwrap();
        assert_eq!(begun.salt(), [1; 32]);
        let (record, counted) = begun.count();
        assert_eq!(record, Record::OfflineTry { card: card(1), wrong });
        journal.write(record);
        assert_eq!(counted.salt(), [1; 32]);
        assert_eq!(counted.compare(&right(2)), Checked::Wrong { left: 3 - wrong });
    }
    assert_eq!(begin_try(&journal.book, &card(1), journal.now), Err(Reason::TooManyTries));
    journal.write(Record::Card(profile(1, journal.now)));
    let holder = holder(&mut journal);
    assert_eq!((holder.reference(), journal.book.wrong_tries(&card(1))), (&card(1), 0));
}

#[test]
fn a_try_that_the_pad_spoiled_is_taken_back() {
    let mut journal = Journal::usual();
    journal.write(Record::OfflineTry { card: card(1), wrong: 1 });
    let (record, counted) = begin_try(&journal.book, &card(1), journal.now).unwrap().count();
    journal.write(record);
    journal.write(counted.withdraw());
    assert_eq!(journal.book.wrong_tries(&card(1)), 1);
}

#[test]
fn a_pin_is_right_only_to_the_last_byte() {
    let journal = Journal::usual();
    for byte in 0..32 {
        for bit in 0..8 {
            let (_, counted) = begin_try(&journal.book, &card(1), journal.now).unwrap().count();
            let mut made = right(1);
            made[byte] ^= 1 << bit;
            assert_eq!(counted.compare(&made), Checked::Wrong { left: 2 });
        }
    }
}

#[test]
fn tries_are_offered_to_cards_that_may_be_served() {
    let tried = |journal: &Journal, number| begin_try(&journal.book, &card(number), journal.now).map(|_| ());
    let mut journal = Journal::usual();
    assert_eq!((tried(&journal, 1), tried(&journal, 2)), (Ok(()), Err(Reason::UnknownCard)));
    journal.write(Record::Card(profile(66, journal.now)));
    assert_eq!(tried(&journal, 66), Err(Reason::CardReported));
    journal.write(Record::Settings(settings(PartitionPolicy::STRICT)));
    assert_eq!(tried(&journal, 1), Err(Reason::NotOffered));
    let balance = OfflineBalance::Stale;
    journal.write(Record::Settings(settings(PartitionPolicy { balance, ..PartitionPolicy::STRICT })));
    assert_eq!(tried(&journal, 1), Ok(()));
}

#[test]
fn nothing_shows_a_verifier() {
    let journal = Journal::usual();
    let begun = begin_try(&journal.book, &card(1), journal.now).unwrap();
    let shown = format!("{begun:?} {:?} {:?}", journal.book.profile(&card(1)), begun.clone().count());
    assert!(!shown.contains("101, 101"), "{shown}");
}

#[test]
fn balances_are_shown_with_their_time_or_not_at_all() {
    let (mut journal, holder) = usual();
    journal.wait_s(10_000);
    let asked = Asked { holder: &holder, now: journal.now };
    let balances = balance(&journal.book, &asked).unwrap();
    assert_eq!((balances.accounts()[0].balance, balances.as_of()), (usd(700), START));
    let hidden = PartitionPolicy { balance: OfflineBalance::Hide, ..GENEROUS };
    journal.write(Record::Settings(settings(hidden)));
    assert_eq!(balance(&journal.book, &asked), Err(Reason::NotOffered));
    journal.write(Record::Settings(settings(GENEROUS)));
    journal.write(Record::HotList(hot_list(2, &[1])));
    assert_eq!(balance(&journal.book, &asked), Err(Reason::CardReported));
}

#[test]
fn deposits_and_transfers_are_stored_while_there_is_room() {
    let (mut journal, holder) = usual();
    let asked = Asked { holder: &holder, now: journal.now };
    let (source, target, amount) = (account(1), account(2), usd(5));
    let wanted = TransferAsked { source, target, amount };
    let permit = deposit(&journal.book, &asked, account(1), Room::Enough).unwrap();
    assert_eq!((permit.card(), permit.account(), permit.limit()), (CardId::new(1), account(1), usd(2_000)));
    let permit = transfer(&journal.book, &asked, wanted, Room::Enough).unwrap();
    assert_eq!((permit.card(), permit.transfer()), (CardId::new(1), wanted));

    let no_deposit = |journal: &Journal, account, room| deposit(&journal.book, &asked, account, room).unwrap_err();
    let no_transfer = |journal: &Journal, wanted, room| transfer(&journal.book, &asked, wanted, room).unwrap_err();
    assert_eq!(no_deposit(&journal, account(1), Room::Short), Reason::JournalFull);
    assert_eq!(no_deposit(&journal, account(2), Room::Enough), Reason::UnknownAccount);
    assert_eq!(no_transfer(&journal, wanted, Room::Short), Reason::JournalFull);
    let cases = [
        (TransferAsked { source: target, ..wanted }, Reason::UnknownAccount),
        (TransferAsked { target: source, ..wanted }, Reason::SameAccount),
        (TransferAsked { amount: usd(0), ..wanted }, Reason::InvalidAmount),
        (TransferAsked { amount: usd(-5), ..wanted }, Reason::InvalidAmount),
        (TransferAsked { amount: Amount::new(500, Currency::EUR), ..wanted }, Reason::InvalidAmount),
    ];
    for (wanted, reason) in cases {
        assert_eq!(no_transfer(&journal, wanted, Room::Enough), reason);
    }
    let (id, currency) = (crate::terminal::link::OperationId(9), Currency::USD);
    let mut taking = journal.clone();
    taking.write(Record::Depositing { id, card: CardId::new(1), account: account(1), currency });
    assert!(deposit(&taking.book, &asked, account(1), Room::Enough).is_ok(), "it is the one that is asked for");
    assert_eq!(withdrawal(&taking.book, &asked, &cash(20)).unwrap_err(), Reason::Busy);
    let (card_id, notes, amount) = (CardId::new(1), vec![(2_000, 1)], usd(20));
    taking.write(Record::Storing { id, card: card_id, account: account(1), notes, amount });
    assert_eq!(no_deposit(&taking, account(1), Room::Enough), Reason::Busy);
    journal.write(Record::Settings(settings(PartitionPolicy::STRICT)));
    assert_eq!(no_deposit(&journal, account(1), Room::Enough), Reason::NotOffered);
    assert_eq!(no_transfer(&journal, wanted, Room::Enough), Reason::NotOffered);
    journal.write(Record::Settings(settings(GENEROUS)));
    journal.write(Record::OfflineTry { card: card(1), wrong: 3 });
    assert_eq!(no_deposit(&journal, account(1), Room::Enough), Reason::TooManyTries);
    assert_eq!(no_transfer(&journal, wanted, Room::Enough), Reason::TooManyTries);
}

/// What may happen between two withdrawals while the line is cut.
#[derive(Clone, Copy, Debug)]
enum Between {
    Wait(i64),
    Restart,
    Suspect,
    Drop,
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![
        (-3_000..90_000i64).prop_map(Between::Wait),
        Just(Between::Restart),
        Just(Between::Suspect),
        Just(Between::Drop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_cut_off_machine_loses_at_most_its_lease_and_its_outage(
        turns in proptest::collection::vec((between(), 1..30_000i64), 1..60),
        per_outage in 0..2_000i64,
    ) {
        let mut journal = Journal::usual();
        let limits = OfflineLimits {
            per_card: usd(300),
            per_outage: usd(per_outage),
            hot_list_age_s: u32::MAX,
            lease: usd(1_000),
        };
        let withdrawal = OfflineWithdrawal::Limited(limits);
        journal.write(Record::Settings(settings(PartitionPolicy { withdrawal, ..GENEROUS })));
        let holder = holder(&mut journal);
        let mut lost = 0;
        for (id, (between, minor)) in turns.into_iter().enumerate() {
            let mut outcome = paid();
            match between {
                Between::Wait(seconds) => journal.wait_s(seconds),
                Between::Restart => journal.book = Book::read(&journal.entries).unwrap(),
                Between::Suspect => outcome = OfflineOutcome::Suspect,
                Between::Drop => {}
            }
            let amount = Amount::new(minor, Currency::USD);
            let asked = Asked { holder: &holder, now: journal.now };
            let cash = CashAsked { amount, ..cash(0) };
            let Ok(permit) = super::withdrawal(&journal.book, &asked, &cash) else { continue };
            let id = id as u128;
            journal.write(Record::Intent(Intent { amount, ..intent(id, Leave::Lease { nonce: permit.lease() }) }));
            let second = super::withdrawal(&journal.book, &Asked { holder: &holder, now: journal.now }, &cash);
            prop_assert_eq!(second.map(|permit| permit.amount()), Err(Reason::Busy));
            if matches!(between, Between::Drop) {
                journal.write(Record::Dropped { id: OperationId(id) });
                continue;
            }
            journal.write(dispensing(id, permit.present_nonce()));
            // Worth what was asked for, whatever the sample's notes are: it counts as unknown or as this many cents.
            lost += minor;
            journal.write(Record::Advice(withdrawn(id, 1, match outcome {
                OfflineOutcome::Suspect => OfflineOutcome::Suspect,
                OfflineOutcome::Paid(_) => OfflineOutcome::Paid(crate::terminal::link::Movement {
                    dispensed: vec![20, 20],
                    rejected: 140_000 - minor,
                    retracted: 0,
                }),
            })));
        }
        prop_assert!(lost <= usd(1_000).minor().min(usd(per_outage).minor()), "{}", lost);
        prop_assert_eq!(journal.book.paid_in_outage(), lost);
        prop_assert_eq!(journal.book.lease_used(), lost);
    }
}
