//! The bodies of every request, and the two that are open: policy values and wishes.
//!
//! What holds: what is taken is an object with none but the documented fields, at every depth, each once; bounds on
//! lengths hold; and no secret shows itself in `Debug`.

use std::fmt::Debug;

use cashpoint_wire::request::card::{CardBody, CardReport, PinChange};
use cashpoint_wire::request::cash::{CashRequest, TransferRequest};
use cashpoint_wire::request::customer::{AccountRequest, CustomerPatch, NewCustomerBody, PasswordChange, SignUpBody};
use cashpoint_wire::request::machine::{CounterBody, MachineBody, MachinePatch, ReplenishmentBody};
use cashpoint_wire::request::session::{LogInRequest, OnlineLogIn, OperatorLogIn};
use cashpoint_wire::request::{Body, notification, policy};
use cashpoint_wire::teller::TellerRequest;
use serde_json::Value as Json;

use super::json::{DICTIONARY, short};
use crate::Target;

/// See the module.
pub(crate) const TARGET: Target = Target { name: "bodies", check, finish: || {}, dictionary: DICTIONARY };

/// Longest line for people, in characters.
const LINE: usize = 200;

fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let own: Option<Json> = serde_json::from_str(text).ok();
    let own = own.as_ref();
    money(text, own);
    people(text, own);
    cards(text, own);
    machines(text, own);
    open(text, own);
}

/// Reads a body; what is taken has only fields that are documented.
fn taken<B: Body + Debug>(text: &str, own: Option<&Json>) -> Option<B> {
    match B::parse(text) {
        Ok(body) => {
            assert!(has_only(own, B::FIELDS), "{text:?} was taken as {body:?}");
            Some(body)
        }
        Err(complaint) => {
            short(&complaint);
            None
        }
    }
}

/// Whether it is an object of these fields. A body that was taken, every text of it read, is JSON for any reader.
fn has_only(own: Option<&Json>, fields: &[&str]) -> bool {
    own.and_then(Json::as_object).is_some_and(|own| own.keys().all(|name| fields.contains(&name.as_str())))
}

/// Whether it is a list of 1 to `most` objects of these fields.
fn all_have_only(own: Option<&Json>, most: usize, fields: &[&str]) -> bool {
    let elements = own.and_then(Json::as_array);
    elements.is_some_and(|list| (1..=most).contains(&list.len()) && list.iter().all(|one| has_only(Some(one), fields)))
}

fn money(text: &str, own: Option<&Json>) {
    if let Some(cash) = taken::<CashRequest>(text, own) {
        assert!(!cash.amount.is_zero());
    }
    if let Some(transfer) = taken::<TransferRequest>(text, own) {
        assert!(!transfer.amount.is_zero());
    }
    if let Some(teller) = taken::<TellerRequest>(text, own) {
        assert!(!teller.amount.is_zero());
    }
}

fn people(text: &str, own: Option<&Json>) {
    let at = |name: &str| own.and_then(|own| own.get(name));
    let fits = |line: &str, most: usize| {
        (1..=most).contains(&line.chars().count()) && !line.chars().any(char::is_control) && !line.trim().is_empty()
    };
    if let Some(body) = taken::<SignUpBody>(text, own) {
        assert!(has_only(at("account"), AccountRequest::FIELDS));
        assert!(fits(&body.name, LINE) && fits(&body.email, 254) && body.email.contains('@'));
        hidden(&body, at("password"));
    }
    if let Some(body) = taken::<NewCustomerBody>(text, own) {
        assert!(all_have_only(at("accounts"), 100, &["type", "currency", "opening_balance"]));
        assert!(fits(&body.name, LINE) && body.email.is_none_or(|email| fits(&email, 254)));
        assert!(body.phone.is_none_or(|phone| fits(&phone, 32) && phone.is_ascii()));
    }
    if let Some(body) = taken::<CustomerPatch>(text, own) {
        assert!(body.name.is_none_or(|name| fits(&name, LINE)) && body.email.is_none_or(|email| fits(&email, 254)));
        assert!(body.address.flatten().is_none_or(|address| address.chars().count() <= 2 * LINE));
    }
    taken::<AccountRequest>(text, own);
    if let Some(body) = taken::<PasswordChange>(text, own) {
        assert_eq!(format!("{body:?}"), "PasswordChange { old: ****, new: **** }");
    }
    match taken::<LogInRequest>(text, own) {
        Some(LogInRequest::Card { .. }) => assert!(has_only(own, &["card_number", "pin", "atm_id"])),
        Some(LogInRequest::Online(OnlineLogIn { email, .. })) => {
            assert!(has_only(own, &["email", "password", "totp"]) && fits(&email, 254));
        }
        None => {}
    }
    if let Some(body) = taken::<OperatorLogIn>(text, own) {
        hidden(&body, at("password"));
    }
}

/// A secret of some length that stands nowhere else in the body is not shown with it.
fn hidden(body: &impl Debug, secret: Option<&Json>) {
    let shown = format!("{body:?}");
    assert!(shown.contains("password: ****"), "{shown}");
    let secret = secret.and_then(Json::as_str).unwrap_or_default();
    let elsewhere = shown.matches(secret).count();
    assert!(secret.len() < 8 || shown.len() < 120 || elsewhere <= 3, "{shown}");
}

fn cards(text: &str, own: Option<&Json>) {
    if let Some(body) = taken::<CardBody>(text, own) {
        assert!((1..=100).contains(&body.accounts.len()));
        let masked = |secret: Option<String>| secret.is_none_or(|shown| shown == "****");
        assert!(masked(body.number.map(|own| format!("{own:?}"))) && masked(body.pin.map(|own| format!("{own:?}"))));
    }
    if let Some(body) = taken::<PinChange>(text, own) {
        assert_eq!(format!("{body:?}"), "PinChange { old: ****, new: **** }");
    }
    taken::<CardReport>(text, own);
}

fn machines(text: &str, own: Option<&Json>) {
    let cassettes = own.and_then(|own| own.get("cassettes"));
    if let Some(body) = taken::<MachineBody>(text, own) {
        assert!(all_have_only(cassettes, 32, &["denomination", "currency", "count"]));
        assert!(body.cassettes.iter().all(|cassette| !cassette.denomination.is_zero()));
    }
    if taken::<ReplenishmentBody>(text, own).is_some() {
        assert!(all_have_only(cassettes, 32, &["denomination", "counted_out", "counted_in"]));
    }
    taken::<CounterBody>(text, own);
    taken::<MachinePatch>(text, own);
}

/// Bodies whose fields are other people's names: all of them arrive, each once.
fn open(text: &str, own: Option<&Json>) {
    let sent = own.and_then(Json::as_object);
    let all_there = |names: &[&String]| {
        sent.is_none_or(|sent| sent.len() == names.len() && names.iter().all(|name| sent.contains_key(name.as_str())))
    };
    match policy::read(text) {
        Ok(values) => {
            assert!(!values.is_empty() && all_there(&values.iter().map(|(name, _)| name).collect::<Vec<_>>()));
        }
        Err(complaint) => short(&complaint),
    }
    match notification::read(text) {
        Ok(wishes) => assert!(all_there(&wishes.iter().map(|(name, _)| name).collect::<Vec<_>>())),
        Err(complaint) => short(&complaint),
    }
}
