//! What a terminal and its host say to each other: bodies, signed messages, enrolment.
//!
//! What holds: what is read is written so that it is read back as the same; it gets across signed, and not with a byte
//! changed; nothing is believed that was not signed; and neither card numbers nor PIN blocks show themselves.

use cashpoint_core::id::MachineId;
use cashpoint_core::terminal::Lane;
use cashpoint_core::terminal::link::Request;
use cashpoint_core::time::Timestamp;
use cashpoint_wire::journal::Head;
use cashpoint_wire::link::enrolment::{self, EnrolmentSecret};
use cashpoint_wire::link::envelope::{
    AnswerHead, RequestHead, claimed_terminal, open_answer, open_request, sign_answer, sign_request,
};
use cashpoint_wire::link::{SigningKey, decode_answer, decode_request, encode_answer, encode_request};

use crate::Target;

/// See the module.
pub(crate) const TARGET: Target = Target {
    name: "link",
    check,
    finish: || {},
    dictionary: &[
        "{\"terminal\":\"",
        "\",\"signature\":\"",
        "\",\"message\":",
        "{\"v\":1,",
        "\"log_in\":{",
        "\"pan\":\"",
        "\"pin\":\"",
        "\"advice\":{",
        "\"evidence\":",
        "\"reply\":",
        "\"refused\":",
        "\"declined\":",
        "\"news\":{",
        "\"hot_list\":",
        "null",
        "-1",
        "18446744073709551615",
        "\"0.00 EUR\"",
        "\"-92233720368547758.08 USD\"",
    ],
};

fn check(bytes: &[u8]) {
    let (terminal, host) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
    let head = RequestHead {
        terminal: MachineId::parse("ATM901").expect("it is an id"),
        lane: Lane::Online,
        number: 1,
        at: Timestamp::EPOCH,
        head: Head::ORIGIN,
        known: None,
    };
    let (_, receipt) =
        sign_request(&terminal, &head, &Request::LogOut { session: cashpoint_core::id::SessionId::new(1) });
    assert!(claimed_terminal(bytes).is_ok() || open_request(&terminal.public(), bytes).is_err());
    assert!(open_request(&host.public(), bytes).is_err(), "nobody signed that");
    assert!(open_answer(&host.public(), &receipt, bytes).is_err(), "nobody signed that");
    let secret = EnrolmentSecret::new([3; 32]);
    assert!(enrolment::claimed_terminal(bytes).is_ok() || enrolment::open_request(&secret, bytes).is_err());
    if let Ok(request) = decode_request(bytes) {
        let body = encode_request(&request);
        assert_eq!(decode_request(&body).as_ref(), Ok(&request));
        let (signed, receipt) = sign_request(&terminal, &head, &request);
        let received = open_request(&terminal.public(), &signed).expect("it was signed");
        assert_eq!((&received.request, received.receipt), (&request, receipt));
        changed(bytes, &signed, |bytes| open_request(&terminal.public(), bytes).is_err());
        hidden(&request, &format!("{received:?}"));
    }
    if let Ok(answer) = decode_answer(bytes) {
        assert_eq!(decode_answer(&encode_answer(&answer)).as_ref(), Ok(&answer));
        let signed = sign_answer(&host, &receipt, &AnswerHead { at: Timestamp::EPOCH, known: None }, &answer);
        assert_eq!(open_answer(&host.public(), &receipt, &signed).map(|(_, answer)| answer), Ok(answer));
        changed(bytes, &signed, |bytes| open_answer(&host.public(), &receipt, bytes).is_err());
    }
}

/// One byte changed, at a place that the input chooses, shows.
fn changed(bytes: &[u8], signed: &[u8], refused: impl Fn(&[u8]) -> bool) {
    let place = bytes.iter().fold(0usize, |place, byte| place.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let mut other = signed.to_vec();
    let (at, bit) = (place % other.len(), place / other.len() % 8);
    other[at] ^= 1 << bit;
    assert!(refused(&other), "byte {at} was changed");
}

fn hidden(request: &Request, shown: &str) {
    if let Request::LogIn { pan, .. } | Request::ChangePin { pan, .. } = request {
        assert!(!shown.contains(pan.expose()), "a card number shows itself");
        assert!(shown.contains("PinBlock(…)"), "a PIN block does not hide itself");
    }
}
