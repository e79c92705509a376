//! Names of things, and secrets that have a form: account numbers, ids, currencies, card numbers, PINs, tokens.
//!
//! What holds: a text is taken exactly if it has the form that the interface documents, which is written down here a
//! second time; what was taken shows itself as it was read; and no secret shows itself at all.

use std::fmt::{Debug, Display};

use cashpoint_bank::desk::EntryKind;
use cashpoint_bank::secret::{Pan, Password, Pin};
use cashpoint_bank::tokens::{ChannelSecret, Token};
use cashpoint_core::account::Product;
use cashpoint_core::currency::Currency;
use cashpoint_core::event::EventKind;
use cashpoint_core::id::{AccountNumber, CardId, CaseId, CustomerId, MachineId, OperatorId, SessionId, TransferId};
use cashpoint_core::ledger::{LedgerAccount, TransferKind};
use cashpoint_core::machine::MachineKind;
use cashpoint_core::notification::{ChannelName, Wish};
use cashpoint_core::session::Role;

use crate::Target;

/// See the module.
pub(crate) const TARGET: Target = Target {
    name: "identifiers",
    check,
    finish: || {},
    dictionary: &[
        "atm:",
        "bank:",
        "counter:",
        ":cash:",
        ":in_flight:",
        "vault:",
        "over_short:",
        "USD",
        "JPY",
        "KWD",
        "cps_",
        "cpc_",
        "18446744073709551615",
        "9223372036854775808",
        "٣",
        "terminal",
        "counter",
        "checking",
        "savings",
        "all",
        "none",
        "withdrawal,",
        "opening",
        "admin",
        "-",
    ],
};

fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    numbers(text);
    places(text);
    secrets(text);
    names(text);
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A text is taken exactly if something `shown` is expected of it, and then shows itself so.
fn taken<T: Display, E: Debug>(read: Result<T, E>, shown: Option<&str>) {
    match (read, shown) {
        (Ok(value), Some(shown)) => assert_eq!(value.to_string(), shown),
        (Ok(value), None) => panic!("{value} was taken"),
        (Err(error), Some(shown)) => panic!("{shown:?} was refused: {error:?}"),
        (Err(_), None) => {}
    }
}

fn numbers(text: &str) {
    let digits = is_digits(text);
    let form = digits && (5..=19).contains(&text.len());
    // A number that begins with zero has the form, and belongs to nobody.
    let nobodys = AccountNumber::new(u64::MAX).to_string();
    let shown = if text.starts_with('0') { &nobodys } else { text };
    taken(AccountNumber::parse(text), form.then_some(shown));

    let most = i64::MAX.to_string();
    let fits = text.len() < most.len() || text.len() == most.len() && text <= most.as_str();
    let form = digits && !text.starts_with('0') && fits;
    taken(CustomerId::parse(text), form.then_some(text));
    taken(CardId::parse(text), form.then_some(text));
    taken(SessionId::parse(text), form.then_some(text));
    taken(OperatorId::parse(text), form.then_some(text));
    taken(CaseId::parse(text), form.then_some(text));

    let parts: Vec<_> = text.split('-').map(str::len).collect();
    let form = parts == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    taken(TransferId::parse(text), form.then_some(&text.to_ascii_lowercase()));
}

fn places(text: &str) {
    let form = (1..=31).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
    taken(MachineId::parse(text), form.then_some(text));
    let form = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase());
    taken(ChannelName::parse(text), form.then_some(text));

    let currency = Currency::from_code(text);
    assert_eq!(currency.is_some(), Currency::all().any(|known| known.code() == text), "{text:?}");
    assert!(currency.is_none_or(|known| known.code() == text && known.decimals() <= 4));

    // Whatever an account's id is made of must be good for itself.
    if let Ok(account) = LedgerAccount::parse(text) {
        match account {
            LedgerAccount::Customer(number) => assert_eq!(AccountNumber::parse(text), Ok(number)),
            LedgerAccount::AtmCash(machine, currency)
            | LedgerAccount::AtmInFlight(machine, currency)
            | LedgerAccount::Counter(machine, currency) => {
                assert_eq!(account.to_string(), text);
                assert!(text.contains(machine.as_str()) && text.ends_with(currency.code()));
            }
            LedgerAccount::Bank(_, currency) => {
                assert_eq!(account.to_string(), text);
                assert!(text.ends_with(currency.code()));
            }
        }
    }
}

fn secrets(text: &str) {
    let digits = is_digits(text);
    let pan = Pan::parse(text);
    assert_eq!(pan.is_ok(), digits && (12..=19).contains(&text.len()), "{text:?}");
    if let Ok(pan) = pan {
        assert_eq!(pan.expose(), text);
        assert_eq!(format!("{pan:?}"), format!("****{}", &text[text.len() - 4..]));
        assert!(!pan.is_published_test_number() || pan.luhn_ok());
    }
    let pin = Pin::parse(text);
    assert_eq!(pin.is_ok(), digits && (4..=12).contains(&text.len()), "{text:?}");
    if let Ok(pin) = pin {
        assert_eq!((pin.expose(), format!("{pin:?}").as_str()), (text, "****"));
    }
    assert_eq!(Password::attempt(text).is_ok(), text.len() <= Password::LONGEST);
    let chosen = Password::choose(text);
    assert_eq!(chosen.is_ok(), (Password::SHORTEST..=Password::LONGEST).contains(&text.len()));
    if let Ok(password) = chosen {
        assert_eq!((password.expose(), format!("{password:?}").as_str()), (text, "****"));
    }
    if let Ok(token) = Token::parse(text) {
        assert!(is_bearer(text, "cps_") && token.expose() == text);
        assert_eq!(format!("{token:?}"), "cps_****");
        assert!(ChannelSecret::parse(text).is_err(), "a token is no channel's secret");
    }
    if let Ok(secret) = ChannelSecret::parse(text) {
        assert!(is_bearer(text, "cpc_") && secret.expose() == text);
        assert_eq!(format!("{secret:?}"), "cpc_****");
    }
}

/// The prefix and 43 characters of URL-safe base64.
fn is_bearer(text: &str, prefix: &str) -> bool {
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 43 && rest.bytes().all(base64))
}

fn names(text: &str) {
    let same = |name: Option<&str>| assert!(name.is_none_or(|name| name == text), "{text:?} is not {name:?}");
    same(TransferKind::parse(text).ok().map(TransferKind::name));
    same(EventKind::parse(text).ok().map(EventKind::name));
    same(EntryKind::parse(text).ok().map(EntryKind::name));
    same(MachineKind::parse(text).ok().map(MachineKind::name));
    same(Product::parse(text).ok().map(Product::name));
    same(Role::parse(text).ok().map(Role::name));
    if let Ok(wish) = Wish::parse(text) {
        assert_eq!(Wish::parse(&wish.to_text()), Ok(wish), "{text:?}");
    }
}
