//! Tests of what terminals tell afterwards: what already happened posts, whatever is wrong with it, and nobody is
//! credited or charged beyond what a terminal may say alone.

use crate::account::{Account, Product};
use crate::card::{CardState, PinCounter, PinKey};
use crate::case::Matter;
use crate::change::{Change, New, Row};
use crate::command::{
    CardRetained, Command, DepositAdvice, DepositUnclear, DoubtJournal, EnrolTerminal, GrantLease, InCase,
    IssueEnrolment, JournalAccepted, NoteTerminal, OfflineTries, OfflineWithdrawn, OfflineWord, RenewTerminal,
    ResolveCase, StoredTransfer, UpdateMachine,
};
use crate::currency::Currency;
use crate::customer::Sealed;
use crate::enrolled::{EnrolledTerminal, GrantedLease, JournalHead, JournalTrust, SealedKeys};
use crate::event::{AuditKind, EventKind};
use crate::id::{AccountNumber, CardId, CaseId, CustomerId, MachineId, RequestId};
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::machine::MachineKind;
use crate::money::{Amount, Decimal};
use crate::outcome::{Done, Outcome, Refusal};
use crate::session::Role;
use crate::terminal::Lane;
use crate::terminal::link::Movement;
use crate::time::BusinessDate;

use super::Replay;
use super::world::{World, figure, usd};

const LEASE: [u8; 16] = [7; 16];
const CASE: CaseId = CaseId::new(500);
/// What resolving one may open.
const UNCLAIMED: CaseId = CaseId::new(400);

/// A terminal with a lease of 500.00 that has served one card.
struct Site {
    world: World,
    customer: CustomerId,
    account: AccountNumber,
    card: CardId,
    terminal: MachineId,
}

fn site(balance: i64) -> Site {
    let mut world = World::new();
    let customer = world.customer();
    let account = world.account(customer, Product::Checking, balance);
    let card = world.card(customer, &[account]);
    let terminal = world.machine("ATM901", MachineKind::Terminal);
    let mut enrolled = EnrolledTerminal::new(terminal, [1; 32], world.now, world.date);
    enrolled.grant(lease(LEASE, 500_00, &world));
    world.apply(Change::Row(Row::Terminal(enrolled)));
    world.apply(Change::Row(Row::Visit((terminal, card), world.now)));
    Site { world, customer, account, card, terminal }
}

fn lease(nonce: [u8; 16], minor: i64, world: &World) -> GrantedLease {
    GrantedLease { nonce, amount: usd(minor), used: 0, presents: 0, granted: world.now, closed: false }
}

impl Site {
    fn deposit(&self, minor: i64) -> DepositAdvice {
        let Self { account, card, terminal, .. } = *self;
        DepositAdvice { terminal, request: self.world.request(), card, account, amount: usd(minor), case: self.case() }
    }

    /// A case whose id is fresh, but for the first.
    fn case(&self) -> InCase {
        let used = i64::try_from(self.world.log.cases.len()).expect("few cases");
        InCase { id: CaseId::new(CASE.number() + used), evidence: "present=unknown".to_owned() }
    }

    fn paid(&self, notes: [u32; 3]) -> OfflineWithdrawn {
        let minor = i64::from(notes[0]) * 50_00 + i64::from(notes[1]) * 20_00 + i64::from(notes[2]) * 10_00;
        let moved = Movement { dispensed: notes.to_vec(), rejected: 0, retracted: 0 };
        self.offline(minor, OfflineWord::Paid(moved))
    }

    fn offline(&self, minor: i64, word: OfflineWord) -> OfflineWithdrawn {
        let Self { account, card, terminal, .. } = *self;
        let (request, amount, case) = (self.world.request(), usd(minor), self.case());
        OfflineWithdrawn { terminal, request, card, account, amount, lease: LEASE, present: None, word, case }
    }

    fn transfer(&self, target: AccountNumber, minor: i64) -> StoredTransfer {
        let Self { account, card, terminal, .. } = *self;
        let (request, amount, at) = (self.world.request(), usd(minor), self.world.now.plus_s(-900));
        let original = self.world.request().key;
        StoredTransfer { terminal, request, original, card, source: account, target, amount, at }
    }

    fn close_account(&mut self) {
        let row = Account { closed: Some(self.world.now), ..*self.world.facts.accounts.at(&self.account) };
        self.world.apply(Change::Row(Row::Account(row)));
    }

    fn bank(&self, account: BankAccount) -> i64 {
        let account = LedgerAccount::Bank(account, Currency::USD);
        let side = |new: &New| {
            let New::Transfer(moved) = new else { return 0 };
            let (out, back) = (moved.debit() == account, moved.credit() == account);
            moved.amount().minor() * (i64::from(back) - i64::from(out))
        };
        self.world.log.new.iter().map(side).sum()
    }

    fn in_flight(&self) -> i64 {
        self.world.facts.cash.at(&LedgerAccount::AtmInFlight(self.terminal, Currency::USD)).totals.owed()
    }

    fn events(&self, kind: EventKind) -> usize {
        self.world.events(self.customer, kind).len()
    }

    fn resolve(&mut self, paid: &str) -> Outcome {
        let case = self.world.facts.cases.at(&CASE).clone();
        let session = self.world.operator(Role::Custodian);
        let (request, withdrawal) = (self.world.request(), case.matter.withdrawal());
        self.world.run(ResolveCase {
            session,
            request,
            case: CASE,
            account: self.account,
            withdrawal,
            paid: figure(paid),
            unclaimed: UNCLAIMED,
        })
    }

    fn matter(&self) -> Matter {
        self.world.facts.cases.at(&CASE).matter
    }

    /// Decides it, and once more: the second time changes nothing.
    fn twice(&mut self, command: impl Into<Command>) -> Outcome {
        let command = command.into();
        let outcome = self.world.run(command.clone());
        let again = self.world.decide(command);
        assert_eq!((&again.outcome, again.replay, again.changes.len()), (&outcome, Replay::Repeat, 0));
        self.world.cash(self.terminal);
        outcome
    }
}

#[test]
fn credits_what_a_terminal_stacked_and_keeps_it_in_the_deposit_bin() {
    let mut site = site(0);
    let deposit = site.deposit(120_00);
    let outcome = site.twice(deposit);
    assert!(matches!(outcome, Ok(Done::Deposited(ref receipt)) if receipt.balance == usd(120_00)), "{outcome:?}");
    assert_eq!(site.world.balance(site.account), 120_00);
    assert_eq!(site.world.facts.holdings.at(&site.terminal).deposit_bin, 120_00);
    assert_eq!(site.world.facts.daily.at(&(site.customer, site.world.date, Currency::USD)).deposited, 120_00);
    assert_eq!(site.world.facts.terminals.at(&site.terminal).deposited, (site.world.date, 120_00));
    assert_eq!(site.events(EventKind::Deposit), 1);
}

#[test]
fn holds_a_deposit_above_each_ceiling_and_credits_one_at_it() {
    let ceilings: [fn(&mut World); 3] = [
        |world| world.policy.deposit_limit = Decimal::new(100, 0),
        |world| world.policy.daily_deposit_limit = Decimal::new(100, 0),
        |world| world.policy.terminals.machine_deposit_limit = Decimal::new(100, 0),
    ];
    for lower in ceilings {
        for (minor, credited) in [(100_00, true), (100_01, false)] {
            let mut site = site(0);
            lower(&mut site.world);
            let deposit = site.deposit(minor);
            let outcome = site.twice(deposit);
            assert_eq!(matches!(outcome, Ok(Done::Deposited(_))), credited, "{outcome:?}");
            assert_eq!(site.world.balance(site.account), if credited { minor } else { 0 });
            assert_eq!(site.bank(BankAccount::Suspense), if credited { 0 } else { minor });
            assert_eq!(site.events(EventKind::DepositHeld), usize::from(!credited));
            if !credited {
                assert_eq!(outcome, Ok(Done::CaseOpened(CASE)));
                assert!(matches!(site.matter(), Matter::OverCeiling(_)));
            }
        }
    }
}

/// F33: whoever holds a terminal's key tells of deposits as they like.
#[test]
fn credits_no_more_than_the_ceilings_to_forged_advices() {
    let mut site = site(0);
    site.world.policy.terminals.machine_deposit_limit = Decimal::new(1_000, 0);
    let strangers: Vec<_> = (0..4)
        .map(|_| {
            let customer = site.world.customer();
            let account = site.world.account(customer, Product::Savings, 0);
            (site.world.card(customer, &[account]), account)
        })
        .collect();
    // One of them was served here, the others were not; and an account that none of these cards reaches.
    site.world.apply(Change::Row(Row::Visit((site.terminal, strangers[0].0), site.world.now)));
    let own = (site.card, site.account);
    let foreign = (site.card, strangers[1].1);
    for (card, account) in strangers.iter().copied().chain([own, foreign]).cycle().take(60) {
        let deposit = DepositAdvice { card, account, ..site.deposit(90_00) };
        site.world.run(deposit).expect("cash that is in the machine is taken");
        site.world.cash(site.terminal);
    }
    let credited = site.world.moved(TransferKind::Deposit);
    assert_eq!(credited, 990_00, "eleven times 90.00, and not a twelfth");
    assert_eq!(credited + site.bank(BankAccount::Suspense), 60 * 90_00);
    for (_, account) in &strangers[1..] {
        assert_eq!(site.world.balance(*account), 0, "a card that was never here credits nobody");
    }
    site.world.date = BusinessDate::from_days(site.world.date.days() + 1);
    let deposit = site.deposit(90_00);
    assert!(matches!(site.world.run(deposit), Ok(Done::Deposited(_))), "the next day has its own ceiling");
}

#[test]
fn holds_a_deposit_that_no_account_can_take() {
    let closed: fn(&mut Site) = Site::close_account;
    let unknown_account: fn(&mut Site) = |site| site.account = AccountNumber::new(99_999);
    let unknown_card: fn(&mut Site) = |site| site.card = CardId::new(424_242);
    for spoil in [closed, unknown_account, unknown_card] {
        let mut site = site(0);
        spoil(&mut site);
        let deposit = site.deposit(60_00);
        assert_eq!(site.twice(deposit), Ok(Done::CaseOpened(CASE)));
        assert!(matches!(site.matter(), Matter::DepositUnclaimed(_)));
        assert_eq!(site.bank(BankAccount::Suspense), 60_00);
        assert!(matches!(site.resolve("50"), Ok(Done::CaseResolved(CASE))));
        assert_eq!(site.bank(BankAccount::Suspense), 0);
        assert_eq!(site.world.moved(TransferKind::DepositPaidOut), 50_00);
        assert_eq!(site.bank(BankAccount::OverShort), 10_00);
    }
}

#[test]
fn releases_what_was_over_a_ceiling_as_far_as_it_was_paid_in() {
    for (paid, minor) in [("0", 0), ("70", 70_00), ("200", 200_00)] {
        let mut site = site(0);
        site.world.policy.deposit_limit = Decimal::new(100, 0);
        let deposit = site.deposit(200_00);
        site.world.run(deposit).expect("it is taken");
        assert_eq!(site.resolve("200.01"), Err(Refusal::InvalidAmount));
        assert_eq!(site.resolve(paid), Ok(Done::CaseResolved(CASE)));
        assert_eq!(site.world.balance(site.account), minor);
        assert_eq!((site.bank(BankAccount::Suspense), site.bank(BankAccount::OverShort)), (0, 200_00 - minor));
        assert_eq!(site.resolve(paid), Err(Refusal::Reversed), "once");
    }
}

#[test]
fn posts_nothing_for_a_deposit_of_which_nobody_knows() {
    let mut site = site(0);
    let Site { account, card, terminal, .. } = site;
    let (request, amount, case) = (site.world.request(), usd(80_00), site.case());
    let unclear = DepositUnclear { terminal, request, card, account, amount, case };
    assert_eq!(site.twice(unclear), Ok(Done::CaseOpened(CASE)));
    assert_eq!((site.matter(), site.events(EventKind::DepositHeld)), (Matter::DepositUnclear, 1));
    assert_eq!(site.world.moved(TransferKind::Deposit) + site.world.moved(TransferKind::DepositHeld), 0);
    assert_eq!(site.resolve("80"), Ok(Done::CaseResolved(CASE)));
    assert_eq!((site.world.balance(account), site.bank(BankAccount::OverShort)), (80_00, -80_00));
}

#[test]
fn takes_a_deposit_of_unknown_amount_and_what_staff_found_up_to_that_of_one() {
    for (paid, minor) in [("0", 0), ("10000.00", 10_000_00)] {
        let mut site = site(0);
        let Site { account, card, terminal, .. } = site;
        let (request, case) = (site.world.request(), site.case());
        let unclear = DepositUnclear { terminal, request, card, account, amount: usd(0), case };
        assert_eq!(site.twice(unclear), Ok(Done::CaseOpened(CASE)));
        let told: Vec<_> = site.world.events(site.customer, EventKind::DepositHeld);
        assert_eq!((told.len(), told[0].about.amount), (1, None));
        assert_eq!(site.resolve("10000.01"), Err(Refusal::InvalidAmount));
        assert_eq!(site.resolve(paid), Ok(Done::CaseResolved(CASE)));
        assert_eq!((site.world.balance(account), site.bank(BankAccount::OverShort)), (minor, -minor));
    }
    let mut site = site(0);
    let nothing = site.deposit(0);
    assert_eq!(site.world.run(nothing), Err(Refusal::InvalidAmount), "what is stacked is worth something");
}

/// F16: the cash is gone, so it posts.
#[test]
fn charges_offline_cash_past_funds_and_limits_and_flags_it() {
    for (balance, flagged) in [(60_00, 0), (59_99, 1), (-90_00, 1)] {
        let mut site = site(balance);
        site.world.policy.withdrawal_limit = Decimal::new(10, 0);
        site.world.policy.daily_withdrawal_limit = Some(Decimal::new(10, 0));
        let before = site.world.moved(TransferKind::OverdraftFee);
        let paid = site.paid([1, 0, 1]);
        let outcome = site.twice(paid);
        assert!(matches!(outcome, Ok(Done::Withdrawn(ref receipt)) if receipt.amount == usd(60_00)), "{outcome:?}");
        assert_eq!(site.world.balance(site.account), balance - 60_00);
        assert_eq!(site.world.moved(TransferKind::OverdraftFee), before, "nobody was told of a fee");
        assert_eq!(
            (site.events(EventKind::Overdrawn), site.world.audits(AuditKind::Overdrawn).len()),
            (flagged, flagged)
        );
        assert_eq!(site.world.facts.daily.at(&(site.customer, site.world.date, Currency::USD)).withdrawn, 60_00);
        assert_eq!(site.world.facts.terminals.at(&site.terminal).exposure(), 440_00);
    }
}

#[test]
fn owes_to_suspense_what_nobody_can_be_charged_with() {
    let closed: fn(&mut Site) = Site::close_account;
    let unknown: fn(&mut Site) = |site| site.card = CardId::new(424_242);
    let no_lease: fn(&mut Site) = |site| {
        let enrolled = EnrolledTerminal::new(site.terminal, [1; 32], site.world.now, site.world.date);
        site.world.apply(Change::Row(Row::Terminal(enrolled)));
    };
    for spoil in [closed, unknown, no_lease] {
        let mut site = site(500_00);
        spoil(&mut site);
        let balance = site.world.balance(site.account);
        let paid = site.paid([2, 0, 0]);
        assert_eq!(site.twice(paid), Ok(Done::CaseOpened(CASE)));
        assert!(matches!(site.matter(), Matter::WithdrawalUnclaimed(_)));
        assert_eq!((site.bank(BankAccount::Suspense), site.world.balance(site.account)), (-100_00, balance));
        assert_eq!(site.resolve("70"), Ok(Done::CaseResolved(CASE)));
        assert_eq!(site.bank(BankAccount::Suspense), 0);
        assert_eq!((site.bank(BankAccount::Receivable), site.bank(BankAccount::OverShort)), (-70_00, -30_00));
    }
}

/// F14, F33: whoever tells of offline cash charges customers with a lease's amount at most.
#[test]
fn charges_no_more_than_the_lease() {
    let mut site = site(5_000_00);
    for _ in 0..8 {
        let paid = site.paid([2, 0, 0]);
        site.world.run(paid).expect("the cash is gone");
    }
    assert_eq!(site.world.balance(site.account), 4_500_00);
    assert_eq!(site.bank(BankAccount::Suspense), -300_00);
    assert_eq!(site.world.facts.terminals.at(&site.terminal).exposure(), 0);
}

#[test]
fn takes_each_of_the_devices_words_once() {
    let mut site = site(500_00);
    for (present, suspense) in [(Some(0), 0), (Some(1), 0), (Some(1), -10_00)] {
        let paid = OfflineWithdrawn { present, ..site.paid([0, 0, 1]) };
        site.world.run(paid).expect("the cash is gone");
        assert_eq!(site.bank(BankAccount::Suspense), suspense, "{present:?}");
    }
}

#[test]
fn moves_offline_notes_that_came_back_into_their_bins() {
    for (retracted, paid) in [(100_00, 0), (40_00, 60_00)] {
        let mut site = site(500_00);
        let moved = Movement { dispensed: vec![0, 5, 0], rejected: 0, retracted };
        let told = site.offline(100_00, OfflineWord::Paid(moved));
        site.twice(told).expect("it is in order");
        assert_eq!(site.world.balance(site.account), 500_00 - paid);
        assert_eq!(site.world.facts.holdings.at(&site.terminal).retract_bin, retracted);
    }
}

#[test]
fn keeps_offline_cash_in_flight_until_staff_say_what_became_of_it() {
    for (paid, minor) in [("0", 0), ("40", 40_00), ("100", 100_00)] {
        let mut site = site(50_00);
        let told = site.offline(100_00, OfflineWord::Suspect);
        assert_eq!(site.twice(told), Ok(Done::CaseOpened(CASE)));
        assert!(matches!(site.matter(), Matter::OfflineSuspect(_)));
        assert_eq!((site.in_flight(), site.world.balance(site.account)), (100_00, -50_00));
        assert_eq!((site.events(EventKind::Suspect), site.events(EventKind::Overdrawn)), (1, 1));
        site.resolve(paid).expect("staff know");
        assert_eq!((site.in_flight(), site.world.balance(site.account)), (0, 50_00 - minor));
        let day = site.world.facts.daily.at(&(site.customer, site.world.date, Currency::USD));
        assert_eq!(day.withdrawn, minor);
        site.world.cash(site.terminal);
    }
    let mut site = site(50_00);
    site.close_account();
    let told = site.offline(100_00, OfflineWord::Suspect);
    assert_eq!(site.twice(told), Ok(Done::CaseOpened(CASE)));
    assert_eq!((site.matter(), site.in_flight()), (Matter::WithdrawalUnclear, 0));
    assert_eq!(site.resolve("100"), Ok(Done::CaseResolved(CASE)));
    assert_eq!((site.bank(BankAccount::Receivable), site.bank(BankAccount::OverShort)), (-100_00, 100_00));
}

#[test]
fn suspects_offline_notes_that_do_not_add_up() {
    let movement = |dispensed: &[u32], rejected| Movement { dispensed: dispensed.to_vec(), rejected, retracted: 0 };
    for moved in [movement(&[9, 0, 0], 0), movement(&[1, 0, 0], 60_00), movement(&[0, 0, 0, 1], 0)] {
        let mut site = site(500_00);
        let told = site.offline(100_00, OfflineWord::Paid(moved));
        assert_eq!(site.twice(told), Ok(Done::CaseOpened(CASE)));
        assert!(matches!(site.matter(), Matter::OfflineSuspect(_)));
    }
}

#[test]
fn carries_a_stored_transfer_out_or_tells_why_not() {
    let mut site = site(100_00);
    let target = site.world.account(site.customer, Product::Savings, 0);
    let transfer = site.transfer(target, 60_00);
    assert!(matches!(site.twice(transfer), Ok(Done::Transferred(_))));
    assert_eq!((site.world.balance(site.account), site.world.balance(target)), (40_00, 60_00));
    let blocked: fn(&mut Site) = |site| {
        site.world.apply(Change::Row(Row::Pin(PinKey::Card(site.card), PinCounter::Locked)));
    };
    let stolen: fn(&mut Site) = |site| {
        let row = crate::card::Card { state: CardState::Stolen, ..*site.world.facts.cards.at(&site.card) };
        site.world.apply(Change::Row(Row::Card(row)));
    };
    let nothing: fn(&mut Site) = |_| {};
    for (spoil, target, minor, refusal) in [
        (nothing, target, 40_01, Refusal::InsufficientFunds { available: usd(40_00) }),
        (nothing, AccountNumber::new(99_999), 1, Refusal::AccountNotFound),
        (nothing, site.account, 1, Refusal::SameAccount),
        (blocked, target, 1, Refusal::CardBlocked { until: None }),
        (
            |site| site.world.apply(Change::Row(Row::Pin(PinKey::Card(site.card), PinCounter::default()))),
            target,
            0,
            Refusal::InvalidAmount,
        ),
        (stolen, target, 1, Refusal::CardStolen),
    ] {
        spoil(&mut site);
        let before = (site.events(EventKind::Refused), notices(&site).len());
        let transfer = site.transfer(target, minor);
        assert_eq!(site.twice(transfer), Ok(Done::Declined(Box::new(refusal.clone()))));
        assert_eq!((site.events(EventKind::Refused), notices(&site).len()), (before.0 + 1, before.1 + 1));
        assert_eq!(notices(&site).last(), Some(&refusal.code().to_owned()));
    }
    assert_eq!(site.world.balance(site.account), 40_00);
    let unseen = StoredTransfer { card: CardId::new(424_242), ..site.transfer(target, 1) };
    assert_eq!(site.twice(unseen), Ok(Done::Declined(Box::new(Refusal::AccountNotFound))));
}

/// It was asked for at once under its name, and the answer was lost: that answer stands, and one that is still on its
/// way finds that it was seen to.
#[test]
fn carries_a_transfer_out_once_that_was_asked_for_before() {
    use crate::command::Transfer;
    let mut site = site(100_00);
    let target = site.world.account(site.customer, Product::Savings, 0);
    let session = site.world.in_machine(site.card, site.terminal);
    let at_once = |site: &Site, minor: i64| {
        let (request, source, amount) = (site.world.request(), site.account, figure(&format!("{}", minor / 100)));
        Transfer { session, request, source, target, amount }
    };
    let stored = |site: &Site, of: &Transfer, minor: i64| StoredTransfer {
        original: of.request.key,
        ..site.transfer(target, minor)
    };

    let done = at_once(&site, 60_00);
    assert!(matches!(site.world.run(done), Ok(Done::Transferred(_))));
    let advice = stored(&site, &done, 60_00);
    assert_eq!(site.twice(advice), Ok(Done::Changed));

    let refused = at_once(&site, 41_00);
    let short = Refusal::InsufficientFunds { available: usd(40_00) };
    assert_eq!(site.world.run(refused), Err(short.clone()));
    let events = site.events(EventKind::Refused);
    let advice = stored(&site, &refused, 41_00);
    assert_eq!(site.twice(advice), Ok(Done::Declined(Box::new(short))));
    assert_eq!((notices(&site), site.events(EventKind::Refused)), (vec!["insufficient_funds".to_owned()], events));

    let overtaken = at_once(&site, 30_00);
    let advice = stored(&site, &overtaken, 30_00);
    assert!(matches!(site.twice(advice), Ok(Done::Transferred(_))));
    assert_eq!(site.world.run(overtaken), Err(Refusal::Reversed));
    assert_eq!((site.world.balance(site.account), site.world.balance(target)), (10_00, 90_00));
    assert_eq!(notices(&site).len(), 1);
}

fn notices(site: &Site) -> Vec<String> {
    let code = |new: &New| if let New::Notice(notice) = new { Some(notice.code.clone()) } else { None };
    site.world.log.new.iter().filter_map(code).collect()
}

#[test]
fn counts_wrong_pins_of_an_outage_with_the_others() {
    for (before, told, after) in [
        (0, 2, PinCounter::Open { wrong: 2, blocks: 0 }),
        (2, 0, PinCounter::Open { wrong: 2, blocks: 0 }),
        (1, 255, PinCounter::Open { wrong: 0, blocks: 0 }),
    ] {
        let mut site = site(0);
        site.world.apply(Change::Row(Row::Pin(PinKey::Card(site.card), PinCounter::Open { wrong: before, blocks: 0 })));
        let Site { terminal, card, .. } = site;
        let request = site.world.request();
        assert_eq!(site.twice(OfflineTries { terminal, request, card, wrong: told }), Ok(Done::Changed));
        let counter = *site.world.facts.pins.at(&PinKey::Card(card));
        let blocked = matches!(counter, PinCounter::Blocked { blocks: 1, .. });
        assert!(counter == after || (told > 2 && blocked), "{counter:?}");
        assert_eq!(site.events(EventKind::CardBlocked), usize::from(blocked));
    }
    let mut site = site(0);
    let (terminal, request, card) = (site.terminal, site.world.request(), CardId::new(424_242));
    assert_eq!(site.twice(OfflineTries { terminal, request, card, wrong: 3 }), Ok(Done::Changed));
}

#[test]
fn tells_of_a_card_that_was_kept() {
    let mut site = site(0);
    for (card, events) in [(None, 0), (Some(site.card), 1), (Some(CardId::new(424_242)), 1)] {
        let (terminal, request) = (site.terminal, site.world.request());
        assert_eq!(site.twice(CardRetained { terminal, request, card }), Ok(Done::Changed));
        assert_eq!(site.events(EventKind::CardRetained), events);
    }
    assert_eq!(site.world.audits(AuditKind::CardRetained).len(), 3);
}

#[test]
fn enrols_with_the_machines_code_once() {
    let mut world = World::new();
    let terminal = world.machine("ATM901", MachineKind::Terminal);
    let api = world.machine("ATM1", MachineKind::Api);
    let enrol = EnrolTerminal { terminal, code: [7; 32], key: [1; 32] };
    for wrong in [EnrolTerminal { code: [8; 32], ..enrol }, EnrolTerminal { terminal: api, ..enrol }] {
        assert_eq!(world.run(wrong), Err(Refusal::WrongCredentials));
    }
    assert_eq!(world.run(enrol), Ok(Done::Changed));
    assert_eq!(world.run(enrol), Ok(Done::Changed), "its answer was lost");
    assert_eq!(world.run(EnrolTerminal { key: [2; 32], ..enrol }), Err(Refusal::WrongCredentials), "it serves once");
    assert_eq!(world.facts.terminals.at(&terminal).key, [1; 32]);
    assert_eq!(world.audits(AuditKind::TerminalEnrolled).len(), 1);
}

#[test]
fn takes_a_terminal_in_again_with_a_new_code_once() {
    let mut site = site(0);
    let (terminal, admin, clerk) =
        (site.terminal, site.world.operator(Role::Admin), site.world.operator(Role::Custodian));
    let keys = SealedKeys { data_key: (1, Sealed(vec![1])), secrets: Sealed(vec![2]) };
    let issue = |session| IssueEnrolment { session, terminal, keys: keys.clone() };
    assert_eq!(site.world.run(issue(clerk)), Err(Refusal::Forbidden));
    assert_eq!(site.world.run(issue(admin)), Ok(Done::Changed));
    assert_eq!(site.world.audits(AuditKind::EnrolmentIssued).len(), 1);
    let before = site.world.facts.terminals.at(&terminal).clone();
    let renew = RenewTerminal { terminal, replaces: Some(before.key), key: [2; 32] };
    for stale in [None, Some([9; 32])] {
        let refused = site.world.run(RenewTerminal { replaces: stale, ..renew });
        assert_eq!(refused, Err(Refusal::WrongCredentials), "another key has come in between");
    }
    for _ in 0..2 {
        assert_eq!(site.world.run(renew), Ok(Done::Changed));
    }
    let after = site.world.facts.terminals.at(&terminal).clone();
    assert_eq!(after, EnrolledTerminal { key: [2; 32], enrolled: after.enrolled, seen: after.seen, ..before });
    assert_eq!(
        site.world.run(RenewTerminal { key: [3; 32], ..renew }),
        Err(Refusal::WrongCredentials),
        "it serves once"
    );

    let fresh = site.world.machine("ATM902", MachineKind::Terminal);
    let renew = RenewTerminal { terminal: fresh, replaces: None, key: [4; 32] };
    assert_eq!(site.world.run(renew), Ok(Done::Changed), "its first code was lost before it served");
    assert_eq!(site.world.facts.terminals.at(&fresh).key, [4; 32]);
}

#[test]
fn follows_a_journal_until_it_is_doubted_and_from_where_staff_take_it() {
    let mut site = site(0);
    let terminal = site.terminal;
    let head = |n| JournalHead { n, mac: [u8::try_from(n).expect("small"); 32] };
    let note = |n| NoteTerminal { terminal, lane: Lane::Online, number: n, head: head(n), drained: None };
    let trust = |site: &Site| site.world.facts.terminals.at(&terminal).journal;
    for (n, kept) in [(5, 5), (9, 9), (7, 9)] {
        assert_eq!(site.world.run(note(n)), Ok(Done::Changed));
        assert_eq!(trust(&site), JournalTrust::Kept(head(kept)));
    }
    for _ in 0..2 {
        assert_eq!(site.world.run(DoubtJournal { terminal, why: "cut".to_owned() }), Ok(Done::Changed));
    }
    assert_eq!((trust(&site), site.world.audits(AuditKind::JournalDoubted).len()), (JournalTrust::Doubted(head(9)), 1));
    site.world.run(note(20)).expect("it is only a note");
    assert_eq!(trust(&site), JournalTrust::Doubted(head(9)));
    let grant = GrantLease { terminal, lease: lease([9; 16], 1, &site.world) };
    assert_eq!(site.world.run(grant), Err(Refusal::Forbidden));
    let session = site.world.operator(Role::Custodian);
    let journal = Some(JournalAccepted);
    let unheard = Vec::new();
    let accept =
        UpdateMachine { session, machine: terminal, location: None, status: None, partition: None, journal, unheard };
    assert_eq!(site.world.run(accept.clone()), Ok(Done::Changed));
    site.world.run(note(3)).expect("whatever comes next");
    assert_eq!(trust(&site), JournalTrust::Kept(head(3)));
    let session = site.world.operator(Role::Auditor);
    assert_eq!(site.world.run(UpdateMachine { session, ..accept }), Err(Refusal::Forbidden));
}

#[test]
fn counts_leases_as_exposed_until_another_nonce_is_told_with_nothing_waiting() {
    let mut site = site(0);
    let terminal = site.terminal;
    let exposure = |site: &Site| site.world.facts.terminals.at(&terminal).exposure();
    let second = GrantLease { terminal, lease: lease([8; 16], 300_00, &site.world) };
    for _ in 0..2 {
        assert_eq!(site.world.run(second), Ok(Done::Changed));
        assert_eq!(exposure(&site), 800_00, "granted again it is the same");
    }
    let head = JournalHead { n: 1, mac: [0; 32] };
    let note = NoteTerminal { terminal, lane: Lane::Heartbeat, number: 1, head, drained: None };
    site.world.run(note).expect("it is only a note");
    assert_eq!(exposure(&site), 800_00);
    site.world.run(NoteTerminal { drained: Some([8; 16]), ..note }).expect("it is only a note");
    assert_eq!(exposure(&site), 300_00);
    let late = site.paid([1, 0, 0]);
    assert!(matches!(site.world.run(late), Ok(Done::Withdrawn(_))), "a use of the closed one that is told late");
    for n in 10..40_u8 {
        site.world.run(GrantLease { terminal, lease: lease([n; 16], 1, &site.world) }).expect("in order");
        site.world.run(NoteTerminal { drained: Some([n; 16]), ..note }).expect("in order");
    }
    assert_eq!(site.world.facts.terminals.at(&terminal).leases.len(), 9, "the open one and the last closed ones");
}

#[test]
fn closes_no_lease_for_a_sign_of_life_that_was_overtaken() {
    let mut site = site(0);
    let terminal = site.terminal;
    let note = |n, drained| {
        let head = JournalHead { n, mac: [u8::try_from(n).expect("small"); 32] };
        NoteTerminal { terminal, lane: Lane::Heartbeat, number: n, head, drained }
    };
    let exposure = |site: &Site| site.world.facts.terminals.at(&terminal).exposure();
    site.world.run(note(5, None)).expect("it is only a note");
    site.world.run(GrantLease { terminal, lease: lease([8; 16], 300_00, &site.world) }).expect("for that advice");
    site.world.run(note(4, Some([7; 16]))).expect("it is only a note");
    assert_eq!(exposure(&site), 800_00, "the machine may hold the one for the nonce that it told later");
    site.world.run(note(5, Some([8; 16]))).expect("it is only a note");
    assert_eq!(exposure(&site), 300_00);
}

#[test]
fn remembers_which_cards_a_terminal_served() {
    use super::world::right_pin;
    use crate::command::{LogInWithCard, PinEntry, Standing};
    for (kind, kept) in [(MachineKind::Terminal, true), (MachineKind::Api, false)] {
        let mut world = World::new();
        let customer = world.customer();
        let account = world.account(customer, Product::Savings, 0);
        let card = world.card(customer, &[account]);
        let place = world.machine("ATM1", kind);
        let pin = PinEntry { key: PinKey::Card(card), candidates: vec![right_pin(card)] };
        let log_in = LogInWithCard { pin, place, standing: Standing::At(place), session: world.new_session() };
        world.run(log_in).expect("the PIN is right");
        assert_eq!(world.log.visits.contains_key(&(place, card)), kept);
    }
}

#[test]
fn refuses_advices_that_make_no_sense_and_lets_staff_know() {
    let mut site = site(0);
    let euros = Amount::new(10_00, Currency::EUR);
    for (amount, refusal) in
        [(usd(0), Refusal::InvalidAmount), (usd(-1), Refusal::InvalidAmount), (euros, Refusal::CurrencyMismatch)]
    {
        let before = site.world.audits(AuditKind::AdviceRefused).len();
        let deposit = DepositAdvice { amount, ..site.deposit(1) };
        assert_eq!(site.world.run(deposit), Err(refusal));
        assert_eq!(site.world.audits(AuditKind::AdviceRefused).len(), before + 1);
    }
    let api = site.world.machine("ATM1", MachineKind::Api);
    let deposit = DepositAdvice { terminal: api, ..site.deposit(1) };
    assert_eq!(site.world.run(deposit), Err(Refusal::AtmNotFound));
}

/// One name, two contents: somebody lies, or something is broken.
#[test]
fn refuses_an_advice_of_another_content_and_lets_staff_know() {
    let mut site = site(500_00);
    let told = site.deposit(40_00);
    site.world.run(told.clone()).expect("it is in order");
    let RequestId { key, content } = told.request;
    let request = RequestId { key, content: content.map(|byte| !byte) };
    let Site { account, card, terminal, .. } = site;
    let (amount, case) = (usd(40_00), site.case());
    let commands: [Command; 5] = [
        DepositAdvice { request, ..told }.into(),
        DepositUnclear { terminal, request, card, account, amount, case }.into(),
        OfflineWithdrawn { request, ..site.paid([0, 2, 0]) }.into(),
        StoredTransfer { request, ..site.transfer(AccountNumber::new(99_999), 1) }.into(),
        CardRetained { terminal, request, card: Some(card) }.into(),
    ];
    for (before, command) in commands.into_iter().enumerate() {
        assert_eq!(site.world.run(command), Err(Refusal::IdempotencyKeyReused));
        assert_eq!(site.world.audits(AuditKind::AdviceRefused).len(), before + 1);
    }
    assert_eq!(site.world.balance(account), 540_00);
}

/// A report that comes after the notes were within reach changes nothing about who pays, and staff hear of it.
#[test]
fn flags_cash_that_went_out_by_a_reported_card() {
    for (state, flagged) in [(CardState::Active, 0), (CardState::Lost, 1), (CardState::Stolen, 1)] {
        let mut site = site(500_00);
        let row = crate::card::Card { state, ..*site.world.facts.cards.at(&site.card) };
        site.world.apply(Change::Row(Row::Card(row)));
        let paid = site.paid([1, 0, 0]);
        assert!(matches!(site.twice(paid), Ok(Done::Withdrawn(_))), "the cash is gone");
        assert_eq!(site.world.audits(AuditKind::PaidToReported).len(), flagged);
        assert_eq!(site.world.balance(site.account), 450_00);
    }
}
