//! What is counted by business date: the day begins at midnight in the bank's own zone, with the first command at or
//! after it, and nothing but a command moves it.

use std::time::Duration;

use cashpoint_bank::request::{Content, Scope};
use cashpoint_core::command::{Approve, Command, InCase, ResolveCase, Reverse, Suspect};
use cashpoint_core::id::{AccountNumber, CaseId, MachineId, RequestId, TransferId};
use cashpoint_core::money::Decimal;
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::session::Session;
use cashpoint_core::terminal::link::Movement;
use serde_json::json;

use crate::http::Answer;
use crate::world::{DAY, HOUR, MICROSECOND, MINUTE, Plastic, Visit, World, instant};

/// Uses up the day: 4 × 450, then 300 is too much and exactly 200 is left, which nothing above it gets.
#[track_caller]
fn use_day(world: &World, visit: &Visit) {
    for _ in 0..4 {
        world.send(visit.withdraw("450.00")).is(201);
    }
    used(world, visit);
}

/// The day is used up but for 200.00.
#[track_caller]
fn used(world: &World, visit: &Visit) {
    for amount in ["300.00", "210.00", "200.01"] {
        world.send(visit.withdraw(amount)).refused(422, "daily_limit_exceeded").says("\"remaining\":200.00");
    }
}

#[test]
fn a_customer_withdraws_two_thousand_a_day_over_all_accounts_and_cards() {
    let world = World::real("2026-09-15T12:00:00Z");
    let card = world.card("Ada", &["9000.00", "9000.00"]);
    let second = world.further_card(&card.customer, vec![card.accounts[1].clone()]);
    let (visit, other) = (world.visit(&card), world.visit_at(&second, "ATM2"));
    let own_second = Visit { account: card.accounts[1].clone(), ..visit.clone() };
    world.send(visit.withdraw("450.00")).is(201);
    world.send(other.withdraw("450.00")).is(201);
    world.send(own_second.withdraw("450.00")).is(201);
    world.send(visit.withdraw("450.00")).is(201);
    for visit in [&visit, &other, &own_second] {
        used(&world, visit);
    }
    // Bob has a day of his own.
    let bob = world.visit_at(&world.card("Bob", &["9000.00"]), "ATM2");
    use_day(&world, &bob);
    world.send(visit.withdraw("200.00")).is(201);
    world.send(visit.withdraw("10.00")).refused(422, "daily_limit_exceeded").says("\"remaining\":0.00");
    world.verified();
}

#[test]
fn one_visit_across_midnight_counts_on_both_days() {
    let world = World::real("2026-09-15T23:50:00Z");
    let card = world.card("Ada", &["9000.00"]);
    world.until(instant("2026-09-15T23:59:00Z"));
    let visit = world.visit(&card);
    world.until(instant("2026-09-15T23:59:59.999999Z"));
    use_day(&world, &visit);
    assert_eq!(world.date(), "2026-09-15");
    world.pass(MICROSECOND);
    use_day(&world, &visit);
    assert_eq!(world.date(), "2026-09-16");
    world.verified();
}

#[test]
fn the_first_command_moves_the_date_and_no_job_does() {
    let world = World::real("2026-09-15T12:00:00Z");
    let card = world.card("Ada", &["9000.00"]);
    use_day(&world, &world.visit(&card));
    world.until(instant("2026-09-16T05:00:00Z"));
    assert_eq!(world.date(), "2026-09-15", "nobody has come yet");
    let visit = world.visit(&card);
    assert_eq!(world.date(), "2026-09-16");
    use_day(&world, &visit);
    // Days on which nobody came are no business dates.
    world.until(instant("2026-09-20T23:59:59.999999Z"));
    assert_eq!(world.date(), "2026-09-16");
    let visit = world.visit(&card);
    assert_eq!(world.date(), "2026-09-20");
    use_day(&world, &visit);
    world.pass(MICROSECOND);
    // A refused command is the first one too.
    world.send(visit.withdraw("500.01")).refused(422, "over_transaction_limit");
    assert_eq!(world.date(), "2026-09-21");
    let mut dates: Vec<_> = world.commits().into_iter().map(|(_, date)| date).collect();
    dates.dedup();
    assert_eq!(dates.len(), 4);
    world.verified();
}

/// In this zone a day is called so before `begin`, at it, and from `next` on. Each begins to the microsecond, its
/// withdrawals and deposits from nothing.
#[track_caller]
fn check(zone: &str, (begin, next): (&str, &str), names: [&str; 3]) {
    let (begin, next) = (instant(begin), instant(next));
    let world = World::real(&begin.plus_s(-60 * 3_600).to_string());
    // The zone holds from the next cut-over on, which is still UTC's.
    world.policy(json!({"time_zone": zone}));
    let card = world.card("Ada", &["50000.00"]);
    world.until(begin.plus_s(-30 * 3_600));
    world.staff();
    let fill = |visit: &Visit| {
        use_day(&world, visit);
        world.send(visit.deposit("10000.00")).is(201);
        world.send(visit.deposit("9999.99")).is(201);
    };
    let full = |visit: &Visit| {
        used(&world, visit);
        world.send(visit.deposit("0.02")).refused(422, "over_deposit_limit").says("\"limit\":0.01");
    };
    world.until(begin.plus_s(-3_600));
    fill(&world.visit(&card));
    for (edge, before, after) in [(begin, names[0], names[1]), (next, names[1], names[2])] {
        world.until(edge.plus_s(-60));
        let visit = world.visit(&card);
        world.pass(MINUTE - MICROSECOND);
        full(&visit);
        assert_eq!(world.date(), before, "{zone}");
        world.pass(MICROSECOND);
        fill(&visit);
        assert_eq!(world.date(), after, "{zone}");
    }
    world.verified();
}

#[test]
fn days_are_23_and_25_hours_long_in_new_york() {
    let spring = ("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z");
    check("America/New_York", spring, ["2026-03-07", "2026-03-08", "2026-03-09"]);
    let autumn = ("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z");
    check("America/New_York", autumn, ["2026-10-31", "2026-11-01", "2026-11-02"]);
}

#[test]
fn days_are_23_and_25_hours_long_in_berlin() {
    let spring = ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    check("Europe/Berlin", spring, ["2026-03-28", "2026-03-29", "2026-03-30"]);
    let autumn = ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    check("Europe/Berlin", autumn, ["2026-10-24", "2026-10-25", "2026-10-26"]);
}

#[test]
fn a_day_whose_midnight_is_skipped_begins_at_one() {
    // São Paulo went from 23:59:59 to 01:00:00, …
    let spring = ("2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z");
    check("America/Sao_Paulo", spring, ["2018-11-03", "2018-11-04", "2018-11-05"]);
    // … and in autumn at midnight back to 23:00 of the same day.
    let autumn = ("2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z");
    check("America/Sao_Paulo", autumn, ["2018-02-16", "2018-02-17", "2018-02-18"]);
}

#[test]
fn a_day_that_a_zone_skips_is_no_business_date() {
    // Samoa had no 30 December 2011.
    let skip = ("2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z");
    check("Pacific/Apia", skip, ["2011-12-29", "2011-12-31", "2012-01-01"]);
}

#[test]
fn a_changed_zone_holds_from_the_next_cut_over_and_never_takes_the_date_back() {
    let world = World::real("2026-09-15T12:00:00Z");
    let card = world.card("Ada", &["50000.00"]);
    use_day(&world, &world.visit(&card));
    // In Kiritimati it is the 16th already; at midnight UTC it still is.
    world.policy(json!({"time_zone": "Pacific/Kiritimati"}));
    used(&world, &world.visit(&card));
    world.until(instant("2026-09-15T23:59:59.999999Z"));
    used(&world, &world.visit(&card));
    assert_eq!(world.date(), "2026-09-15");
    world.pass(MICROSECOND);
    use_day(&world, &world.visit(&card));
    assert_eq!(world.date(), "2026-09-16");
    // The 17th of Kiritimati begins at ten in the morning. Then the bank moves to where it is the 16th.
    world.until(instant("2026-09-16T10:00:00Z"));
    use_day(&world, &world.visit(&card));
    assert_eq!(world.date(), "2026-09-17");
    world.staff();
    world.policy(json!({"time_zone": "Pacific/Honolulu"}));
    // At Kiritimati's cut-over it is midnight of the 17th in Honolulu too: the same date for a second day.
    world.until(instant("2026-09-17T10:00:00Z"));
    used(&world, &world.visit(&card));
    assert_eq!(world.date(), "2026-09-17");
    world.until(instant("2026-09-18T09:59:59.999999Z"));
    used(&world, &world.visit(&card));
    world.pass(MICROSECOND);
    use_day(&world, &world.visit(&card));
    assert_eq!(world.date(), "2026-09-18");
    world.verified();
}

// --- withdrawals in two steps, as terminals make them ------------------------------------------------------------

/// A terminal, and a card in it.
struct Terminal {
    world: World,
    machine: MachineId,
    card: Plastic,
}

impl Terminal {
    fn new() -> Self {
        let world = World::sandbox("2026-09-15T12:00:00Z");
        world.machine("T1", "terminal");
        let card = world.card("Ada", &["50000.00"]);
        Self { world, machine: MachineId::parse("T1").unwrap(), card }
    }

    /// The request that the terminal calls by this name.
    fn request(&self, name: &str) -> RequestId {
        self.world.bank().request_id(Scope::Terminal(self.machine), name, &Content::of("advice", ""))
    }

    fn session(&self) -> Session {
        self.world.session_of(&self.world.visit_at(&self.card, "T1").token)
    }

    fn execute(&self, command: impl Into<Command>) -> Result<Done, Refusal> {
        self.world.bank().execute(command).unwrap().outcome
    }

    /// Asks for an amount under a name.
    fn approve(&self, name: &str, amount: &str) -> Result<TransferId, Refusal> {
        let account = AccountNumber::parse(&self.card.accounts[0]).unwrap();
        let (terminal, amount) = (self.machine, Decimal::parse(amount).unwrap());
        let approve =
            Approve { terminal, session: self.session(), request: self.request(name), account, amount, nonce: None };
        let done = self.execute(approve)?;
        let Done::Withdrawn(receipt) = done else { panic!("{done:?}") };
        Ok(receipt.transaction)
    }

    /// Gives back what was asked for under that name, but for notes (of 50, 20 and 10) that were taken.
    #[track_caller]
    fn reverse(&self, name: &str, notes: &[u32]) {
        let (terminal, original) = (self.machine, self.request(name).key);
        let request = self.request(&format!("{name}-reversal"));
        let moved = Movement { dispensed: notes.to_vec(), rejected: 0, retracted: 0 };
        let done = self.execute(Reverse { terminal, request, original, moved, case: case(99) });
        assert!(matches!(done, Ok(Done::Settled(_))), "{done:?}");
    }

    #[track_caller]
    fn use_day(&self, day: &str) -> Vec<TransferId> {
        (1..=4).map(|n| self.approve(&format!("{day}-{n}"), "450").unwrap()).collect()
    }

    /// Dollars that are left of today.
    #[track_caller]
    fn left(&self, name: &str, dollars: i64) {
        // More than is ever left here, and not more than one withdrawal may be.
        match self.approve(name, "500") {
            Err(Refusal::DailyLimitExceeded { remaining }) => assert_eq!(remaining.minor(), dollars * 100, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }

    /// What is counted on each date, in dollars, the oldest first.
    fn counted(&self) -> Vec<i64> {
        let mut days = Vec::new();
        self.world.records().daily_use(|row| days.push(row.withdrawn / 100)).unwrap();
        days
    }
}

fn case(number: i64) -> InCase {
    InCase { id: CaseId::new(number), evidence: String::new() }
}

#[test]
fn a_reversal_after_midnight_gives_back_to_the_date_it_was_counted_on() {
    let terminal = Terminal::new();
    let world = &terminal.world;
    world.until(instant("2026-09-15T23:58:00Z"));
    terminal.use_day("mon");
    terminal.left("mon-5", 200);
    // Before midnight it gives back to today.
    terminal.reverse("mon-1", &[]);
    terminal.approve("mon-6", "450").unwrap();
    terminal.left("mon-7", 200);
    world.until(instant("2026-09-16T00:00:00Z"));
    terminal.use_day("tue");
    terminal.left("tue-5", 200);
    assert_eq!(terminal.counted(), [1_800, 1_800]);
    terminal.reverse("mon-2", &[]);
    terminal.left("tue-6", 200);
    // In part: 9 × 50 were promised, one of them was taken.
    terminal.reverse("mon-3", &[1]);
    terminal.left("tue-7", 200);
    assert_eq!(terminal.counted(), [1_800 - 450 - 400, 1_800]);
    terminal.reverse("tue-1", &[]);
    terminal.approve("tue-8", "500").unwrap();
    terminal.left("tue-9", 150);
    assert_eq!(terminal.counted(), [950, 1_850]);
    world.verified();
}

#[test]
fn a_suspect_keeps_its_date_until_it_is_resolved() {
    let terminal = Terminal::new();
    let world = &terminal.world;
    let withdrawals = terminal.use_day("mon");
    for n in 1..=3 {
        let (machine, original) = (terminal.machine, terminal.request(&format!("mon-{n}")).key);
        let request = terminal.request(&format!("mon-{n}-suspect"));
        let suspect = Suspect { terminal: machine, request, original, case: case(n) };
        assert_eq!(terminal.execute(suspect), Ok(Done::CaseOpened(CaseId::new(n))));
    }
    terminal.left("mon-5", 200);
    assert_eq!(terminal.counted(), [1_800]);
    world.pass(3 * DAY);
    world.staff();
    terminal.use_day("thu");
    assert_eq!(terminal.counted(), [1_800, 1_800]);
    for (withdrawal, paid, left_on_monday) in [(0, "0", 1_350), (1, "50", 950), (2, "450", 950)] {
        let resolve = ResolveCase {
            session: world.session_of(&world.admin()),
            request: terminal.request(&format!("case-{withdrawal}")),
            case: CaseId::new(i64::try_from(withdrawal).unwrap() + 1),
            account: AccountNumber::parse(&terminal.card.accounts[0]).unwrap(),
            withdrawal: Some(withdrawals[withdrawal]),
            paid: Decimal::parse_or_zero(paid).unwrap(),
            unclaimed: CaseId::new(90),
        };
        assert!(matches!(terminal.execute(resolve), Ok(Done::Settled(_))));
        assert_eq!(terminal.counted(), [left_on_monday, 1_800]);
        terminal.left(&format!("thu-{withdrawal}-left"), 200);
    }
    world.verified();
}

#[test]
fn a_replayed_decline_stays_a_decline_on_the_next_day() {
    let world = World::real("2026-09-15T12:00:00Z");
    let card = world.card("Ada", &["9000.00"]);
    let visit = world.visit(&card);
    use_day(&world, &visit);
    let declined = world.send(visit.withdraw("300.00").key("friday")).refused(422, "daily_limit_exceeded");
    world.pass(12 * HOUR + Duration::from_secs(1));
    let visit = world.visit(&card);
    let again = world.send(visit.withdraw("300.00").key("friday")).refused(422, "daily_limit_exceeded");
    let told = |answer: &Answer| {
        let mut json = answer.json();
        json.as_object_mut().unwrap().remove("request_id");
        json
    };
    assert_eq!(told(&again), told(&declined));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    world.send(visit.withdraw("300.00").key("saturday")).is(201);
    world.verified();
}
