use crate::account::Product;
use crate::command::{LogOut, Touch};
use crate::event::EventKind;
use crate::outcome::{Done, Outcome, Refusal};
use crate::session::{Role, Session};
use crate::time::Timestamp;

use super::super::world::World;
use super::{Visit, events, receipt};

const ENDED: Outcome = Err(Refusal::SessionExpired);

/// Touches the session after waiting so long.
fn touch_after(world: &mut World, session: Session, wait_ms: i64) -> Outcome {
    world.now = world.now.plus_ms(wait_ms);
    world.run(Touch { session })
}

#[test]
fn ends_at_a_machine_after_five_minutes_without_activity() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let session = visit.session;
    for _ in 0..20 {
        assert_eq!(touch_after(&mut visit.world, session, 299_999), Ok(Done::Changed));
    }
    assert_eq!(touch_after(&mut visit.world, session, 300_000), ENDED);
    visit.world.now = visit.world.now.plus_ms(-1);
    assert_eq!(visit.world.run(Touch { session }), Ok(Done::Changed), "a moment earlier it would have lived");
}

/// What the store would find: the activity that was last given to it.
fn stored(world: &World, session: Session) -> Option<Timestamp> {
    world.log.sessions.get(&session.id).map(|state| state.active)
}

#[test]
fn gives_the_store_its_activity_only_when_that_is_half_a_minute_old() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let (session, world) = (visit.session, &mut visit.world);
    world.log.sessions.clear();
    assert_eq!(touch_after(world, session, 30_000), Ok(Done::Changed));
    assert_eq!(stored(world, session), None, "it has the beginning, which is not longer ago");
    assert_eq!(world.facts.sessions.at(&session.id).active, world.now, "decisions know it to the moment");
    assert_eq!(touch_after(world, session, 1), Ok(Done::Changed));
    let noted = world.now;
    assert_eq!(stored(world, session), Some(noted));
    for _ in 0..3 {
        assert_eq!(touch_after(world, session, 10_000), Ok(Done::Changed));
        assert_eq!(stored(world, session), Some(noted));
    }
    assert_eq!(touch_after(world, session, 1), Ok(Done::Changed));
    assert_eq!(stored(world, session), Some(world.now));
    assert_eq!(touch_after(world, session, 20_000), Ok(Done::Changed));
    let left = world.now.plus_ms(5_000);
    world.now = left;
    assert_eq!(world.run(LogOut { session }), Ok(Done::Changed));
    assert_eq!(stored(world, session), Some(left), "whatever else changes takes the activity along");
}

#[test]
fn lives_to_the_moment_by_activity_that_the_store_was_not_given() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let (session, world) = (visit.session, &mut visit.world);
    world.log.sessions.clear();
    assert_eq!(touch_after(world, session, 29_000), Ok(Done::Changed));
    assert_eq!(stored(world, session), None);
    assert_eq!(touch_after(world, session, 299_999), Ok(Done::Changed));
    assert_eq!(stored(world, session), Some(world.now));
    assert_eq!(touch_after(world, session, 300_000), ENDED);
}

#[test]
fn gives_the_activity_of_a_short_session_more_often() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    visit.world.policy.atm_session_idle_s = 10;
    let session = visit.world.in_machine(visit.card, visit.atm);
    let world = &mut visit.world;
    world.log.sessions.clear();
    assert_eq!(touch_after(world, session, 1_000), Ok(Done::Changed));
    assert_eq!(stored(world, session), None);
    assert_eq!(touch_after(world, session, 1), Ok(Done::Changed));
    assert_eq!(stored(world, session), Some(world.now));
}

#[test]
fn ends_online_after_half_an_hour_without_activity() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let session = visit.online;
    for _ in 0..20 {
        assert_eq!(touch_after(&mut visit.world, session, 1_799_999), Ok(Done::Changed));
    }
    assert_eq!(touch_after(&mut visit.world, session, 1_800_000), ENDED);
}

#[test]
fn ends_online_a_day_after_it_began_however_active() {
    let mut world = World::new();
    let customer = world.customer();
    for session in [world.online(customer), world.operator(Role::Clerk)] {
        let end = world.now.plus_s(86_400);
        while world.now.plus_s(1_200) < end {
            assert_eq!(touch_after(&mut world, session, 1_200_000), Ok(Done::Changed));
        }
        world.now = end.plus_ms(-1);
        assert_eq!(world.run(Touch { session }), Ok(Done::Changed));
        world.now = end;
        assert_eq!(world.run(Touch { session }), ENDED);
        world.now = end.plus_s(-86_400);
    }
}

#[test]
fn keeps_the_times_it_began_with() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    visit.world.policy.atm_session_idle_s = 60;
    let session = visit.session;
    assert_eq!(touch_after(&mut visit.world, session, 299_999), Ok(Done::Changed));
    let next = visit.world.in_machine(visit.card, visit.atm);
    assert_eq!(touch_after(&mut visit.world, next, 60_000), ENDED);
}

#[test]
fn counts_commands_and_refusals_to_keep_as_activity() {
    let wait = 200;
    let mut visit = Visit::new(Product::Savings, 500_00);
    let later = |visit: &mut Visit| visit.world.now = visit.world.now.plus_s(wait);
    later(&mut visit);
    receipt(visit.withdraw("50"));
    later(&mut visit);
    let deposit = visit.deposit("50");
    receipt(visit.world.run(deposit));
    later(&mut visit);
    let read = visit.read_balance();
    assert!(visit.world.run(read).is_ok());
    later(&mut visit);
    assert!(matches!(visit.withdraw("510"), Err(Refusal::OverTransactionLimit { .. })));
    later(&mut visit);
    assert_eq!(visit.withdraw("0.001"), Err(Refusal::InvalidAmount));
    later(&mut visit);
    assert_eq!(visit.withdraw("50"), ENDED, "nonsense is no activity");
}

#[test]
fn is_dead_after_log_out() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let operator = visit.world.operator(Role::Admin);
    for session in [visit.session, visit.online, operator] {
        let decision = visit.world.decide(LogOut { session });
        assert_eq!(decision.outcome, Ok(Done::Changed));
        let told = session.customer().map(|customer| (customer, EventKind::LoggedOut));
        assert_eq!(events(&decision), Vec::from_iter(told));
        assert_eq!(visit.world.run(LogOut { session }), ENDED);
        assert_eq!(visit.world.run(Touch { session }), ENDED);
    }
    assert_eq!(visit.withdraw("50"), ENDED);
}

#[test]
fn is_nothing_if_it_never_began() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let session = Session { id: visit.world.new_session().id, ..visit.online };
    assert_eq!(visit.world.run(Touch { session }), ENDED);
}

#[test]
fn forbids_money_to_staff() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    visit.online = visit.world.operator(Role::Admin);
    visit.session = visit.online;
    assert_eq!(visit.withdraw("50"), Err(Refusal::Forbidden));
    let read = visit.read_balance();
    assert_eq!(visit.world.run(read), Err(Refusal::Forbidden));
    let transfer = visit.transfer(visit.account, "1");
    assert_eq!(visit.world.run(transfer), Err(Refusal::Forbidden));
}
