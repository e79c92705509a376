use crate::change::Change;
use crate::command::{ChangePassword, LogInOnline, LogInOperator, Match, PasswordCheck, Touch};
use crate::customer::PasswordHash;
use crate::event::{AuditKind, EventKind};
use crate::id::{CustomerId, OperatorId};
use crate::outcome::{Done, Refusal};
use crate::session::{Role, Session, Subject};

use super::super::world::{World, email_of, index};
use super::{audits, code, events, session};

fn check(of: CustomerId, matched: Match) -> Option<PasswordCheck<CustomerId>> {
    Some(PasswordCheck { of, version: 1, matched })
}

fn log_in(world: &World, customer: CustomerId, matched: Match) -> LogInOnline {
    LogInOnline { identity: email_of(customer), check: check(customer, matched), session: world.new_session() }
}

fn change(session: Session, customer: CustomerId, version: u32, matched: Match) -> ChangePassword {
    let password = PasswordHash { version: 0, phc: "$argon2id$new".to_owned() };
    let check = PasswordCheck { of: customer, version, matched };
    ChangePassword { session, identity: email_of(customer), check, password }
}

#[test]
fn begins_an_online_session() {
    let mut world = World::new();
    let customer = world.customer();
    let command = log_in(&world, customer, Match::Same);
    let decision = world.decide(command);
    assert_eq!(events(&decision), [(customer, EventKind::LoggedIn)]);
    let begun = session(decision.outcome);
    assert_eq!(begun.subject, Subject::Online { customer });
    assert_eq!((begun.idle_s, begun.ends), (1_800, Some(world.now.plus_s(86_400))));
    let again = log_in(&world, customer, Match::Same);
    let second = session(world.run(again));
    for session in [begun, second] {
        assert_eq!(world.run(Touch { session }), Ok(Done::Changed), "several may live");
    }
}

#[test]
fn answers_an_unknown_address_like_a_wrong_password() {
    let mut world = World::new();
    let customer = world.customer();
    let wrong = log_in(&world, customer, Match::Different);
    let wrong = world.decide(wrong);
    let unknown = LogInOnline { identity: index(77), check: None, session: world.new_session() };
    let unknown = world.decide(unknown);
    assert_eq!(wrong.outcome, Err(Refusal::WrongCredentials));
    assert_eq!(wrong.outcome, unknown.outcome);
    assert_eq!(audits(&wrong), [AuditKind::OnlineLogInFailed]);
    assert_eq!(audits(&unknown), audits(&wrong));
    assert_eq!(events(&wrong), []);
}

#[test]
fn throttles_tries_by_identity_known_or_not() {
    let mut world = World::new();
    let customer = world.customer();
    let other = world.customer();
    for check in [check(customer, Match::Different), None, check(customer, Match::Same)] {
        let identity = index(world.number());
        let attempt = |world: &World| LogInOnline { identity, check, session: world.new_session() };
        for _ in 0..10 {
            let command = attempt(&world);
            assert_ne!(code(&world.run(command)), "too_many_requests");
        }
        let command = attempt(&world);
        let decision = world.decide(command);
        assert_eq!(decision.outcome, Err(Refusal::TooManyRequests { retry_after_s: 6 }));
        assert_eq!(audits(&decision), [AuditKind::LogInThrottled]);
        let command = log_in(&world, other, Match::Same);
        session(world.run(command));
        world.now = world.now.plus_s(6);
        let command = attempt(&world);
        assert_ne!(code(&world.run(command)), "too_many_requests", "one more after six seconds");
    }
}

#[test]
fn starts_over_when_the_password_has_moved() {
    let mut world = World::new();
    let customer = world.customer();
    for matched in [Match::Same, Match::Different] {
        let check = Some(PasswordCheck { of: customer, version: 7, matched });
        let command = LogInOnline { identity: email_of(customer), check, session: world.new_session() };
        let decision = world.decide(command);
        assert_eq!(decision.outcome, Err(Refusal::Moved));
        assert_eq!(decision.changes, Vec::<Change>::new());
    }
}

#[test]
fn lets_staff_in_and_remembers_it() {
    let mut world = World::new();
    let of = (OperatorId::new(9), Role::Custodian);
    let attempt = |world: &World, check| LogInOperator { identity: index(5), check, session: world.new_session() };
    let wrong = attempt(&world, Some(PasswordCheck { of, version: 1, matched: Match::Different }));
    let decision = world.decide(wrong);
    assert_eq!(decision.outcome, Err(Refusal::WrongCredentials));
    assert_eq!(audits(&decision), [AuditKind::OperatorLogInFailed]);
    let unknown = attempt(&world, None);
    assert_eq!(world.decide(unknown).outcome, decision.outcome);
    let right = attempt(&world, Some(PasswordCheck { of, version: 3, matched: Match::Same }));
    let decision = world.decide(right);
    assert_eq!(audits(&decision), [AuditKind::OperatorLoggedIn]);
    assert_eq!(events(&decision), []);
    let session = session(decision.outcome);
    assert_eq!(session.subject, Subject::Operator { operator: of.0, role: of.1 });
    assert_eq!(world.run(Touch { session }), Ok(Done::Changed));
    for _ in 0..7 {
        let command = attempt(&world, None);
        assert_eq!(world.run(command), Err(Refusal::WrongCredentials));
    }
    let command = attempt(&world, None);
    assert_eq!(world.run(command), Err(Refusal::TooManyRequests { retry_after_s: 6 }));
}

#[test]
fn ends_the_other_sessions_with_a_new_password() {
    let mut world = World::new();
    let customer = world.customer();
    let neighbour = world.customer();
    let (mine, other, theirs) = (world.online(customer), world.online(customer), world.online(neighbour));
    let decision = world.decide(change(mine, customer, 1, Match::Same));
    assert_eq!(decision.outcome, Ok(Done::Changed));
    assert_eq!(events(&decision), [(customer, EventKind::PasswordChanged)]);
    assert_eq!(audits(&decision), [AuditKind::PasswordChanged]);
    assert_eq!(world.log.passwords[&customer], PasswordHash { version: 2, phc: "$argon2id$new".to_owned() });
    assert_eq!(world.run(Touch { session: mine }), Ok(Done::Changed));
    assert_eq!(world.run(Touch { session: theirs }), Ok(Done::Changed));
    assert_eq!(world.run(Touch { session: other }), Err(Refusal::SessionExpired));
    let old = log_in(&world, customer, Match::Same);
    assert_eq!(world.run(old), Err(Refusal::Moved), "what matched is no longer the password");
    let check = Some(PasswordCheck { of: customer, version: 2, matched: Match::Same });
    let session_of_new = LogInOnline { identity: email_of(customer), check, session: world.new_session() };
    let next = session(world.run(session_of_new));
    assert_eq!(world.run(Touch { session: next }), Ok(Done::Changed));
}

#[test]
fn changes_no_password_without_the_old_one() {
    let mut world = World::new();
    let customer = world.customer();
    let mine = world.online(customer);
    let decision = world.decide(change(mine, customer, 1, Match::Different));
    assert_eq!(decision.outcome, Err(Refusal::WrongCredentials));
    assert_eq!(audits(&decision), [AuditKind::OnlineLogInFailed]);
    assert_eq!(world.run(change(mine, customer, 2, Match::Same)), Err(Refusal::Moved));
    assert_eq!(world.facts.customers.at(&customer).password_version, 1);
    for _ in 0..9 {
        let command = log_in(&world, customer, Match::Different);
        assert_eq!(world.run(command), Err(Refusal::WrongCredentials));
    }
    let throttled = world.run(change(mine, customer, 1, Match::Same));
    assert_eq!(code(&throttled), "too_many_requests", "tries are one count with those at log-in");
}
