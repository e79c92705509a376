//! The partition matrix: a link that breaks at every step of a withdrawal, deposit, transfer and balance, with each choice
//! of the policy. Whatever happens, the customer is told the truth, and once the link is up everything posts once.
//!
//! The steps are those that an undisturbed visit goes through. What a choice, a line or a step comes to stands in matches
//! without a wildcard: a new one does not compile until somebody says what is right.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cashpoint_bank::sandbox::{PEOPLE, Person as Holder};
use cashpoint_core::command::ReportReason;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, CardId, MachineId};
use cashpoint_core::money::Amount;
use cashpoint_core::policy::OfflineCash;
use cashpoint_core::terminal::link::{AdviceKind, Notice};
use cashpoint_core::terminal::record::Record;
use cashpoint_core::terminal::screen::{Freshness, Screen, Sorry};
use cashpoint_core::terminal::settings::{OfflineBalance, OfflineDeposit, OfflineTransfer};
use cashpoint_core::time::Timestamp;
use cashpoint_sim::bench::{self, Books, walked_away_with};
use cashpoint_sim::host::BankHost;
use cashpoint_sim::moment::{Moment, asked, shown};
use cashpoint_sim::network::Network;
use cashpoint_sim::person::{Person, Wish};
use cashpoint_sim::site::{self, DANA, GENEROUS, Gets, got};
use cashpoint_sim::world::World;
use tempfile::TempDir;

const SAVINGS: AccountNumber = site::SAVINGS.0;
const SAVED: i64 = site::SAVINGS.1;
const CHECKING: AccountNumber = site::CHECKING.0;
const CHECKED: i64 = site::CHECKING.1;

const CASH: i64 = 100_00;
const LAID_IN: [(i64, u32); 2] = [(50_00, 1), (20_00, 1)];
const SENT: i64 = 30_00;

/// How long the terminal is given to notice what became of its line.
const NOTICED_MS: i64 = 6_000;

fn usd(minor: i64) -> Amount {
    Amount::new(minor, Currency::USD)
}

/// An operation with the policy's choice for it. Of the others the policy has what it can.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Case {
    Balance(OfflineBalance),
    Deposit(OfflineDeposit),
    Transfer(OfflineTransfer),
    Withdrawal(OfflineCash),
}

impl Case {
    fn wish(self) -> Wish {
        match self {
            Self::Balance(_) => Wish::Balance(SAVINGS),
            Self::Deposit(_) => Wish::Deposit(SAVINGS, LAID_IN.to_vec()),
            Self::Transfer(_) => Wish::Send(SAVINGS, CHECKING, usd(SENT)),
            Self::Withdrawal(_) => Wish::Cash(SAVINGS, usd(CASH)),
        }
    }

    fn policy(self) -> [(&'static str, &'static str); 4] {
        let mut policy = GENEROUS;
        let choice = match self {
            Self::Balance(OfflineBalance::Hide) => (0, "hide"),
            Self::Balance(OfflineBalance::Stale) => (0, "stale"),
            Self::Deposit(OfflineDeposit::Store) => (1, "store"),
            Self::Deposit(OfflineDeposit::Refuse) => (1, "refuse"),
            Self::Transfer(OfflineTransfer::Store) => (2, "store"),
            Self::Transfer(OfflineTransfer::Refuse) => (2, "refuse"),
            Self::Withdrawal(OfflineCash::Refuse) => (3, "refuse"),
            Self::Withdrawal(OfflineCash::Limited) => (3, "limited"),
        };
        policy[choice.0].1 = choice.1;
        policy
    }
}

/// What becomes of the line, at a moment of the visit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Line {
    /// Nothing.
    Whole,
    /// It is down before the visit, and until after it.
    DownBefore,
    /// It goes down, until after the visit.
    DownAt(Moment),
    /// From then on no answer comes, until after the visit.
    AnswersLostFrom(Moment),
    /// The answer to what is asked then is lost, and only that.
    AnswerLostTo(Moment),
    /// It was down before the visit, and is up again.
    UpAgainAt(Moment),
}

/// In what the customer's wish met the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Met {
    /// The host served it.
    Host,
    /// The terminal knew that the host is away, so that the policy decides.
    Policy,
    /// The terminal did not know, and what it asked never left.
    Cut,
    /// The host heard, and one answer was lost.
    OneAnswerLost,
    /// The host heard as often as it was asked, and no answer came.
    AnswersLost,
}

fn met(line: Line) -> Met {
    match line {
        Line::Whole => Met::Host,
        Line::DownBefore => Met::Policy,
        Line::DownAt(moment) => before_the_deed(moment, Met::Cut),
        Line::AnswersLostFrom(moment) => before_the_deed(moment, Met::AnswersLost),
        Line::AnswerLostTo(moment) => match moment {
            Moment::Deed => Met::OneAnswerLost,
            // The PIN is entered once more, and the host is asked once more.
            Moment::LogIn => Met::Host,
            Moment::Language
            | Moment::Pin
            | Moment::Menu
            | Moment::Account
            | Moment::Amount
            | Moment::Confirm
            | Moment::Receipt
            | Moment::CountingIn
            | Moment::InsertNotes
            | Moment::Counted
            | Moment::CountingOut
            | Moment::TakeCard
            | Moment::TakeCash
            | Moment::TakeNotesBack
            | Moment::Told => unreachable!("nothing is asked at {moment:?}"),
        },
        Line::UpAgainAt(moment) => match moment {
            Moment::Language | Moment::Pin => Met::Host,
            // Who proved their PIN to the terminal alone has no session at the host until their next visit.
            Moment::LogIn
            | Moment::Menu
            | Moment::Account
            | Moment::Amount
            | Moment::Confirm
            | Moment::Receipt
            | Moment::CountingIn
            | Moment::InsertNotes
            | Moment::Counted
            | Moment::Deed
            | Moment::CountingOut
            | Moment::TakeCard
            | Moment::TakeCash
            | Moment::TakeNotesBack
            | Moment::Told => Met::Policy,
        },
    }
}

/// What a line that breaks at a moment means: before the deed the terminal notices, after it the host has decided.
fn before_the_deed(moment: Moment, at_the_deed: Met) -> Met {
    match moment {
        Moment::Language
        | Moment::Pin
        | Moment::LogIn
        | Moment::Menu
        | Moment::Account
        | Moment::Amount
        | Moment::Confirm
        | Moment::Receipt
        | Moment::CountingIn
        | Moment::InsertNotes
        | Moment::Counted => Met::Policy,
        Moment::Deed => at_the_deed,
        Moment::CountingOut | Moment::TakeCard | Moment::TakeCash | Moment::TakeNotesBack | Moment::Told => Met::Host,
    }
}

fn gets(case: Case, met: Met) -> Gets {
    match case {
        Case::Balance(choice) => match (met, choice) {
            (Met::Host, OfflineBalance::Hide | OfflineBalance::Stale) => Gets::Now,
            (Met::Policy | Met::Cut | Met::OneAnswerLost | Met::AnswersLost, OfflineBalance::Hide) => Gets::Nothing,
            (Met::Policy | Met::Cut | Met::OneAnswerLost | Met::AnswersLost, OfflineBalance::Stale) => Gets::Later,
        },
        Case::Deposit(choice) => match (met, choice) {
            (Met::Host, OfflineDeposit::Store | OfflineDeposit::Refuse) => Gets::Now,
            (Met::Policy, OfflineDeposit::Store) => Gets::Later,
            (Met::Policy, OfflineDeposit::Refuse) => Gets::Nothing,
            // The notes are in the machine: they are the customer's, whatever the policy says.
            (Met::Cut | Met::OneAnswerLost | Met::AnswersLost, OfflineDeposit::Store | OfflineDeposit::Refuse) => {
                Gets::Later
            }
        },
        Case::Transfer(choice) => match (met, choice) {
            (Met::Host | Met::OneAnswerLost, OfflineTransfer::Store | OfflineTransfer::Refuse) => Gets::Now,
            (Met::Policy | Met::Cut | Met::AnswersLost, OfflineTransfer::Store) => Gets::Later,
            (Met::Policy | Met::Cut, OfflineTransfer::Refuse) => Gets::Nothing,
            (Met::AnswersLost, OfflineTransfer::Refuse) => Gets::Checked,
        },
        Case::Withdrawal(choice) => match (met, choice) {
            (Met::Host, OfflineCash::Refuse | OfflineCash::Limited) => Gets::Now,
            (Met::Policy, OfflineCash::Limited) => Gets::Later,
            (Met::Policy, OfflineCash::Refuse) => Gets::Nothing,
            // Taken back: the host may have approved.
            (Met::Cut | Met::OneAnswerLost | Met::AnswersLost, OfflineCash::Refuse | OfflineCash::Limited) => {
                Gets::Nothing
            }
        },
    }
}

/// A site in a folder of its own.
struct Site {
    site: site::Site,
    _folder: TempDir,
}

impl std::ops::Deref for Site {
    type Target = site::Site;

    fn deref(&self) -> &site::Site {
        &self.site
    }
}

impl std::ops::DerefMut for Site {
    fn deref_mut(&mut self) -> &mut site::Site {
        &mut self.site
    }
}

/// What a visit came to.
struct Visited {
    moments: Vec<Moment>,
    gets: Gets,
}

impl Site {
    fn new(policy: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { site: site::Site::new(folder.path(), policy), _folder: folder }
    }

    /// Dana comes with a wish, and this becomes of the line.
    fn visit(&mut self, wish: Wish, line: Line) -> Visited {
        let (from, began) = (self.world.station.shown.len(), self.world.now());
        if matches!(line, Line::DownBefore | Line::UpAgainAt(_)) {
            self.world.network = Network::Cut;
            self.world.pass(10);
        }
        let (wanted, becomes) = match line {
            Line::Whole | Line::DownBefore => (None, Network::Up),
            Line::DownAt(moment) => (Some(moment), Network::Cut),
            Line::AnswersLostFrom(moment) => (Some(moment), Network::AnswersLost),
            Line::AnswerLostTo(moment) | Line::UpAgainAt(moment) => (Some(moment), Network::Up),
        };
        let base = Rc::new(Cell::new(self.world.network));
        let moments = Rc::new(RefCell::new(Vec::new()));
        let (network, seen) = (Rc::clone(&base), Rc::clone(&moments));
        self.world.weather = Some(Box::new(move |sent| {
            let moment = asked(&sent.request);
            let first = moment.is_some_and(|moment| note(&seen, moment));
            if first && moment == wanted {
                network.set(becomes);
                if matches!(line, Line::AnswerLostTo(_)) {
                    return Some(Network::AnswersLost);
                }
            }
            Some(network.get())
        }));
        self.world.enter(Person::new(bench::plan(&DANA, wish)));
        let until = self.world.now().plus_s(200);
        let mut looked = from;
        while self.world.is_visited() && self.world.step(until) {
            for at in std::mem::replace(&mut looked, self.world.station.shown.len())..looked {
                let moment = shown(&self.world.station.shown[at]);
                if moment.is_some_and(|moment| note(&moments, moment)) && moment == wanted {
                    base.set(becomes);
                    self.world.delay_person(NOTICED_MS);
                }
            }
        }
        assert!(self.world.now() > began, "time passes");
        self.world.leave();
        self.world.pass(5);
        let gets = got(&self.world.station.shown[from..]);
        self.mend();
        let moments = moments.borrow().clone();
        assert!(wanted.is_none_or(|wanted| moments.contains(&wanted)), "{line:?}: {moments:?}");
        Visited { moments, gets }
    }
}

/// Notes a moment; whether it is there for the first time.
fn note(moments: &RefCell<Vec<Moment>>, moment: Moment) -> bool {
    let new = !moments.borrow().contains(&moment);
    if new {
        moments.borrow_mut().push(moment);
    }
    new
}

/// What stands in the ledger afterwards: what savings and checking have more, and which transfers were made.
fn effect(case: Case, met: Met) -> (i64, i64, &'static [&'static str]) {
    let done = match gets(case, met) {
        Gets::Now | Gets::Later | Gets::Checked => true,
        Gets::Nothing => false,
    };
    match (case, met) {
        (Case::Balance(_), _) => (0, 0, &[]),
        (Case::Deposit(_), _) if done => (70_00, 0, &["deposit"]),
        (Case::Transfer(_), _) if done => (-SENT, SENT, &["transfer"]),
        (Case::Withdrawal(_), Met::Host) => (-CASH, 0, &["withdrawal_approved", "withdrawal_completed"]),
        (Case::Withdrawal(_), Met::Policy) if done => (-CASH, 0, &["offline_withdrawal"]),
        (Case::Withdrawal(_), Met::OneAnswerLost | Met::AnswersLost) => (0, 0, &["withdrawal_approved", "reversal"]),
        (Case::Deposit(_) | Case::Transfer(_), _) | (Case::Withdrawal(_), Met::Policy | Met::Cut) => (0, 0, &[]),
    }
}

fn check_cell(case: Case, line: Line) -> Result<Vec<Moment>, String> {
    let mut site = Site::new(&case.policy());
    let (before, served) = (site.books(), site.world.now());
    let visited = site.visit(case.wish(), line);
    let met = met(line);
    let wrong = |what: String| Err(format!("{case:?}, {line:?}: {what}; {:?}", visited.moments));
    if visited.gets != gets(case, met) {
        return wrong(format!("{:?} expected, {:?}", gets(case, met), visited.gets));
    }
    let books = site.audit();
    let (savings, checking, transfers) = effect(case, met);
    let found = (books.balance(SAVINGS) - SAVED, books.balance(CHECKING) - CHECKED);
    let posted: Vec<_> = books.transfers[before.transfers.len()..].iter().map(|(kind, _)| kind.as_str()).collect();
    if found != (savings, checking) || posted != transfers {
        return wrong(format!("the balances changed by {found:?}, it posted {posted:?}"));
    }
    // Never without its date: a stale one is of a log-in at which the host was asked.
    let entries = site.world.station.journal.entries().unwrap();
    let log_ins: Vec<_> = entries.iter().filter(|entry| matches!(entry.record, Record::Card(_))).collect();
    for (balance, freshness, as_of) in site.world.station.shown.iter().filter_map(balance_shown).skip(1) {
        let dated = match freshness {
            Freshness::Stale => log_ins.iter().any(|entry| entry.at == as_of),
            Freshness::Current => as_of >= served,
        };
        if balance != SAVED || !dated {
            return wrong(format!("a balance of {balance} as of {as_of:?} was shown"));
        }
    }
    Ok(visited.moments)
}

fn balance_shown(screen: &Screen) -> Option<(i64, Freshness, Timestamp)> {
    if let Screen::Balance { balance, freshness, as_of, .. } = screen {
        return Some((balance.minor(), *freshness, *as_of));
    }
    None
}

/// All lines that a visit can meet: at each step that an undisturbed one goes through, and a cut-off one.
fn check(case: Case) {
    let whole = check_cell(case, Line::Whole).unwrap();
    let away = check_cell(case, Line::DownBefore).unwrap();
    let asked: Vec<_> = whole.iter().copied().filter(|moment| matches!(moment, Moment::LogIn | Moment::Deed)).collect();
    assert_eq!(asked, [Moment::LogIn, Moment::Deed], "both are asked in {whole:?}");
    let down = whole.iter().copied().map(Line::DownAt);
    let unanswered = whole.iter().copied().map(Line::AnswersLostFrom);
    let lines = down.chain(unanswered).chain(asked.into_iter().map(Line::AnswerLostTo));
    let lines: Vec<_> = lines.chain(away.into_iter().filter(|m| *m != Moment::Deed).map(Line::UpAgainAt)).collect();
    let wrong: Vec<_> = lines.iter().filter_map(|line| check_cell(case, *line).err()).collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), lines.len());
    assert!(lines.len() > 15, "{}", lines.len());
}

#[test]
fn a_balance_that_is_hidden() {
    check(Case::Balance(OfflineBalance::Hide));
}

#[test]
fn a_balance_that_is_shown_with_its_date() {
    check(Case::Balance(OfflineBalance::Stale));
}

#[test]
fn a_deposit_that_is_stored() {
    check(Case::Deposit(OfflineDeposit::Store));
}

#[test]
fn a_deposit_that_is_refused() {
    check(Case::Deposit(OfflineDeposit::Refuse));
}

#[test]
fn a_transfer_that_is_stored() {
    check(Case::Transfer(OfflineTransfer::Store));
}

#[test]
fn a_transfer_that_is_refused() {
    check(Case::Transfer(OfflineTransfer::Refuse));
}

#[test]
fn a_withdrawal_within_limits() {
    check(Case::Withdrawal(OfflineCash::Limited));
}

#[test]
fn a_withdrawal_that_is_refused() {
    check(Case::Withdrawal(OfflineCash::Refuse));
}

impl Site {
    /// What waits or was told, in the journal's order: which accounts' money moves, and how much.
    fn told(&self) -> Vec<(&'static str, i64)> {
        let entries = self.world.station.journal.entries().unwrap();
        let told = entries.iter().filter_map(|entry| {
            let Record::Advice(advice) = &entry.record else { return None };
            Some(&advice.kind)
        });
        let posts = told.filter_map(|kind| match kind {
            AdviceKind::Deposited { amount, .. } => Some(("deposit", amount.minor())),
            AdviceKind::StoredTransfer { amount, .. } => Some(("transfer", amount.minor())),
            AdviceKind::OfflineWithdrawn { amount, .. } => Some(("offline_withdrawal", amount.minor())),
            AdviceKind::Completed { .. }
            | AdviceKind::Reversed { .. }
            | AdviceKind::Suspect { .. }
            | AdviceKind::DepositUnclear { .. }
            | AdviceKind::OfflineTries { .. }
            | AdviceKind::CardRetained { .. }
            | AdviceKind::Replenished { .. } => None,
        });
        posts.collect()
    }
}

const JANE: Holder = PEOPLE[1];
const JANES: AccountNumber = AccountNumber::new(400_000_000_021);

/// A machine that three people of four may use while it is cut off, and that is.
fn cut_off(policy: &[(&str, &str)]) -> Site {
    let policy: Vec<_> = GENEROUS.iter().chain(policy).copied().collect();
    let mut site = Site::new(&policy);
    site.serve(&JANE, Wish::Balance(JANES));
    site.cut();
    site
}

#[test]
fn serves_nobody_where_the_policy_has_nothing() {
    let mut site = Site::new(&[]);
    site.cut();
    assert_eq!(site.world.station.screen(), Some(&Screen::OutOfService { card_kept: false }));
    site.mend();
    site.audit();
}

/// An outage of many deeds by several people, and a line that comes back badly: lost answers, messages that never arrive,
/// slow ones. The ledger has each of them, once, in the order in which they happened.
#[test]
fn posts_an_outage_once_and_in_order_over_a_bad_line() {
    let mut site = cut_off(&[]);
    let before = site.books();
    for _ in 0..2 {
        for (holder, account) in [(&DANA, SAVINGS), (&JANE, JANES)] {
            let target = if account == SAVINGS { CHECKING } else { account };
            assert_eq!(site.serve(holder, Wish::Deposit(account, LAID_IN.to_vec())), Gets::Later);
            assert_eq!(site.serve(holder, Wish::Cash(account, usd(20_00))), Gets::Later);
            if target != account {
                assert_eq!(site.serve(holder, Wish::Send(account, target, usd(SENT))), Gets::Later);
            }
        }
    }
    let told = site.told();
    assert_eq!((told.len(), site.book().waiting()), (10, 10));
    let mut count = 0_u32;
    let bad = [
        Network::AnswersLost,
        Network::RequestsLost,
        Network::Cut,
        Network::Slow { there_ms: 14_000, back_ms: 2_000 },
        Network::Slow { there_ms: 20_000, back_ms: 0 },
        Network::Up,
        Network::Up,
    ];
    site.world.weather = Some(Box::new(move |_| {
        count += 1;
        Some(bad[usize::try_from(count).unwrap() * 5 % 7])
    }));
    site.world.pass(900);
    site.mend();
    let books = site.audit();
    let posted: Vec<_> =
        books.transfers[before.transfers.len()..].iter().map(|(kind, minor)| (kind.as_str(), *minor)).collect();
    assert_eq!(posted, told);
    assert_eq!(books.balance(SAVINGS), SAVED + 2 * (70_00 - 20_00 - SENT));
    assert_eq!(books.balance(JANES), 2_000_00 + 2 * (70_00 - 20_00));
}

#[test]
fn stores_up_to_the_journals_limit_and_refuses_after_it() {
    let wishes: [fn() -> Wish; 2] =
        [|| Wish::Deposit(SAVINGS, LAID_IN.to_vec()), || Wish::Send(SAVINGS, CHECKING, usd(10_00))];
    for wish in wishes {
        let mut site = cut_off(&[]);
        site.world.station.journal.limit = site.world.station.journal.fill().used + 6_000;
        let before = site.books();
        let mut stored = 0;
        while site.serve(&DANA, wish()) == Gets::Later {
            stored += 1;
            assert!(stored < 100, "the journal has a limit");
        }
        assert!(stored > 1, "{stored}");
        assert_eq!(site.serve(&DANA, wish()), Gets::Nothing, "and stays full");
        assert_eq!(site.serve(&DANA, Wish::Balance(SAVINGS)), Gets::Later, "what needs no room is served");
        assert_eq!(site.book().waiting(), stored);
        site.mend();
        let books = site.audit();
        assert_eq!(books.transfers.len() - before.transfers.len(), stored as usize);
        let from = site.world.station.shown.len();
        let gets = site.serve(&DANA, wish());
        assert_eq!(gets, Gets::Now, "there is room again: {:?}", &site.world.station.shown[from..]);
    }
}

/// Whichever bound is the narrowest holds: that of the card, of the outage, or of the lease.
#[test]
fn pays_no_more_than_card_machine_and_lease_allow() {
    for (card, outage, lease, paid) in [
        ("100", "500", "500", [100_00, 100_00]),
        ("300", "220", "500", [220_00, 0]),
        ("300", "500", "250", [240_00, 0]),
        ("120", "500", "200", [120_00, 80_00]),
    ] {
        let policy = [("offline_card_limit", card), ("offline_outage_limit", outage), ("offline_lease", lease)];
        let mut site = cut_off(&policy);
        let mut drawn = [0, 0];
        for (who, (holder, account)) in [(&DANA, SAVINGS), (&JANE, JANES)].into_iter().enumerate() {
            for minor in [200_00, 60_00, 60_00, 40_00, 20_00, 20_00, 20_00, 20_00] {
                let has = walked_away_with(&site.world.station.hardware);
                let gets = site.serve(holder, Wish::Cash(account, usd(minor)));
                let got = walked_away_with(&site.world.station.hardware) - has;
                assert_eq!(got, if gets == Gets::Later { minor } else { 0 });
                drawn[who] += got;
            }
        }
        assert_eq!(drawn, paid, "card {card}, outage {outage}, lease {lease}");
        site.mend();
        let books = site.audit();
        assert_eq!(books.balance(SAVINGS), SAVED - drawn[0]);
        assert_eq!(books.balance(JANES), 2_000_00 - drawn[1]);
    }
}

#[test]
fn pays_nothing_with_an_old_hot_list_or_to_a_card_without_a_verifier() {
    let mut site = cut_off(&[("offline_hot_list_age_s", "3600")]);
    site.world.pass(3_000);
    assert_eq!(site.serve(&DANA, Wish::Cash(SAVINGS, usd(20_00))), Gets::Later);
    site.world.pass(600);
    assert_eq!(site.serve(&DANA, Wish::Cash(SAVINGS, usd(20_00))), Gets::Nothing, "the list is too old");
    assert_eq!(site.serve(&DANA, Wish::Balance(SAVINGS)), Gets::Later, "a balance needs none");
    site.mend();
    site.cut();
    assert_eq!(site.serve(&DANA, Wish::Cash(SAVINGS, usd(20_00))), Gets::Later, "it was confirmed in between");
    let stranger = Wish::Cash(AccountNumber::new(400_000_000_011), usd(20_00));
    assert_eq!(site.serve(&PEOPLE[0], stranger), Gets::Nothing, "this card was never served here");
    site.world.pass(8 * 86_400);
    assert_eq!(site.serve(&DANA, Wish::Balance(SAVINGS)), Gets::Nothing, "its verifier serves for seven days");
    site.mend();
    site.audit();
    assert_eq!(walked_away_with(&site.world.station.hardware), 40_00);
}

/// A card that was reported before the line was cut is on the list; one that is reported afterwards cannot be, and what it
/// costs is what the card may draw.
#[test]
fn keeps_a_card_that_was_reported_before_the_cut() {
    let mut site = Site::new(&GENEROUS);
    let dana = CardId::new(DANA.card);
    site.world.host.bank.report_card(site.world.host.admin, dana, ReportReason::Stolen).unwrap().unwrap();
    site.world.pass(5);
    site.cut();
    let from = site.world.station.shown.len();
    site.world.enter(Person::new(bench::plan(&DANA, Wish::Cash(SAVINGS, usd(20_00)))));
    site.stay();
    let kept = |screen: &Screen| matches!(screen, Screen::Sorry(Sorry::CardKept { .. }));
    assert!(site.world.station.shown[from..].iter().any(kept), "{:?}", &site.world.station.shown[from..]);
    assert_eq!(walked_away_with(&site.world.station.hardware), 0);
    site.mend();
    site.audit();
}

/// The customer of a stored transfer that fails hears of it: as a notification at once, and at their next visit.
#[test]
fn tells_of_a_stored_transfer_that_failed() {
    let mut site = cut_off(&[]);
    let too_much = usd(900_00);
    assert_eq!(site.serve(&DANA, Wish::Send(SAVINGS, CHECKING, too_much)), Gets::Later, "nobody can tell yet");
    let asked_at = site.world.now();
    let refused = |books: &Books| books.events.iter().filter(|kind| *kind == "refused").count();
    let before = refused(&site.books());
    site.mend();
    let books = site.audit();
    assert_eq!((books.balance(SAVINGS), refused(&books)), (SAVED, before + 1));
    let notices = |site: &mut Site| {
        let from = site.world.station.shown.len();
        site.serve(&DANA, Wish::Balance(SAVINGS));
        let menus = site.world.station.shown[from..]
            .iter()
            .filter_map(|screen| if let Screen::Menu { notices, .. } = screen { Some(notices.clone()) } else { None });
        menus.flatten().collect::<Vec<_>>()
    };
    let told = notices(&mut site);
    let [Notice::TransferRefused { at, amount, target, code }] = told.as_slice() else { panic!("{told:?}") };
    assert!(*at < asked_at && asked_at.since_ms(*at) < 60_000, "{at:?}");
    assert_eq!((*amount, *target, code.as_str()), (too_much, CHECKING, "insufficient_funds"));
    assert_eq!(notices(&mut site), [], "once");
}

#[test]
fn flags_an_account_that_cash_overdrew_while_the_host_was_away() {
    let mut site = cut_off(&[]);
    assert_eq!(site.serve(&DANA, Wish::Cash(CHECKING, usd(CASH))), Gets::Later);
    site.mend();
    let books = site.audit();
    assert_eq!(books.balance(CHECKING), CHECKED - CASH, "no fee that nobody was told of");
    let count = |kinds: &[String]| kinds.iter().filter(|kind| *kind == "overdrawn").count();
    assert_eq!((count(&books.events), count(&books.audit)), (1, 1));
}

/// One card, cloned with its PIN, at a hundred machines that somebody has cut off: the bank loses at most what it granted
/// in leases, and it grants no more than the fleet may have. What was granted and not told of is not granted again.
#[test]
fn loses_at_most_its_leases_to_one_card_at_a_hundred_machines() {
    const LEASE: i64 = 300_00;
    const FLEET: i64 = 3_000_00;
    let folder = tempfile::tempdir().unwrap();
    let mut host = BankHost::new(folder.path(), bench::noon());
    let limits = [("offline_card_limit", "300"), ("offline_lease", "300"), ("offline_fleet_limit", "3000")];
    host.set_policy(&GENEROUS.iter().chain(&limits).copied().collect::<Vec<_>>());
    let name = |number: usize| MachineId::parse(&format!("ATM{number:03}")).unwrap();
    let stations: Vec<_> = (0..100).map(|number| bench::machine(&mut host, name(500 + number))).collect();
    let host = Rc::new(RefCell::new(host));
    let mut now = bench::noon();
    let mut worlds = Vec::new();
    for station in stations {
        let mut world = World::new(station, Rc::clone(&host), now);
        world.pass(6);
        world.enter(Person::new(bench::plan(&DANA, Wish::Balance(SAVINGS))));
        let until = world.now().plus_s(60);
        while world.is_visited() && world.step(until) {}
        world.pass(4);
        now = world.now();
        world.network = Network::Cut;
        worlds.push(world);
    }
    let exposed = || -> i64 {
        let views = host.borrow().bank.terminal_views().unwrap();
        views.iter().map(|view| view.enrolled.exposure()).sum()
    };
    assert_eq!(exposed(), FLEET, "all that the fleet may have is out");
    // Those that got none ask again, and get none.
    for world in worlds.iter_mut().rev().take(5) {
        world.network = Network::Up;
        world.pass(10);
        world.network = Network::Cut;
        world.pass(10);
    }
    assert_eq!(exposed(), FLEET);
    let mut lost = 0;
    for world in &mut worlds {
        world.pass(5);
        for minor in [LEASE, LEASE, 20_00] {
            world.enter(Person::new(bench::plan(&DANA, Wish::Cash(SAVINGS, usd(minor)))));
            let until = world.now().plus_s(60);
            while world.is_visited() && world.step(until) {}
            world.leave();
            world.pass(2);
        }
        lost += walked_away_with(&world.station.hardware);
    }
    assert_eq!(lost, FLEET, "the sum of the leases, whatever was on the account");
    for world in &mut worlds {
        world.network = Network::Up;
        world.pass(15);
        assert!(exposed() <= FLEET);
    }
    let books = Books::read(folder.path());
    assert_eq!(books.balance(SAVINGS), SAVED - lost, "all of it is charged");
    assert_eq!(books.cases, []);
    assert_eq!(books.transfers.iter().filter(|(kind, _)| kind == "offline_withdrawal").count(), 10);
}
