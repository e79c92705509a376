use std::collections::BTreeSet;

use cashpoint_core::id::MachineId;
use cashpoint_core::terminal::Lane;
use cashpoint_core::time::Timestamp;
use expect_test::expect_file;
use proptest::prelude::*;

use super::envelope::{
    AnswerHead, EnvelopeError, Receipt, RequestHead, claimed_terminal, open_answer, open_request, sign_answer,
    sign_request,
};
use super::*;
use crate::journal::Head;
use crate::mirror::samples::{Source, place_of_reply, place_of_request};

const AT: Timestamp = Timestamp::from_micros(1_800_000_000_000_001);

fn terminal_key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn host_key() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

fn head() -> RequestHead {
    RequestHead {
        terminal: MachineId::parse("ATM901").unwrap(),
        lane: Lane::Online,
        number: 5,
        at: AT,
        head: Head { n: 12, mac: [3; 32] },
        known: Some(Head { n: 11, mac: [4; 32] }),
    }
}

fn log_in() -> Request {
    Source::plain().request(0)
}

const ANSWER_HEAD: AnswerHead = AnswerHead { at: AT, known: Some(Head { n: 12, mac: [3; 32] }) };

fn sent() -> (Vec<u8>, Receipt) {
    let (bytes, receipt) = sign_request(&terminal_key(), &head(), &log_in());
    (bytes.to_vec(), receipt)
}

#[test]
fn every_kind_of_message_has_a_stable_form() {
    let (mut requests, mut replies, mut lines) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for variant in 0..Source::REQUESTS {
        let request = Source::plain().request(variant);
        requests.insert(place_of_request(&request));
        lines.push(encode_request(&request).to_vec());
    }
    let declined = [
        Declined::Busy { retry_after_ms: 500 },
        Declined::NumberUsed { last: 7 },
        Declined::OtherJournal,
        Declined::Closed,
    ];
    let reply = |variant| {
        let reply = Source::plain().reply(variant);
        replies.insert(place_of_reply(&reply));
        Answer::Reply(reply)
    };
    let answers: Vec<Answer> = (0..Source::REPLIES).map(reply).chain(declined.map(Answer::Declined)).collect();
    lines.extend(answers.iter().map(|answer| encode_answer(answer).to_vec()));
    assert_eq!((requests.len(), replies.len()), (Source::REQUESTS, Source::REPLIES));
    let text: String = lines.into_iter().map(|line| String::from_utf8(line).unwrap() + "\n").collect();
    expect_file!["../../tests/vectors/link_bodies.jsonl"].assert_eq(&text);
}

#[test]
fn what_is_no_body_is_refused() {
    let good = r#"{"log_out":{"session":5}}"#;
    assert!(decode_request(good.as_bytes()).is_ok());
    for bad in [
        "",
        "{}",
        "null",
        "\"log_out\"",
        r#"{"log_out":{}}"#,
        r#"{"log_out":{"session":5,"more":1}}"#,
        r#"{"log_out":{"session":5,"session":5}}"#,
        r#"{"log_out":{"session":"5"}}"#,
        r#"{"log_out":{"session":5}} {}"#,
        r#"{"log_out":{"session":5},"balance":{"session":5,"account":1}}"#,
        r#"{"log_off":{"session":5}}"#,
        r#"{"log_in":{"pan":"12345","pin":"00000000000000000000000000000000"}}"#,
    ] {
        assert_eq!(decode_request(bad.as_bytes()), Err(NotABody), "{bad}");
    }
    assert!(decode_answer(br#"{"reply":"pin_changed"}"#).is_ok());
    assert_eq!(decode_answer(br#"{"reply":{"pin_changed":{}}}"#), Err(NotABody));
    // A field that only a newer host names is still a refusal.
    let unknown = decode_answer(br#"{"reply":{"refused":{"invalid_request":{"field":"color"}}}}"#).unwrap();
    assert!(format!("{unknown:?}").contains("\"request\""), "{unknown:?}");
}

#[test]
fn a_request_and_its_answer_get_across() {
    let (bytes, receipt) = sent();
    assert_eq!(claimed_terminal(&bytes), Ok(head().terminal));
    let received = open_request(&terminal_key().public(), &bytes).unwrap();
    assert_eq!((received.head, &received.request), (head(), &log_in()));
    assert_eq!(received.receipt, receipt);
    let answer = Answer::Reply(Source::plain().reply(0));
    let answered = sign_answer(&host_key(), &received.receipt, &ANSWER_HEAD, &answer);
    assert_eq!(open_answer(&host_key().public(), &receipt, &answered), Ok((ANSWER_HEAD, answer)));
}

#[test]
fn an_answer_belongs_to_one_request() {
    let (bytes, receipt) = sent();
    let answer = Answer::Reply(Source::plain().reply(1));
    let answered = sign_answer(&host_key(), &receipt, &ANSWER_HEAD, &answer);
    let others = [
        RequestHead { number: 6, ..head() },
        RequestHead { head: Head::ORIGIN, ..head() },
        RequestHead { lane: Lane::Advice, ..head() },
    ];
    for other in others {
        let (_, other) = sign_request(&terminal_key(), &other, &log_in());
        let opened = open_answer(&host_key().public(), &other, &answered);
        assert_eq!(opened, Err(EnvelopeError::OtherRequest));
    }
    let (_, elsewhere) = sign_request(
        &terminal_key(),
        &RequestHead { terminal: MachineId::parse("ATM902").unwrap(), ..head() },
        &log_in(),
    );
    assert_eq!(open_answer(&host_key().public(), &elsewhere, &answered), Err(EnvelopeError::OtherTerminal));
    assert_eq!(open_answer(&terminal_key().public(), &receipt, &answered), Err(EnvelopeError::Signature));
    assert_eq!(open_answer(&host_key().public(), &receipt, &bytes), Err(EnvelopeError::Signature));
    // A request is no answer though the same key signed it.
    let own = sign_request(&host_key(), &head(), &log_in()).0;
    assert_eq!(open_answer(&host_key().public(), &receipt, &own), Err(EnvelopeError::Signature));
}

#[test]
fn every_flipped_bit_shows() {
    let (bytes, receipt) = sent();
    let answered = sign_answer(&host_key(), &receipt, &ANSWER_HEAD, &Answer::Reply(Source::plain().reply(8)));
    for (message, open) in [
        (
            &bytes[..],
            &(|bytes: &[u8]| open_request(&terminal_key().public(), bytes).is_err()) as &dyn Fn(&[u8]) -> bool,
        ),
        (&answered[..], &|bytes: &[u8]| open_answer(&host_key().public(), &receipt, bytes).is_err()),
    ] {
        assert!(!open(message));
        for at in 0..message.len() {
            let mut changed = message.to_vec();
            changed[at] ^= 1 << (at % 8);
            assert!(open(&changed), "byte {at}: {}", String::from_utf8_lossy(&changed));
            // Letters whose case would not matter to somebody less strict.
            changed[at] = message[at] ^ 0x20;
            assert!(open(&changed), "byte {at}: {}", String::from_utf8_lossy(&changed));
        }
        for cut in 0..message.len() {
            assert!(open(&message[..cut]) && open(&[&message[..cut], b" ", &message[cut..]].concat()), "byte {cut}");
        }
    }
}

#[test]
fn what_is_signed_may_still_be_no_message() {
    let sign = |message: &str| {
        let terminal = MachineId::parse("ATM901").unwrap();
        let signature = terminal_key().sign("cashpoint terminal request 1\n", message.as_bytes());
        frame::Frame::write(&terminal, &signature, message.as_bytes())
    };
    let open = |message: &str| open_request(&terminal_key().public(), &sign(message)).map(drop);
    let bytes = sent().0;
    let text = String::from_utf8(bytes).unwrap();
    let good = text.split_once("\"message\":").unwrap().1.strip_suffix('}').unwrap();
    assert_eq!(open(good), Ok(()));
    assert_eq!(open(&good.replace("ATM901", "ATM902")), Err(EnvelopeError::OtherTerminal));
    for (what, by) in [
        ("\"v\":1", "\"v\":2"),
        ("\"number\":5", "\"number\":-5"),
        ("\"lane\":\"online\",", ""),
        ("online", "offline"),
        ("\"known\"", "\"more\":1,\"known\""),
    ] {
        assert_eq!(open(&good.replacen(what, by, 1)), Err(EnvelopeError::Message), "{by}");
    }
    assert_eq!(open(""), Err(EnvelopeError::Message));
    assert_eq!(open_request(&terminal_key().public(), b"{}"), Err(EnvelopeError::Frame));
}

#[test]
fn card_numbers_and_pin_blocks_are_not_shown() {
    let Request::LogIn { pan, pin } = log_in() else { panic!("the first request is a log-in") };
    let (bytes, receipt) = sent();
    let received = open_request(&terminal_key().public(), &bytes).unwrap();
    let shown = format!("{received:?} {receipt:?} {:?} {:?}", terminal_key().public(), decode_request(b"x"));
    assert!(!shown.contains(pan.expose()), "{shown}");
    let block: String = pin.0.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!shown.to_lowercase().contains(&block), "{shown}");
    assert!(shown.contains("PinBlock(…)"), "{shown}");
}

#[test]
fn keys_that_prove_nothing_are_refused() {
    // The identity and a point of order 8: anybody can sign for them.
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(PublicKey::from_bytes(&identity), Err(NotAKey));
    assert_eq!(PublicKey::from_bytes(&[0; 32]), Err(NotAKey));
    let key = terminal_key().public();
    assert_eq!(PublicKey::from_bytes(&key.to_bytes()), Ok(key));
}

#[test]
fn a_terminal_knows_what_a_declined_message_means() {
    assert_eq!(Declined::Busy { retry_after_ms: 1 }.failure(), LinkFailure::Busy);
    for declined in [Declined::NumberUsed { last: 1 }, Declined::OtherJournal, Declined::Closed] {
        assert_eq!(declined.failure(), LinkFailure::Rejected);
    }
}

proptest! {
    #[test]
    fn every_message_comes_back_as_it_was(seed in any::<u64>(), variant in 0..Source::REPLIES.max(Source::REQUESTS)) {
        let request = Source::chance(seed).request(variant);
        prop_assert_eq!(decode_request(&encode_request(&request)), Ok(request));
        let answer = Answer::Reply(Source::chance(seed).reply(variant));
        prop_assert_eq!(decode_answer(&encode_answer(&answer)), Ok(answer));
    }
}
