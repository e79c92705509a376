//! Dispense tokens: the host's leave, for one nonce of a dispenser and up to an amount (XFS4IoT, end-to-end security).
//!
//! The host makes them, the dispenser checks them; the terminal in between only carries the text. When a nonce is fetched or
//! forgotten is the device's matter, how much a host grants is the host's.

use std::collections::BTreeMap;

use cashpoint_core::currency::Currency;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::{DispenseId, DispenseToken};
use zeroize::Zeroizing;

use crate::token_text::{Frame, Writer, amount_text, read_amount};
pub use crate::token_text::{TokenError, TokenNonce};

/// The key of the host's tokens (`XFSAuthenticateHost`). Wiped when dropped, never shown.
#[derive(Clone)]
pub struct HostTokenKey(Zeroizing<[u8; 32]>);

/// What a token that was made with the key says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The dispenser's nonce that it is for.
    pub nonce: TokenNonce,
    /// Most that may be dispensed, each in another currency; at least one.
    pub amounts: Vec<Amount>,
    /// How the device names dispenses under it.
    pub id: DispenseId,
}

/// What a dispenser knows when a token comes.
#[derive(Clone, Copy)]
pub struct Guard<'a> {
    /// Its key, if it was loaded.
    pub key: Option<&'a HostTokenKey>,
    /// The nonce that it gave out last and still holds.
    pub nonce: Option<&'a TokenNonce>,
    /// What is left of the first token that came with this nonce, if one did.
    pub used: Option<&'a Used>,
}

/// A token in use: all that a device has to keep of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Used {
    /// Which token.
    pub id: DispenseId,
    /// What it still grants, minor units.
    pub left: BTreeMap<Currency, i64>,
}

impl HostTokenKey {
    /// Takes a key over.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }
}

/// Makes a token: leave to dispense `amount` in all for this nonce.
///
/// # Panics
/// If the amount is not positive: there is nothing to grant then.
#[must_use]
pub fn make(key: &HostTokenKey, nonce: &TokenNonce, amount: Amount) -> DispenseToken {
    assert!(amount.minor() > 0, "leave is for something");
    DispenseToken(Writer::new(nonce).field("DISPENSE1", amount_text(amount)).sign(&key.0))
}

/// Reads a token and checks that it was made with the key.
///
/// # Errors
/// [`TokenError::Format`] and [`TokenError::Forged`].
pub fn read(key: &HostTokenKey, token: &DispenseToken) -> Result<Grant, TokenError> {
    let frame = Frame::read(&token.0).ok_or(TokenError::Format)?;
    let grant = grant(&frame).ok_or(TokenError::Format)?;
    if frame.is_signed_with(&key.0) { Ok(grant) } else { Err(TokenError::Forged) }
}

impl Guard<'_> {
    /// Whether the token lets `amount` be dispensed now, and what it leaves then. Whoever asks keeps that only if notes
    /// move: a dispense that moves nothing uses nothing up.
    ///
    /// # Errors
    /// [`TokenError`], the first that applies, in its order.
    pub fn admit(&self, token: &DispenseToken, amount: Amount) -> Result<Used, TokenError> {
        let frame = Frame::read(&token.0).ok_or(TokenError::Format)?;
        let grant = grant(&frame).ok_or(TokenError::Format)?;
        let key = self.key.ok_or(TokenError::NoKey)?;
        if !frame.is_signed_with(&key.0) {
            return Err(TokenError::Forged);
        }
        let nonce = self.nonce.ok_or(TokenError::NoNonce)?;
        if *nonce != grant.nonce {
            return Err(TokenError::OtherNonce);
        }
        let mut used = match self.used {
            Some(first) if first.id == grant.id => first.clone(),
            Some(_) => return Err(TokenError::Refused),
            None => Used::new(&grant),
        };
        let left = used.left.get_mut(&amount.currency()).ok_or(TokenError::Refused)?;
        let after = left.checked_sub(amount.minor()).filter(|after| amount.minor() > 0 && *after >= 0);
        *left = after.ok_or(TokenError::Refused)?;
        Ok(used)
    }
}

impl Used {
    fn new(grant: &Grant) -> Self {
        let left = grant.amounts.iter().map(|amount| (amount.currency(), amount.minor())).collect();
        Self { id: grant.id, left }
    }

    /// Whether nothing is left of it: the device forgets its nonce then.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.left.values().all(|left| *left == 0)
    }
}

/// What stands between a dispense token's frame: `DISPENSE1`, `DISPENSE2` …, each of another currency.
fn grant(frame: &Frame<'_>) -> Option<Grant> {
    let mut amounts: Vec<Amount> = Vec::new();
    for (number, (name, value)) in (1..).zip(&frame.fields) {
        let amount = read_amount(value)?;
        let named = name.strip_prefix("DISPENSE").is_some_and(|suffix| suffix == format!("{number}"));
        if !named || amounts.iter().any(|earlier| earlier.currency() == amount.currency()) {
            return None;
        }
        amounts.push(amount);
    }
    Some(Grant { nonce: frame.nonce.clone(), amounts, id: frame.mac })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: &str = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";
    /// Computed by two implementations that are not ours.
    const V1: &str = "NONCE=0F1E2D3C4B5A69788796A5B4C3D2E1F0,TOKENFORMAT=1,TOKENLENGTH=0165,DISPENSE1=100.00EUR,\
        HMACSHA256=6F549D24E2A8B11DD17444D20D80A0151915F2192EFC8F1C3CA7BB2B64D898DB";

    fn key() -> HostTokenKey {
        HostTokenKey::new(std::array::from_fn(|at| u8::try_from(at).unwrap()))
    }

    fn nonce(text: &str) -> TokenNonce {
        TokenNonce::parse(text).unwrap()
    }

    fn token(text: &str) -> DispenseToken {
        DispenseToken(text.to_owned())
    }

    const fn euros(minor: i64) -> Amount {
        Amount::new(minor, Currency::EUR)
    }

    /// A token with these fields, its length and MAC right.
    fn signed(fields: &[(&str, &str)]) -> DispenseToken {
        let writer = fields.iter().fold(Writer::new(&nonce(NONCE)), |writer, (name, value)| writer.field(name, value));
        DispenseToken(writer.sign(&key().0))
    }

    #[test]
    fn it_makes_and_reads_the_published_token() {
        let made = make(&key(), &nonce(NONCE), euros(100_00));
        assert_eq!(made.0, V1);
        let grant = read(&key(), &made).unwrap();
        assert_eq!((&grant.nonce, &grant.amounts), (&nonce(NONCE), &vec![euros(100_00)]));
        assert_eq!(made.id(), Some(grant.id));
        assert_eq!(made.0.len(), 165);
        // The length that an example of the standard has.
        assert_eq!(make(&key(), &nonce(NONCE), euros(50_00)).0.len(), 164);
        assert_eq!(grant.nonce.nonce().map(TokenNonce::from), Some(nonce(NONCE)));
    }

    #[test]
    fn it_believes_no_changed_token() {
        let check = |text: &str, why| assert_eq!(read(&key(), &token(text)), Err(why), "{text}");
        check(&V1.replace("98DB", "98D0"), TokenError::Forged);
        check(&V1.replace("100.00", "900.00"), TokenError::Forged);
        check(&V1.replace("0F1E", "0F1F"), TokenError::Forged);
        assert_eq!(read(&HostTokenKey::new([7; 32]), &token(V1)), Err(TokenError::Forged));
        for at in 0..V1.len() {
            for bit in 0..8 {
                let mut bytes = V1.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                if let Ok(text) = String::from_utf8(bytes) {
                    assert!(read(&key(), &token(&text)).is_err(), "{text}");
                }
            }
        }
    }

    #[test]
    fn it_takes_no_other_form_though_the_mac_is_right() {
        let check =
            |fields: &[(&str, &str)]| assert_eq!(read(&key(), &signed(fields)), Err(TokenError::Format), "{fields:?}");
        check(&[]);
        check(&[("DISPENSE2", "100.00EUR")]);
        check(&[("DISPENSE1", "100.00EUR"), ("DISPENSE3", "100.00USD")]);
        check(&[("DISPENSE1", "100.00EUR"), ("DISPENSE2", "5.00EUR")]);
        check(&[("DISPENSE01", "100.00EUR")]);
        check(&[("DISPENSE1", "100.00EUR"), ("MORE", "1")]);
        check(&[("dispense1", "100.00EUR")]);
        for amount in [
            "100EUR",
            "100.0EUR",
            "100.5EUR",
            "100.000EUR",
            "0100.00EUR",
            "100.00eur",
            "100.00XXX",
            "-1.00EUR",
            "100.00EUR=",
            "100.JPY",
            "100.00JPY",
            "EUR",
            "",
            "+1.00EUR",
            "99999999999999999999.00EUR",
        ] {
            check(&[("DISPENSE1", amount)]);
        }
        let good = V1;
        for bad in [
            good.replace("TOKENFORMAT=1", "TOKENFORMAT=2"),
            good.replace("0165", "165"),
            good.replace("0165", "0164"),
            good.replace("98DB", "98db"),
            good.replace("NONCE=0F", "NONCE=0f"),
            good.replace("NONCE", "nonce"),
            good.replace(",DISP", ", DISP"),
            format!("{good}\n"),
            good[1..].to_owned(),
            good[..good.len() - 1].to_owned(),
            String::new(),
            "A".repeat(2000),
        ] {
            assert_eq!(read(&key(), &token(&bad)), Err(TokenError::Format), "{bad}");
        }
    }

    #[test]
    fn it_grants_several_currencies_each_with_its_decimals() {
        let fields = [("DISPENSE1", "100.00EUR"), ("DISPENSE2", "5000JPY"), ("DISPENSE3", "0.250KWD")];
        let grant = read(&key(), &signed(&fields)).unwrap();
        let amounts = [euros(100_00), Amount::new(5000, Currency::JPY), Amount::new(250, Currency::KWD)];
        assert_eq!(grant.amounts, amounts);
        for amount in amounts {
            assert_eq!(read(&key(), &make(&key(), &nonce("1"), amount)).unwrap().amounts, [amount]);
        }
    }

    #[test]
    fn a_dispenser_looks_at_a_token_in_the_standards_order() {
        let (key, stored) = (key(), nonce(NONCE));
        let guard = Guard { key: Some(&key), nonce: Some(&stored), used: None };
        let good = token(V1);
        let check = |guard: Guard<'_>, token: &DispenseToken, expected| {
            assert_eq!(guard.admit(token, euros(100_00)).map(drop), expected);
        };
        check(guard, &good, Ok(()));
        let nothing = Guard { key: None, nonce: None, used: None };
        check(nothing, &token("NONCE"), Err(TokenError::Format));
        check(nothing, &good, Err(TokenError::NoKey));
        let forged = token(&V1.replace("98DB", "98D0"));
        check(Guard { nonce: None, ..guard }, &forged, Err(TokenError::Forged));
        check(Guard { nonce: None, ..guard }, &good, Err(TokenError::NoNonce));
        let other = nonce("1414");
        check(Guard { nonce: Some(&other), ..guard }, &good, Err(TokenError::OtherNonce));
        let first = Used { id: [0; 32], left: BTreeMap::new() };
        check(Guard { used: Some(&first), ..guard }, &good, Err(TokenError::Refused));
        for (amount, currency) in [
            (100_01, Currency::EUR),
            (1, Currency::USD),
            (0, Currency::EUR),
            (-1, Currency::EUR),
            (i64::MIN, Currency::EUR),
        ] {
            assert_eq!(guard.admit(&good, Amount::new(amount, currency)), Err(TokenError::Refused), "{amount}");
        }
    }

    #[test]
    fn a_token_serves_until_it_is_used_up() {
        let (key, stored, good) = (key(), nonce(NONCE), token(V1));
        let guard = Guard { key: Some(&key), nonce: Some(&stored), used: None };
        let first = guard.admit(&good, euros(60_00)).unwrap();
        assert!(!first.is_spent());
        let then = Guard { used: Some(&first), ..guard };
        assert_eq!(then.admit(&good, euros(40_01)), Err(TokenError::Refused));
        let second = then.admit(&good, euros(40_00)).unwrap();
        assert!(second.is_spent());
        assert_eq!(Guard { used: Some(&second), ..guard }.admit(&good, euros(1)), Err(TokenError::Refused));
        // A second token for the same nonce is not taken though it is the host's own.
        let another = make(&key, &stored, euros(500_00));
        assert_eq!(then.admit(&another, euros(10_00)), Err(TokenError::Refused));
    }

    proptest! {
        #[test]
        fn it_reads_what_it_makes(
            bytes in any::<[u8; 16]>(), key in any::<[u8; 32]>(), minor in 1i64..=1_000_000_000_000,
            currency in 0usize..165,
        ) {
            let currency = Currency::all().nth(currency).unwrap();
            let (key, nonce) = (HostTokenKey::new(key), TokenNonce::from(cashpoint_core::terminal::device::Nonce(bytes)));
            let amount = Amount::new(minor, currency);
            let made = make(&key, &nonce, amount);
            let grant = read(&key, &made).unwrap();
            prop_assert_eq!(Some(grant.id), made.id());
            prop_assert_eq!(grant.amounts, vec![amount]);
            prop_assert_eq!(grant.nonce, nonce);
        }

        #[test]
        fn it_takes_any_text_without_harm(text in ".{0,200}") {
            prop_assert_eq!(read(&key(), &token(&text)), Err(TokenError::Format));
        }
    }
}
