use crate::account::Product;
use crate::command::{LogOut, Touch};
use crate::event::EventKind;
use crate::outcome::{Done, Outcome, Refusal};
use crate::session::{Role, Session};

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
