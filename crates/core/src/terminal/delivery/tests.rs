use super::*;
use crate::terminal::link::AdviceKind;
use crate::terminal::samples::*;

fn kept(id: u128) -> Record {
    Record::Advice(advice(id, AdviceKind::CardRetained { card: None }))
}

fn acknowledged() -> Result<Reply, LinkFailure> {
    Ok(Reply::Acknowledged(Box::new(Acknowledgement { case: None, declined: None, lease: None })))
}

fn two_waiting() -> (Journal, Delivery) {
    let mut journal = Journal::usual();
    journal.write(kept(20));
    journal.write(kept(10));
    (journal, Delivery::default())
}

#[track_caller]
fn sends(delivery: &mut Delivery, journal: &Journal) -> u128 {
    match delivery.next(&journal.book) {
        Next::Send(advice) => advice.id.0,
        next @ (Next::UnderWay | Next::Waiting | Next::Nothing) => panic!("{next:?}"),
    }
}

#[test]
fn sends_one_at_a_time_in_the_journals_order() {
    let (mut journal, mut delivery) = two_waiting();
    for id in [20, 10] {
        assert_eq!(sends(&mut delivery, &journal), id);
        assert_eq!(delivery.next(&journal.book), Next::UnderWay);
        let Answered::Delivered { record, .. } = delivery.answered(acknowledged()) else { panic!("it has it") };
        assert_eq!(record, Record::Acknowledged { id: OperationId(id) });
        journal.write(record);
    }
    assert_eq!(delivery.next(&journal.book), Next::Nothing);
    assert_eq!(delivery.answered(acknowledged()), Answered::Stray);
}

#[test]
fn sends_the_same_again_until_it_is_written_down_as_delivered() {
    let (journal, mut delivery) = two_waiting();
    assert_eq!(sends(&mut delivery, &journal), 20);
    let _unwritten = delivery.answered(acknowledged());
    assert_eq!(sends(&mut delivery, &journal), 20);
}

#[test]
fn waits_twice_as_long_each_time_up_to_a_minute() {
    let (journal, mut delivery) = two_waiting();
    let failures = [LinkFailure::Unreachable, LinkFailure::TimedOut, LinkFailure::Busy];
    let waits = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
    for (wait_ms, failure) in waits.into_iter().zip(failures.into_iter().cycle()) {
        assert_eq!(sends(&mut delivery, &journal), 20);
        assert_eq!(delivery.answered(Err(failure)), Answered::Retry { wait_ms, alarm: None });
        assert_eq!(delivery.next(&journal.book), Next::Waiting);
        delivery.wait_is_over();
    }
    delivery.host_is_there();
    assert_eq!(sends(&mut delivery, &journal), 20);
    let again = delivery.answered(Err(LinkFailure::TimedOut));
    assert_eq!(again, Answered::Retry { wait_ms: 1_000, alarm: None }, "the host was there");
    delivery.host_is_there();
    assert_eq!(sends(&mut delivery, &journal), 20, "and is: nothing is waited for");
}

#[test]
fn an_ended_wait_does_not_let_a_second_one_go() {
    let (journal, mut delivery) = two_waiting();
    assert_eq!(sends(&mut delivery, &journal), 20);
    delivery.wait_is_over();
    delivery.host_is_there();
    assert_eq!(delivery.next(&journal.book), Next::UnderWay);
}

#[test]
fn a_refusal_is_for_good_unless_it_passes_by_itself() {
    let passing = [Refusal::TooManyRequests { retry_after_s: 1 }, Refusal::Moved, Refusal::NumberTaken];
    for refusal in passing {
        let (journal, mut delivery) = two_waiting();
        assert_eq!(sends(&mut delivery, &journal), 20);
        let answered = delivery.answered(Ok(Reply::Refused(refusal)));
        assert_eq!(answered, Answered::Retry { wait_ms: 1_000, alarm: None });
    }
    for refusal in [Refusal::IdempotencyKeyReused, Refusal::TransactionNotFound, Refusal::Forbidden] {
        let (mut journal, mut delivery) = two_waiting();
        assert_eq!(sends(&mut delivery, &journal), 20);
        let code = refusal.code().to_owned();
        let Answered::Escalated { record, alarm } = delivery.answered(Ok(Reply::Refused(refusal))) else {
            panic!("it is for good")
        };
        assert_eq!(record, Record::Escalated { id: OperationId(20), code: code.clone() });
        assert_eq!(alarm, Alarm::AdviceRefused { code });
        journal.write(record);
        assert_eq!(sends(&mut delivery, &journal), 10);
    }
}

#[test]
fn a_host_that_does_not_accept_is_tried_slowly_and_staff_hear_it_once() {
    let (journal, mut delivery) = two_waiting();
    let wait_ms = LONGEST_WAIT_MS;
    for answer in [Err(LinkFailure::Rejected), Ok(Reply::LoggedOut), Ok(Reply::News(Box::default()))] {
        let first = delivery == Delivery::default();
        assert_eq!(sends(&mut delivery, &journal), 20);
        let alarm = first.then_some(Alarm::NotAccepted);
        assert_eq!(delivery.answered(answer), Answered::Retry { wait_ms, alarm });
        delivery.host_is_there();
        assert_eq!(delivery.next(&journal.book), Next::Waiting);
        delivery.wait_is_over();
    }
    assert_eq!(sends(&mut delivery, &journal), 20);
    let Answered::Delivered { .. } = delivery.answered(acknowledged()) else { panic!("it has it") };
    assert_eq!(delivery, Delivery::default());
}
