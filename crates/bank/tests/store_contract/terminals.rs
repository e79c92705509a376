//! Terminals, their cases and notices.

use cashpoint_bank::store::CasesWanted;
use cashpoint_core::card::CardState;
use cashpoint_core::case::{Case, Matter};
use cashpoint_core::change::Row;
use cashpoint_core::enrolled::JournalTrust;
use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::{CaseId, SessionId, TransferId};
use cashpoint_core::ledger::TransferKind;
use cashpoint_core::withdrawal::{Withdrawal, WithdrawalState};

use crate::sample::{self, ANNS, ANNS_SAVINGS, Builder, CARD, customers, machine, request};
use crate::{Database, commit, small_bank};

pub(crate) fn tells_of_terminals_and_what_they_served(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let all = reader.terminals().unwrap();
    assert_eq!(all, [bank.facts.terminals.at(&machine("ATM2")).clone()]);
    assert!(matches!(all[0].journal, JournalTrust::Doubted(head) if head.n == 10));
    assert_eq!(all[0].leases.len(), 1, "what was forgotten is gone");
    let keys = reader.terminal_keys(machine("ATM2")).unwrap().expect("they were kept");
    assert_eq!((keys.data_key.0, keys.secrets.0.len()), (3, 90));
    assert_eq!(reader.terminal_keys(machine("ATM1")).unwrap(), None);
    assert_eq!(reader.spent_cards(machine("ATM2")).unwrap(), [CARD], "it was reported stolen");
    assert_eq!(reader.spent_cards(machine("ATM1")).unwrap(), []);
    let good = cashpoint_core::card::Card { state: CardState::Active, ..*bank.facts.cards.at(&CARD) };
    bank.set(Row::Card(good));
    commit(store.as_mut(), &mut bank);
    assert_eq!(reader.spent_cards(machine("ATM2")).unwrap(), []);
    let session = reader.session_by_id(SessionId::new(902)).unwrap().expect("it began");
    assert_eq!(reader.session(&session.token).unwrap(), Some(session));
    assert_eq!(reader.session_by_id(SessionId::new(31)).unwrap(), None);
    let original = reader.original(request(4).key).unwrap().expect("it was approved");
    assert_eq!((original.nonce, &original), (Some([4; 16]), bank.facts.originals.at(&request(4).key)));
    assert_eq!(reader.original([31; 16]).unwrap(), None);
    assert_eq!(reader.unheard(machine("ATM2")).unwrap(), []);
    bank.set(Row::Withdrawal(Withdrawal { id: original.id, state: WithdrawalState::Approved }));
    commit(store.as_mut(), &mut bank);
    assert_eq!(reader.unheard(machine("ATM2")).unwrap(), [original.id]);
    assert_eq!(reader.unheard(machine("ATM1")).unwrap(), []);
}

pub(crate) fn lists_cases_from_one_on(database: &dyn Database) {
    let mut store = database.writer();
    let bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let ids = |cases: Vec<cashpoint_core::case::Case>| cases.iter().map(|case| case.id.number()).collect::<Vec<_>>();
    assert_eq!(ids(reader.cases(CasesWanted::All, 0, 10).unwrap()), [77, 78]);
    assert_eq!(ids(reader.cases(CasesWanted::All, 0, 1).unwrap()), [77]);
    assert_eq!(ids(reader.cases(CasesWanted::All, 77, 10).unwrap()), [78]);
    assert_eq!(ids(reader.cases(CasesWanted::Open, 0, 10).unwrap()), [78]);
    let case = reader.case(CaseId::new(77)).unwrap().expect("it is there");
    assert_eq!(&case, bank.facts.cases.at(&CaseId::new(77)));
    assert!(matches!(case.matter, Matter::Suspect(_)));
    assert_eq!((case.resolved, case.evidence.as_str()), (Some(40_00), "counted=short"));
    assert_eq!(reader.case(CaseId::new(31)).unwrap(), None);
}

pub(crate) fn keeps_cases_of_every_matter(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    let suspect = bank.facts.cases.at(&CaseId::new(77)).clone();
    let matters: [fn(TransferId) -> Matter; 8] = [
        Matter::Suspect,
        Matter::OfflineSuspect,
        |_| Matter::DepositUnclear,
        Matter::OverCeiling,
        Matter::DepositUnclaimed,
        Matter::WithdrawalUnclaimed,
        |_| Matter::WithdrawalUnclear,
        Matter::ReturnUnclaimed,
    ];
    for (number, matter) in (101..).zip(matters) {
        let transfer = bank.post(TransferKind::Transfer, (customers(ANNS), customers(ANNS_SAVINGS)), 1, None);
        let (id, short, resolved) = (CaseId::new(number), 0, None);
        let case = Case { id, matter: matter(transfer), short, resolved, ..suspect.clone() };
        bank.set(Row::Case(case.clone()));
        commit(store.as_mut(), &mut bank);
        assert_eq!(database.reader().case(id).unwrap(), Some(case));
    }
}

pub(crate) fn keeps_notices_until_they_were_told(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = Builder::new();
    let mut seen = Vec::new();
    let mut reader = None;
    for fill in sample::commits() {
        fill(&mut bank);
        commit(store.as_mut(), &mut bank);
        let reader = reader.get_or_insert_with(|| database.reader());
        seen.push(reader.notices(CARD).unwrap().iter().map(|(_, notice)| notice.code.clone()).collect::<Vec<_>>());
    }
    seen.dedup();
    assert_eq!(seen, [vec![], vec!["insufficient_funds".to_owned()], vec![]]);
}

pub(crate) fn tells_of_replenishments_and_the_cases_of_a_machine(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let (atm, other) = (machine("ATM2"), machine("ATM1"));
    let first = reader.replenishment(atm, 1).unwrap().expect("it was ordered");
    assert_eq!((first.number, &first.count, &first.posted), (1, &None, &None));
    let second = reader.replenishment(atm, 2).unwrap().expect("it was ordered");
    assert_eq!(&second, bank.facts.replenishments.at(&atm));
    assert!(second.count.is_some() && second.posted.is_some());
    for (machine, number) in [(atm, 3), (atm, u64::MAX), (other, 1)] {
        assert_eq!(reader.replenishment(machine, number).unwrap(), None);
    }
    let keys = Keys { replenishments: [atm, other].into(), ..Keys::default() };
    let mut facts = Facts::default();
    reader.load(&keys, &mut facts).unwrap();
    facts.settle_rows(&keys);
    assert_eq!((facts.replenishments.find(&atm), facts.replenishments.find(&other)), (Some(&second), None));
    let open = |cases: Vec<Case>| cases.iter().map(|case| case.id.number()).collect::<Vec<_>>();
    assert_eq!(open(reader.open_cases(atm).unwrap()), [78], "the other one is resolved");
    let resolved = bank.facts.cases.at(&CaseId::new(77)).clone();
    bank.set(Row::Case(Case { resolved: None, short: 12_00, ..resolved }));
    commit(store.as_mut(), &mut bank);
    assert_eq!(open(reader.open_cases(atm).unwrap()), [77, 78]);
    assert_eq!(reader.case(CaseId::new(77)).unwrap().map(|case| case.short), Some(12_00));
    assert!(reader.open_cases(other).unwrap().is_empty());
}
