use proptest::prelude::*;

use super::*;
use crate::terminal::link::{AdviceKind, Evidence, Movement, OfflineOutcome, ReverseReason};
use crate::terminal::record::Record;
use crate::terminal::samples::*;

fn paid() -> OfflineOutcome {
    OfflineOutcome::Paid(all_paid())
}

fn ack(id: u128) -> Record {
    Record::Acknowledged { id: OperationId(id) }
}

fn storing(id: u128) -> Record {
    let (card, account) = (crate::id::CardId::new(1), account(1));
    Record::Storing { id: OperationId(id), card, account, notes: vec![(2_000, 3)], amount: usd(60) }
}

fn depositing(id: u128) -> Record {
    let (card, account) = (crate::id::CardId::new(1), account(1));
    Record::Depositing { id: OperationId(id), card, account, currency: crate::currency::Currency::USD }
}

fn deposited(id: u128) -> Record {
    let (card, account) = (crate::id::CardId::new(1), account(1));
    Record::Advice(advice(id, AdviceKind::Deposited { card, account, notes: vec![(2_000, 3)], amount: usd(60) }))
}

fn approve(id: u128) -> Record {
    Record::Approved { id: OperationId(id), approved: approved(id) }
}

#[test]
fn follows_a_withdrawal_from_intent_to_acknowledgement() {
    let mut journal = Journal::usual();
    let step = |journal: &Journal| match journal.book.open() {
        Some(Open::Withdrawal(withdrawal)) => Some(withdrawal.step.clone()),
        Some(Open::Deposit(_)) | None => None,
    };
    journal.write(Record::Intent(intent(1, host())));
    assert_eq!(step(&journal), Some(Step::Intended));
    journal.write(approve(1));
    assert_eq!(step(&journal), Some(Step::Approved));
    journal.write(dispensing(1, Some(nonce(201))));
    let dispense =
        Dispensing { before: counters(), dispense: [7; 32], present_nonce: Some(nonce(201)), token: TokenUse::First };
    assert_eq!(step(&journal), Some(Step::Dispensing(dispense.clone())));
    journal.write(Record::Presenting { id: OperationId(1) });
    assert_eq!(step(&journal), Some(Step::Presenting(dispense)));
    assert_eq!(journal.book.may_forget(), None);
    journal.write(Record::Advice(completed(2, 1)));
    assert_eq!((step(&journal), journal.book.waiting()), (None, 1));
    assert_eq!(journal.book.next_advice(), Some(&completed(2, 1)));
    assert_eq!(journal.book.may_forget(), None);
    journal.write(ack(2));
    assert_eq!(journal.book.waiting(), 0);
    assert_eq!(journal.book.may_forget(), Some(journal.book.last() + 1));
}

#[test]
fn follows_a_deposit_from_its_announcement() {
    let id = OperationId(1);
    let unclear = |counted: crate::mix::Notes, minor| {
        let (card, account, amount) = (crate::id::CardId::new(1), account(1), usd(minor));
        Record::Advice(advice(1, AdviceKind::DepositUnclear { card, account, counted, amount }))
    };
    let open = |journal: &Journal| match journal.book.open() {
        Some(Open::Deposit(deposit)) => Some((deposit.step, deposit.notes.clone(), deposit.amount)),
        Some(Open::Withdrawal(_)) | None => None,
    };
    for (rest, waiting) in [
        (vec![Record::Dropped { id }], 0),
        (vec![unclear(Vec::new(), 0)], 1),
        (vec![storing(1), deposited(1)], 1),
        (vec![storing(1), unclear(vec![(2_000, 3)], 60)], 1),
        (vec![storing(1), Record::Dropped { id }], 0),
    ] {
        let mut journal = Journal::usual();
        journal.write(depositing(1));
        assert_eq!(open(&journal), Some((DepositStep::Taking, Vec::new(), usd(0))));
        assert_eq!(journal.book.may_forget(), None);
        for record in rest {
            let stores = matches!(record, Record::Storing { .. });
            journal.write(record);
            let stored = Some((DepositStep::Storing, vec![(2_000, 3)], usd(60)));
            assert_eq!(open(&journal), stored.filter(|_| stores));
        }
        assert_eq!((journal.book.open(), journal.book.waiting()), (None, waiting));
    }
}

#[test]
fn remembers_that_a_card_jammed_over_waiting_notes() {
    for leave in [host(), under(1)] {
        let mut journal = Journal::usual();
        journal.write(Record::Intent(intent(1, leave)));
        if leave == host() {
            journal.write(approve(1));
        }
        journal.write(dispensing(1, Some(nonce(201))));
        let fate = |journal: &Journal| match journal.book.open() {
            Some(Open::Withdrawal(open)) => Some(open.card),
            Some(Open::Deposit(_)) | None => None,
        };
        assert_eq!(fate(&journal), Some(CardFate::Moves));
        for _ in 0..2 {
            journal.write(Record::CardJammed { id: OperationId(1) });
            assert_eq!(fate(&journal), Some(CardFate::Jammed));
        }
    }
}

#[test]
fn remembers_that_notes_jammed_through_their_storing() {
    let mut journal = Journal::usual();
    journal.write(depositing(1));
    let tally = |journal: &Journal| match journal.book.open() {
        Some(Open::Deposit(open)) => Some((open.step, open.tally)),
        Some(Open::Withdrawal(_)) | None => None,
    };
    assert_eq!(tally(&journal), Some((DepositStep::Taking, Tally::Whole)));
    for _ in 0..2 {
        journal.write(Record::NotesJammed { id: OperationId(1) });
        assert_eq!(tally(&journal), Some((DepositStep::Taking, Tally::Broken)));
    }
    journal.write(storing(1));
    assert_eq!(tally(&journal), Some((DepositStep::Storing, Tally::Broken)));
}

#[test]
fn refuses_what_cannot_follow_and_stays_as_it_was() {
    let id = OperationId;
    let mut approved_one = Journal::usual();
    approved_one.write(Record::Intent(intent(1, host())));
    approved_one.write(approve(1));
    let mut offline = Journal::usual();
    offline.write(Record::Intent(intent(1, under(1))));
    let mut deposit = Journal::usual();
    deposit.write(storing(1));
    let mut waiting = Journal::usual();
    waiting.write(storing(1));
    waiting.write(deposited(1));
    let idle = Journal::usual();
    let mut taking = Journal::usual();
    taking.write(depositing(1));
    let elsewhere = |number, of| {
        let (card, notes) = (crate::id::CardId::new(of), vec![(2_000, 3)]);
        Record::Storing { id: id(1), card, account: account(number), notes, amount: usd(60) }
    };
    let mut dispensing_one = Journal::usual();
    dispensing_one.write(Record::Intent(intent(1, under(1))));
    dispensing_one.write(dispensing(1, Some(nonce(201))));
    let mut presenting = dispensing_one.clone();
    presenting.write(Record::Presenting { id: id(1) });
    let jammed = |of| Record::CardJammed { id: id(of) };
    let notes_jammed = |of| Record::NotesJammed { id: id(of) };

    let second = |second| Contradiction::SecondBegun { open: id(1), second: id(second) };
    let reversed = |original| {
        let (moved, reason, evidence) = (Movement::default(), ReverseReason::Restarted, Evidence::default());
        advice(9, AdviceKind::Reversed { original: id(original), moved, reason, evidence })
    };
    let other = Record::Advice(advice(1, AdviceKind::CardRetained { card: None }));
    let wrong_approval = Record::Approved { id: id(1), approved: approved(5) };
    let mut asked = Journal::usual();
    asked.write(Record::Intent(intent(1, host())));
    let cases: Vec<(&Journal, Record, Contradiction)> = vec![
        (&approved_one, Record::Intent(intent(2, host())), second(2)),
        (&approved_one, storing(3), second(3)),
        (&deposit, Record::Intent(intent(2, under(1))), second(2)),
        (&idle, approve(1), Contradiction::NotOpen { id: id(1) }),
        (&idle, dispensing(1, None), Contradiction::NotOpen { id: id(1) }),
        (&idle, Record::Presenting { id: id(1) }, Contradiction::NotOpen { id: id(1) }),
        (&idle, Record::Dropped { id: id(1) }, Contradiction::NotOpen { id: id(1) }),
        (&idle, Record::Advice(completed(2, 1)), Contradiction::NotOpen { id: id(1) }),
        (&idle, Record::Advice(withdrawn(2, 1, paid())), Contradiction::NotOpen { id: id(2) }),
        (&idle, deposited(4), Contradiction::NotOpen { id: id(4) }),
        (&idle, notes_jammed(1), Contradiction::NotOpen { id: id(1) }),
        (&taking, notes_jammed(2), Contradiction::NotOpen { id: id(2) }),
        (&approved_one, notes_jammed(1), Contradiction::NotOpen { id: id(1) }),
        (&deposit, notes_jammed(1), Contradiction::OutOfOrder { id: id(1) }),
        (&deposit, deposited(4), Contradiction::NotOpen { id: id(4) }),
        (&approved_one, Record::Dropped { id: id(2) }, Contradiction::NotOpen { id: id(2) }),
        (&approved_one, Record::Dropped { id: id(1) }, Contradiction::OutOfOrder { id: id(1) }),
        (&approved_one, approve(1), Contradiction::OutOfOrder { id: id(1) }),
        (&approved_one, Record::Presenting { id: id(1) }, Contradiction::OutOfOrder { id: id(1) }),
        (&approved_one, Record::Advice(withdrawn(1, 1, paid())), Contradiction::OutOfOrder { id: id(1) }),
        (&asked, wrong_approval, Contradiction::OutOfOrder { id: id(1) }),
        (&asked, dispensing(1, None), Contradiction::OutOfOrder { id: id(1) }),
        (&offline, approve(1), Contradiction::OutOfOrder { id: id(1) }),
        (&offline, Record::Advice(reversed(1)), Contradiction::OutOfOrder { id: id(1) }),
        (&waiting, other, Contradiction::TwoContents { id: id(1) }),
        (&waiting, Record::Summary(Box::default()), Contradiction::SummedUpTooEarly),
        (&deposit, Record::Summary(Box::default()), Contradiction::SummedUpTooEarly),
        (&approved_one, depositing(3), second(3)),
        (&deposit, depositing(2), second(2)),
        (&taking, depositing(1), second(1)),
        (&taking, storing(2), second(2)),
        (&taking, Record::Intent(intent(2, host())), second(2)),
        (&taking, elsewhere(2, 1), Contradiction::OutOfOrder { id: id(1) }),
        (&taking, elsewhere(1, 2), Contradiction::OutOfOrder { id: id(1) }),
        (&deposit, storing(1), Contradiction::OutOfOrder { id: id(1) }),
        (&taking, deposited(1), Contradiction::OutOfOrder { id: id(1) }),
        (&taking, deposited(2), Contradiction::NotOpen { id: id(2) }),
        (&taking, Record::Dropped { id: id(2) }, Contradiction::NotOpen { id: id(2) }),
        (&taking, Record::Summary(Box::default()), Contradiction::SummedUpTooEarly),
        (&taking, jammed(1), Contradiction::NotOpen { id: id(1) }),
        (&idle, jammed(1), Contradiction::NotOpen { id: id(1) }),
        (&approved_one, jammed(1), Contradiction::OutOfOrder { id: id(1) }),
        (&presenting, jammed(1), Contradiction::OutOfOrder { id: id(1) }),
        (&dispensing_one, jammed(2), Contradiction::NotOpen { id: id(2) }),
    ];
    for (journal, record, contradiction) in cases {
        let mut book = journal.book.clone();
        let entry = Entry { n: book.last() + 1, at: journal.now, record };
        assert_eq!(book.apply(&entry), Err(contradiction), "{entry:?}");
        assert_eq!(book, journal.book, "{entry:?}");
        assert!(!contradiction.to_string().is_empty());
    }
}

#[test]
fn refuses_gaps_and_repeats() {
    let journal = Journal::usual();
    for n in [0, 1, 4, 6, u64::MAX] {
        let entry = Entry { n, at: START, record: Record::Begun { nonce: 1 } };
        let gap = Contradiction::Gap { expected: 5, found: n };
        assert_eq!(journal.book.clone().apply(&entry), Err(gap));
    }
    let mut entries = journal.entries.clone();
    entries.remove(2);
    assert_eq!(Book::read(&entries), Err(Contradiction::Gap { expected: 3, found: 4 }));
    assert_eq!(Book::read(&journal.entries[1..]), Err(Contradiction::Gap { expected: 1, found: 2 }));
    assert_eq!(Book::read(&journal.entries).as_ref(), Ok(&journal.book));
}

#[test]
fn counts_a_lease_by_what_left_the_cassettes_and_cash_by_what_was_paid() {
    let half = Movement { dispensed: vec![2, 1], rejected: 5_000, retracted: 2_000 };
    let none = Movement { dispensed: vec![0, 0], ..Movement::default() };
    // outcome, of the lease, to the card
    let cases = [
        (paid(), 9_000, 9_000),
        (OfflineOutcome::Suspect, 9_000, 9_000),
        (OfflineOutcome::Paid(half), 9_000, 2_000),
        (OfflineOutcome::Paid(none), 0, 0),
    ];
    for (outcome, of_lease, to_card) in cases {
        let mut journal = Journal::usual();
        journal.pay_offline(1, 1, outcome.clone());
        let book = &journal.book;
        assert_eq!(book.lease_used(), of_lease, "{outcome:?}");
        assert_eq!(book.lease_left(), 100_000 - of_lease, "{outcome:?}");
        assert_eq!(book.paid_to_card(&card(1), journal.now), to_card, "{outcome:?}");
        assert_eq!(book.paid_to_card(&card(2), journal.now), 0);
        assert_eq!(book.paid_in_outage(), to_card, "{outcome:?}");
        journal.write(ack(1));
        assert_eq!(journal.book.paid_in_outage(), 0);
        assert_eq!(journal.book.paid_to_card(&card(1), journal.now), to_card);
        assert_eq!(journal.book.lease_used(), of_lease);
        for _ in 0..24 {
            journal.wait_s(3_600);
            journal.write(Record::HotListConfirmed { version: 1 });
        }
        assert_eq!(journal.book.paid_to_card(&card(1), journal.now), 0);
    }
}

#[test]
fn counts_an_open_intent_in_full_until_it_is_dropped() {
    let mut journal = Journal::usual();
    journal.write(Record::Intent(intent(1, under(1))));
    let counted = |book: &Book| (book.lease_used(), book.paid_to_card(&card(1), START), book.paid_in_outage());
    assert_eq!(counted(&journal.book), (9_000, 9_000, 9_000));
    journal.write(Record::Dropped { id: OperationId(1) });
    assert_eq!(counted(&journal.book), (0, 0, 0));
    journal.write(Record::Intent(intent(2, under(9))));
    assert_eq!(counted(&journal.book), (0, 9_000, 9_000), "it is under another lease");
}

#[test]
fn counts_cash_of_a_later_time_than_now() {
    let mut journal = Journal::usual();
    journal.wait_s(3_600);
    journal.pay_offline(1, 1, paid());
    assert_eq!(journal.book.paid_to_card(&card(1), START), 9_000);
    assert_eq!(journal.book.paid_to_card(&card(1), START.plus_s(-86_400 * 30)), 9_000);
}

#[test]
fn a_lease_told_again_is_the_same_and_another_is_new() {
    let mut journal = Journal::usual();
    journal.pay_offline(1, 1, paid());
    let used = lease(1).present_nonces[0];
    journal.write(Record::Lease(lease(1)));
    assert_eq!(journal.book.lease_used(), 9_000);
    assert!(journal.book.is_present_nonce_used(&used));
    journal.write(Record::Lease(lease(2)));
    assert_eq!(journal.book.lease_used(), 0);
    assert!(!journal.book.is_present_nonce_used(&used));
}

#[test]
fn an_approvals_dispense_uses_up_the_lease() {
    let mut journal = Journal::usual();
    journal.write(Record::Intent(intent(1, host())));
    journal.write(approve(1));
    assert_eq!(journal.book.lease_left(), 100_000, "without a dispense the lease stands");
    journal.write(dispensing(1, None));
    assert_eq!(journal.book.lease_left(), 0);
    journal.write(Record::Advice(completed(2, 1)));
    journal.write(Record::Lease(lease(1)));
    assert_eq!(journal.book.lease_left(), 0, "the host told it once more before it knew");
}

#[test]
fn knows_the_first_dispense_by_a_token_from_later_ones() {
    let mut journal = Journal::usual();
    let token = |journal: &mut Journal, id| {
        journal.write(Record::Intent(intent(id, under(1))));
        journal.write(dispensing(id, Some(nonce(u8::try_from(id).unwrap()))));
        let Some(Open::Withdrawal(withdrawal)) = journal.book.open() else { panic!("it is open") };
        let token = withdrawal.step.dispensing().unwrap().token;
        let none = Movement { dispensed: vec![0, 0], ..Movement::default() };
        journal.write(Record::Advice(withdrawn(id, 1, OfflineOutcome::Paid(none))));
        token
    };
    assert_eq!(token(&mut journal, 1), TokenUse::First);
    assert_eq!(token(&mut journal, 2), TokenUse::Again);
    journal.write(Record::Lease(lease(2)));
    journal.write(Record::Intent(intent(3, under(1))));
    journal.write(dispensing(3, None));
    let Some(Open::Withdrawal(withdrawal)) = journal.book.open() else { panic!("it is open") };
    assert_eq!(withdrawal.step.dispensing().unwrap().token, TokenUse::Again, "its lease is no longer known");
}

#[test]
fn keeps_advices_in_order_until_acknowledged_or_escalated() {
    let mut journal = Journal::usual();
    let kept = |id| Record::Advice(advice(id, AdviceKind::CardRetained { card: None }));
    for id in [30, 10, 20] {
        journal.write(kept(id));
    }
    journal.write(kept(10));
    let ids = |journal: &Journal| journal.book.advices().map(|advice| advice.id.0).collect::<Vec<_>>();
    assert_eq!(ids(&journal), [30, 10, 20], "the same twice is one");
    journal.write(ack(10));
    journal.write(ack(10));
    assert_eq!(ids(&journal), [30, 20]);
    journal.write(Record::Escalated { id: OperationId(30), code: "reversed".to_owned() });
    assert_eq!((ids(&journal), journal.book.is_waiting(OperationId(30))), (vec![20], false));
}

#[test]
fn a_dispense_ends_by_the_advice_and_a_deposit_that_was_returned_is_dropped() {
    let mut journal = Journal::usual();
    journal.write(storing(1));
    assert_eq!(journal.book.open().map(Open::id), Some(OperationId(1)));
    journal.write(Record::Dropped { id: OperationId(1) });
    assert_eq!((journal.book.open(), journal.book.waiting()), (None, 0));
}

#[test]
fn counts_wrong_tries_until_the_host_vouches_for_the_card() {
    let mut journal = Journal::usual();
    for wrong in 1..=3 {
        journal.write(Record::OfflineTry { card: card(1), wrong });
        assert_eq!(journal.book.wrong_tries(&card(1)), wrong);
    }
    journal.write(Record::Card(profile(2, journal.now)));
    assert_eq!(journal.book.wrong_tries(&card(1)), 3);
    journal.write(Record::Card(profile(1, journal.now)));
    assert_eq!(journal.book.wrong_tries(&card(1)), 0);
    journal.write(Record::OfflineTry { card: card(1), wrong: 2 });
    journal.write(Record::OfflineTry { card: card(1), wrong: 0 });
    assert_eq!(journal.book.wrong_tries(&card(1)), 0);
}

#[test]
fn a_hot_list_is_as_fresh_as_its_last_confirmation() {
    let mut journal = Journal::usual();
    journal.wait_s(100);
    journal.write(Record::HotListConfirmed { version: 2 });
    assert_eq!(journal.book.hot_list().map(|(_, since)| since), Some(START), "that was another list");
    journal.write(Record::HotListConfirmed { version: 1 });
    assert_eq!(journal.book.hot_list().map(|(_, since)| since), Some(journal.now));
    assert!(journal.book.is_hot(&card(66)) && !journal.book.is_hot(&card(1)));
}

#[test]
fn sums_up_once_and_leaves_out_what_is_over() {
    let mut journal = Journal::usual();
    journal.pay_offline(1, 1, paid());
    journal.write(ack(1));
    let summary = |journal: &Journal, seconds| journal.book.summary(journal.now.plus_s(seconds));
    assert_eq!((summary(&journal, 0).paid.len(), summary(&journal, 0).cards.len()), (1, 1));
    // Nobody saw that day pass: cash counts still.
    assert_eq!((summary(&journal, 86_400).paid.len(), summary(&journal, 86_400).cards.len()), (1, 1));
    assert_eq!(summary(&journal, 7 * 86_400).cards.len(), 0);
    for _ in 0..24 {
        journal.wait_s(3_600);
        journal.write(Record::HotListConfirmed { version: 1 });
    }
    assert_eq!((summary(&journal, 0).paid.len(), summary(&journal, 0).cards.len()), (0, 1));
    let keep_from = journal.book.may_forget().unwrap();
    journal.write(Record::Summary(Box::new(summary(&journal, 0))));
    assert_eq!((journal.book.last(), journal.book.may_forget()), (keep_from, None));
    journal.write(Record::Begun { nonce: 3 });
    assert_eq!(journal.book.may_forget(), Some(keep_from + 2));
}

/// One thing that happens at a machine, as far as its journal is concerned.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Pass(i64),
    HotList(u64),
    Confirm(u64),
    Lease(u8),
    Card(u8),
    Tries(u8, u8),
    Online(u8),
    Offline(u8),
    Deposit(bool),
    Transfer,
    Acknowledge,
    CarryOut(u64),
    Serve(Availability),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        (-4_000..40_000i64).prop_map(Deed::Pass),
        (1..4u64).prop_map(Deed::HotList),
        (1..4u64).prop_map(Deed::Confirm),
        (1..4u8).prop_map(Deed::Lease),
        (1..4u8).prop_map(Deed::Card),
        (1..4u8, 0..4u8).prop_map(|(card, wrong)| Deed::Tries(card, wrong)),
        (0..4u8).prop_map(Deed::Online),
        (0..5u8).prop_map(Deed::Offline),
        any::<bool>().prop_map(Deed::Deposit),
        Just(Deed::Transfer),
        Just(Deed::Acknowledge),
        Just(Deed::Acknowledge),
        (0..9u64).prop_map(Deed::CarryOut),
        prop_oneof![Just(Availability::In), Just(Availability::Out)].prop_map(Deed::Serve),
    ]
}

fn do_deed(journal: &mut Journal, id: u128, deed: Deed) {
    match deed {
        Deed::Pass(seconds) => journal.wait_s(seconds),
        Deed::HotList(version) => journal.write(Record::HotList(hot_list(version, &[3]))),
        Deed::Confirm(version) => journal.write(Record::HotListConfirmed { version }),
        Deed::Lease(number) => journal.write(Record::Lease(lease(number))),
        Deed::Card(number) => journal.write(Record::Card(profile(number, journal.now))),
        Deed::Tries(number, wrong) => journal.write(Record::OfflineTry { card: card(number), wrong }),
        Deed::Online(far) => {
            journal.write(Record::Intent(intent(id, host())));
            if far > 0 {
                journal.write(approve(id));
            }
            if far > 1 {
                journal.write(dispensing(id, Some(nonce(201))));
            }
            if far > 2 {
                journal.write(Record::Presenting { id: OperationId(id) });
            }
            journal.write(match far {
                0 => Record::Dropped { id: OperationId(id) },
                1.. => Record::Advice(completed(id + 1, id)),
            });
        }
        Deed::Offline(number) => {
            let outcome = if number == 0 { OfflineOutcome::Suspect } else { paid() };
            journal.pay_offline(id, number.max(1), outcome);
        }
        Deed::Deposit(stored) => {
            journal.write(storing(id));
            journal.write(if stored { deposited(id) } else { Record::Dropped { id: OperationId(id) } });
        }
        Deed::Transfer => {
            let (source, target, amount) = (account(1), account(2), usd(5));
            let card = crate::id::CardId::new(1);
            journal.write(Record::Advice(advice(id, AdviceKind::StoredTransfer { card, source, target, amount })));
        }
        Deed::Acknowledge => {
            if let Some(id) = journal.book.next_advice().map(|advice| advice.id) {
                journal.write(Record::Acknowledged { id });
            }
        }
        Deed::CarryOut(number) => journal.write(Record::CarriedOut { number }),
        Deed::Serve(service) => journal.write(Record::Availability { service }),
    }
}

/// All that anybody can learn from a book as of `now` or later.
fn seen(book: &Book, now: Timestamp) -> (Summary, Option<Open>, Vec<Advice>, [i64; 3], [i64; 3]) {
    let cards = [1, 2, 3].map(|number| book.paid_to_card(&card(number), now));
    let sums = [book.lease_used(), book.lease_left(), book.paid_in_outage()];
    (book.summary(now), book.open().cloned(), book.advices().cloned().collect(), cards, sums)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_summary_and_the_rest_say_what_the_whole_journal_says(
        deeds in proptest::collection::vec(deed(), 1..40),
        more in proptest::collection::vec(deed(), 0..40),
    ) {
        let mut whole = Journal::usual();
        let mut id = 0;
        for deed in deeds {
            id += 2;
            do_deed(&mut whole, id, deed);
        }
        while whole.book.next_advice().is_some() {
            do_deed(&mut whole, 0, Deed::Acknowledge);
        }
        let keep_from = whole.book.may_forget().unwrap();
        let at = whole.now;
        let record = Record::Summary(Box::new(whole.book.summary(at)));
        let entry = Entry { n: keep_from, at, record };

        // What was written before is dropped, or the power fails before it could be: both journals say the same.
        let mut short = Journal { entries: vec![entry.clone()], book: Book::read(std::slice::from_ref(&entry)).unwrap(), now: at };
        let mut undropped = whole.clone();
        undropped.book.apply(&entry).unwrap();
        undropped.entries.push(entry);
        prop_assert_eq!(&undropped.book, &short.book);
        prop_assert_eq!(Book::read(&undropped.entries).unwrap(), undropped.book);
        prop_assert_eq!(short.book.may_forget(), None);

        let mut latest = at;
        prop_assert_eq!(seen(&short.book, latest), seen(&whole.book, latest));
        for deed in more {
            id += 2;
            do_deed(&mut whole, id, deed);
            do_deed(&mut short, id, deed);
            latest = latest.max(whole.now);
            prop_assert_eq!(seen(&short.book, latest), seen(&whole.book, latest));
            prop_assert_eq!(short.book.last(), whole.book.last() + 1);
        }
        prop_assert_eq!(Book::read(&short.entries).unwrap(), short.book);
    }
}
