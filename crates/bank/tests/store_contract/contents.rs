//! What was committed is found again, and nothing else is.

use cashpoint_core::card::PinKey;
use cashpoint_core::change::{Change, New, Row};
use cashpoint_core::currency::Currency;
use cashpoint_core::customer::Sealed;
use cashpoint_core::event::{About, EventKind};
use cashpoint_core::facts::{Facts, Keys, Lookups};
use cashpoint_core::id::{AccountNumber, CardId, CaseId, CustomerId, SessionId, TransferId};
use cashpoint_core::ledger::LedgerAccount;
use cashpoint_core::outcome::Done;
use cashpoint_core::policy::Policy;
use cashpoint_core::session::{Role, Subject};
use cashpoint_core::time::BusinessDate;
use cashpoint_core::withdrawal::DailyUse;

use crate::sample::{ANN, ANNS, ANNS_SAVINGS, BEN, BENS, Builder, CARD, FIRST_DATE, index, machine, request};
use crate::{Database, commit, found, small_bank};

macro_rules! same {
    ($found:expr, $expected:expr, $($table:ident by $keys:expr),* $(,)?) => {
        $(for key in &$keys {
            let stored = $found.$table.find(key);
            assert_eq!(stored, $expected.$table.find(key), "{} {key:?}", stringify!($table));
            assert!(stored.is_some() || is_given_up(key), "{} {key:?} is expected", stringify!($table));
        })*
    };
}

/// The one thing that the sample takes away again: an email address.
fn is_given_up(key: &dyn std::fmt::Debug) -> bool {
    format!("{key:?}") == format!("{:?}", index(2))
}

pub(crate) fn check_rows(found: &Facts, bank: &Builder) {
    let Keys { accounts, cash, customers, profiles, sessions, cards, pins, tries, machines, holdings, .. } = &bank.keys;
    same!(found, bank.facts, accounts by *accounts, cash by *cash, customers by *customers, profiles by *profiles);
    same!(found, bank.facts, sessions by *sessions, cards by *cards, pins by *pins, tries by *tries);
    same!(found, bank.facts, machines by *machines, holdings by *holdings);
    let Keys { visits, terminals, replenishments, .. } = &bank.keys;
    same!(found, bank.facts, visits by *visits, terminals by *terminals, replenishments by *replenishments);
    let Keys { daily, withdrawals, cases, feeds, .. } = &bank.keys;
    same!(found, bank.facts, daily by *daily, withdrawals by *withdrawals, cases by *cases, feeds by *feeds);
}

pub(crate) fn check_identities(found: &Facts, bank: &Builder) {
    let Lookups { requests, accounts, cards, card_numbers, emails, .. } = &bank.lookups;
    same!(found, bank.facts, requests by *requests, account_identities by *accounts, card_identities by *cards);
    same!(found, bank.facts, card_numbers by *card_numbers, emails by *emails);
    let Lookups { machines, originals, withdrawals, operator_names, .. } = &bank.lookups;
    same!(found, bank.facts, machine_identities by *machines, originals by *originals);
    same!(found, bank.facts, withdrawal_identities by *withdrawals, operator_names by *operator_names);
}

pub(crate) fn gives_back_everything_that_was_committed(database: &dyn Database) {
    let mut store = database.writer();
    let bank = small_bank(store.as_mut());
    let facts = found(store.as_mut(), &bank.lookups, &bank.keys);
    check_rows(&facts, &bank);
    check_identities(&facts, &bank);
    let mut facts = Facts::default();
    database.reader().load(&bank.keys, &mut facts).unwrap();
    check_rows(&facts, &bank);
    drop(store);
    let facts = found(database.writer().as_mut(), &bank.lookups, &bank.keys);
    check_rows(&facts, &bank);
    check_identities(&facts, &bank);
}

pub(crate) fn says_that_what_is_not_there_is_absent(database: &dyn Database) {
    let mut store = database.writer();
    small_bank(store.as_mut());
    let (nobody, nothing) = (CustomerId::new(31), TransferId::new(31));
    let lookups = Lookups {
        requests: [[31; 16]].into(),
        accounts: [AccountNumber::new(31), AccountNumber::new(u64::MAX)].into(),
        cards: [CardId::new(31)].into(),
        card_numbers: [index(31)].into(),
        emails: [index(31)].into(),
        machines: [machine("ATM31")].into(),
        originals: [[31; 16], request(1).key].into(),
        withdrawals: [nothing].into(),
        operator_names: ["Olga".to_owned()].into(),
    };
    let keys = Keys {
        accounts: lookups.accounts.clone(),
        cash: [LedgerAccount::AtmCash(machine("ATM31"), Currency::USD)].into(),
        customers: [nobody].into(),
        profiles: [nobody].into(),
        sessions: [SessionId::new(31)].into(),
        cards: lookups.cards.clone(),
        pins: [PinKey::Card(CardId::new(31)), PinKey::Unknown(index(31))].into(),
        tries: [index(31)].into(),
        machines: lookups.machines.clone(),
        holdings: lookups.machines.clone(),
        daily: [(ANN, FIRST_DATE, Currency::JPY)].into(),
        withdrawals: [nothing].into(),
        cases: [CaseId::new(31)].into(),
        visits: [(machine("ATM31"), CardId::new(31))].into(),
        terminals: lookups.machines.clone(),
        replenishments: lookups.machines.clone(),
        feeds: [crate::sample::channel("email")].into(),
    };
    let facts = found(store.as_mut(), &lookups, &keys);
    for number in &lookups.accounts {
        assert_eq!(facts.account_identities.find(number), None);
        assert_eq!(facts.accounts.find(number), None);
    }
    assert_eq!(facts.operator_names.find(&"Olga".to_owned()), None);
    assert_eq!(facts.machine_identities.find(&machine("ATM31")), None);
    let asked = 11 + 19;
    assert_eq!(facts.len(), asked, "each is settled, and nothing else is there");
    let mut reader = database.reader();
    assert_eq!(reader.account(AccountNumber::new(u64::MAX)).unwrap(), None);
    assert_eq!(reader.session(&index(31)).unwrap(), None);
    assert_eq!(reader.customer(nobody).unwrap(), None);
    assert_eq!(reader.transfer(nothing).unwrap(), None);
    assert_eq!(reader.card(CardId::new(31)).unwrap(), None);
    assert_eq!(reader.accounts(nobody).unwrap(), []);
    assert_eq!(reader.events(nobody, 0, 10).unwrap(), []);
    assert_eq!(reader.machines(Some(machine("ATM31"))).unwrap(), []);
    assert_eq!(reader.machine_transfers(machine("ATM31"), None, 10).unwrap(), []);
}

pub(crate) fn forgets_that_a_request_was_unknown(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = Builder::new();
    let mut facts = Facts::default();
    let lookups = Lookups { requests: [request(1).key].into(), ..Lookups::default() };
    store.resolve(&lookups, &mut facts).unwrap();
    assert_eq!(facts.requests.find(&request(1).key), None);
    bank.add(New::Request(request(1), Ok(Done::Changed)));
    commit(store.as_mut(), &mut bank);
    store.resolve(&lookups, &mut facts).unwrap();
    let recorded = facts.requests.find(&request(1).key).expect("it was committed");
    assert_eq!((recorded.content, &recorded.outcome), (request(1).content, &Ok(Done::Changed)));
}

pub(crate) fn keeps_rows_that_were_loaded_before(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    let mut facts = found(store.as_mut(), &bank.lookups, &bank.keys);
    // What a group decided stands in the facts already when it is committed: loading again must not undo it, and a
    // store that leaves rows standing must agree with one that reads them anew.
    let row = *facts.customers.at(&BEN);
    let row = cashpoint_core::customer::Customer { generation: row.generation + 1, ..row };
    let mut changes = bank.take();
    changes.apply(Change::Row(Row::Customer(row)), &mut facts);
    store.commit(&changes).unwrap();
    store.load(&bank.keys, &mut facts).unwrap();
    assert_eq!(facts.customers.at(&BEN), &row);
    assert_eq!(found(store.as_mut(), &bank.lookups, &bank.keys).customers.at(&BEN), &row);
}

pub(crate) fn keeps_each_days_use_in_each_currency(database: &dyn Database) {
    let mut bank = small_bank(database.writer().as_mut());
    let day = |day| BusinessDate::from_days(FIRST_DATE.days() + day);
    // Forwards, back to an older day, and two days or currencies in one group; each group by the same writer or the next.
    let groups: [&[(i32, Currency)]; 9] = [
        &[(5, Currency::USD)],
        &[(5, Currency::USD)],
        &[(5, Currency::EUR)],
        &[(3, Currency::USD)],
        &[(6, Currency::EUR), (6, Currency::USD), (5, Currency::USD)],
        &[(6, Currency::USD)],
        &[(6, Currency::EUR), (7, Currency::EUR), (8, Currency::USD)],
        &[(7, Currency::EUR)],
        &[(9, Currency::USD), (8, Currency::USD)],
    ];
    for reopen in [false, true] {
        let mut store = database.writer();
        for (number, group) in (1..).zip(groups) {
            for (at, (days, currency)) in (0..).zip(group) {
                let used = DailyUse { withdrawn: number * 10 + at, deposited: i64::from(reopen), transferred: at };
                bank.set(Row::Daily((BEN, day(*days), *currency), used));
            }
            if number % 2 == 0 {
                bank.event(BEN, EventKind::Deposit, About::default());
            }
            commit(store.as_mut(), &mut bank);
            if reopen {
                drop(store);
                store = database.writer();
            }
            let facts = found(store.as_mut(), &bank.lookups, &bank.keys);
            for key in &bank.keys.daily {
                assert_eq!(facts.daily.find(key), bank.facts.daily.find(key), "{key:?} after group {number}");
            }
            assert_eq!(facts.customers.at(&BEN), bank.facts.customers.at(&BEN));
        }
    }
    assert!(bank.keys.daily.len() > 8);
}

pub(crate) fn finds_people_and_cards_by_their_indexes(database: &dyn Database) {
    let mut store = database.writer();
    let bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let (ann, password) = reader.customer_by_email(&[index(31), index(9)]).unwrap().expect("that is her address");
    let password = password.expect("she has one");
    assert_eq!((ann, password.version, password.phc.as_str()), (ANN, 2, "$argon2id$second"));
    assert_eq!(reader.customer_by_email(&[index(2)]).unwrap(), None, "given up");
    let (profile, password) = reader.customer(BEN).unwrap().expect("he is there");
    assert_eq!((&profile, password), (bank.facts.profiles.at(&BEN), None));
    assert_eq!(reader.card_by_number(&[index(31), index(50)]).unwrap(), Some(CARD));
    assert_eq!(reader.card_by_number(&[index(31)]).unwrap(), None);
    let (identity, number) = reader.card(CARD).unwrap().expect("it is there");
    assert_eq!((&identity, number), (bank.facts.card_identities.at(&CARD), Sealed(vec![6; 40])));
    let session = reader.session(&index(92)).unwrap().expect("it began");
    assert_eq!(session.subject, Subject::Card { card: CARD, customer: ANN, place: machine("ATM1") });
    assert_eq!((session.id, session.idle_s, session.ends), (SessionId::new(902), 300, None));
    let online = reader.session(&index(91)).unwrap().expect("it began");
    assert_eq!(online.subject, Subject::Online { customer: BEN });
    assert_eq!(online.ends, Some(online.began.plus_s(86_400)));
    let staff = reader.session(&index(90)).unwrap().expect("it began");
    assert!(matches!(staff.subject, Subject::Operator { role: Role::Custodian, .. }));
}

pub(crate) fn lists_accounts_in_the_order_of_opening(database: &dyn Database) {
    let mut store = database.writer();
    let bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let expected = [ANNS, ANNS_SAVINGS].map(|number| *bank.facts.accounts.at(&number));
    assert_eq!(reader.accounts(ANN).unwrap(), expected);
    let bens = reader.account(BENS).unwrap().expect("it is there");
    assert_eq!(&bens, bank.facts.accounts.at(&BENS));
    assert!(bens.closed.is_some());
}

pub(crate) fn shows_machines_with_their_cash(database: &dyn Database) {
    let mut store = database.writer();
    let bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let all = reader.machines(None).unwrap();
    assert_eq!(all.iter().map(|view| view.identity.id.to_string()).collect::<Vec<_>>(), ["ATM1", "ATM2", "C-1"]);
    assert_eq!(all.iter().map(|view| view.in_flight).collect::<Vec<_>>(), [0, 100_00, 0]);
    for view in all {
        let id = view.identity.id;
        assert_eq!(&view.identity, bank.facts.machine_identities.at(&id));
        assert_eq!(&view.machine, bank.facts.machines.at(&id));
        assert_eq!(&view.holdings, bank.facts.holdings.at(&id));
        assert_eq!(reader.machines(Some(id)).unwrap(), [view]);
    }
}

pub(crate) fn knows_its_staff(database: &dyn Database) {
    let mut store = database.writer();
    let mut reader = database.reader();
    assert!(!reader.has_operators().unwrap());
    small_bank(store.as_mut());
    assert!(reader.has_operators().unwrap());
    let olga = reader.operator("olga").unwrap().expect("she was added");
    assert_eq!((olga.role, olga.password.phc.as_str()), (Role::Custodian, "$argon2id$operator"));
    assert_eq!(reader.operator("olg").unwrap(), None);
}

pub(crate) fn keeps_versions_of_the_policy(database: &dyn Database) {
    let mut store = database.writer();
    let terms = store.resolve(&Lookups::default(), &mut Facts::default()).unwrap();
    assert_eq!((terms.policy_version, terms.policy.as_ref()), (1, &Policy::default()));
    assert_eq!(database.reader().policy().unwrap(), (1, Policy::default()));
    let mut bank = Builder::new();
    let stricter = Policy { pin_tries: 2, daily_withdrawal_limit: None, ..Policy::default() };
    bank.add(New::Policy(2, stricter.clone()));
    let changes = bank.take();
    store.commit(&changes).unwrap();
    let terms = store.resolve(&Lookups::default(), &mut Facts::default()).unwrap();
    assert_eq!((terms.policy_version, terms.policy.as_ref()), (2, &stricter));
    assert_eq!(database.reader().policy().unwrap(), (2, stricter));
    assert!(crate::is_conflict(&store.commit(&changes)), "somebody else made version 2");
}
