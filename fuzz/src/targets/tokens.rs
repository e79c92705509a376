//! Dispense tokens and a dispenser's signed present status.
//!
//! What holds: under the right MAC there is one text for what a token says, but for zeros that some devices leave out; a
//! token never lets out more than it says; and nothing is believed under another key. Lengths and MACs are set right
//! before a text is read, or nothing behind them would ever be reached.

use cashpoint_core::currency::Currency;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::DispenseToken;
use cashpoint_wire::dispense_token::{self, Guard, HostTokenKey, TokenError, TokenNonce};
use cashpoint_wire::present_status::{self, DeviceTokenKey};
use data_encoding::HEXUPPER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Target;

const KEY: [u8; 32] = [0x5A; 32];

/// See the module.
pub(crate) const TARGET: Target = Target {
    name: "tokens",
    check,
    finish: || {},
    dictionary: &[
        "NONCE=",
        ",TOKENFORMAT=1",
        ",TOKENLENGTH=",
        ",DISPENSE1=",
        ",DISPENSE2=",
        "100.00EUR",
        "5000JPY",
        "0.250KWD",
        ",DISPENSEID=",
        ",DISPENSED1=",
        ",PRESENTED1=YES",
        ",PRESENTED1=NO",
        ",PRESENTEDAMOUNT1=",
        ",RETRACTED1=YES",
        ",RETRACTED1=NO",
        ",RETRACTEDAMOUNT1=?",
        ",HMACSHA256=",
    ],
};

fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    one(text);
    if let Some(signed) = signed(text) {
        one(&signed);
    }
}

fn one(text: &str) {
    let token = DispenseToken(text.to_owned());
    let key = HostTokenKey::new(KEY);
    let read = dispense_token::read(&key, &token);
    if let Ok(grant) = &read {
        assert_eq!(token.id(), Some(grant.id));
        if let [amount] = grant.amounts[..]
            && amount.minor() > 0
        {
            assert_eq!(dispense_token::make(&key, &grant.nonce, amount), token);
        }
        let guard = Guard { key: Some(&key), nonce: Some(&grant.nonce), used: None };
        for amount in &grant.amounts {
            let more = Amount::new(amount.minor() + 1, amount.currency());
            assert_eq!(guard.admit(&token, more), Err(TokenError::Refused));
            if let Ok(used) = guard.admit(&token, *amount) {
                let one = Amount::new(1, amount.currency());
                assert_eq!(Guard { used: Some(&used), ..guard }.admit(&token, one), Err(TokenError::Refused));
            }
        }
        assert!(!grant.amounts.is_empty());
        let other = dispense_token::read(&HostTokenKey::new([0; 32]), &token);
        assert_eq!(other, Err(TokenError::Forged));
    }
    let nonce = text.strip_prefix("NONCE=").and_then(|rest| rest.split(',').next()).and_then(TokenNonce::parse);
    let Some(nonce) = nonce else {
        assert_eq!(read, Err(TokenError::Format));
        return;
    };
    let key = DeviceTokenKey::new(KEY);
    if let Ok(status) = present_status::read(&key, &nonce, text)
        && let [line] = status.lines[..]
    {
        let made = present_status::make(&key, &nonce, status.dispense, line);
        assert_eq!(present_status::read(&key, &nonce, &made).as_ref(), Ok(&status));
        assert!(made == text || made.contains("=NO"), "{text} and {made}");
    }
    let foreign = Amount::new(1, Currency::USD);
    let nothing = Guard { key: None, nonce: None, used: None };
    assert!(nothing.admit(&token, foreign).is_err());
}

/// The text with its length and its MAC put right, if it has places for them.
fn signed(text: &str) -> Option<String> {
    let text = text.get(..text.len().checked_sub(64)?)?;
    let length = text.find("TOKENLENGTH=")? + "TOKENLENGTH=".len();
    let mut signed = text.to_owned();
    text.get(length..length + 4)?;
    signed.replace_range(length..length + 4, &format!("{:04}", text.len() + 64));
    let mut mac = Hmac::<Sha256>::new_from_slice(&KEY).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    signed.push_str(&HEXUPPER.encode(&mac.finalize().into_bytes()));
    Some(signed)
}
