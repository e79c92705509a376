//! The text of XFS4IoT end-to-end tokens: `NONCE=…,TOKENFORMAT=1,TOKENLENGTH=…,…,HMACSHA256=…`.
//!
//! Both directions have the same frame and differ in what stands between and in the key. The frame is read and written here;
//! what the fields in the middle mean is said by [`crate::dispense_token`] and [`crate::present_status`].

use std::fmt::{self, Write as _};

use cashpoint_core::currency::Currency;
use cashpoint_core::money::{Amount, Decimal};
use cashpoint_core::terminal::device::Nonce;
use data_encoding::HEXUPPER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Longest token, bytes.
const LONGEST: usize = 1024;
/// Longest nonce that is taken, characters.
const LONGEST_NONCE: usize = 100;
/// Hexadecimal digits that a token ends with.
const MAC_DIGITS: usize = 64;

/// Why a token does not serve, in the order in which it is looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TokenError {
    /// Not the text of a token, or not one of this kind (`invalidTokenFormat`).
    Format,
    /// There is no key to check it with (`invalidTokenKeyNoValue`).
    NoKey,
    /// Not made with the key, or changed since (`invalidTokenHMAC`).
    Forged,
    /// No nonce is stored (`noCommandNonce`).
    NoNonce,
    /// It is for another nonce (`invalidTokenNonce`).
    OtherNonce,
    /// Another token came first with this nonce, or the amount is more than the token leaves (`invalidToken`).
    Refused,
}

/// A nonce as tokens carry it: 1 to 100 of `0-9 A-F`. Our own have 32 digits; devices of others may count in fewer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TokenNonce(String);

/// A token in the making.
pub(crate) struct Writer {
    text: String,
    /// Where its length will stand.
    length_at: usize,
}

/// A token whose frame is right.
pub(crate) struct Frame<'a> {
    pub(crate) nonce: TokenNonce,
    /// What stands between the frame's fields, in order.
    pub(crate) fields: Vec<(&'a str, &'a str)>,
    pub(crate) mac: [u8; 32],
    signed: &'a str,
}

impl TokenNonce {
    /// Reads a nonce. `None` unless it is 1 to 100 of `0-9 A-F`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let form = (1..=LONGEST_NONCE).contains(&text.len()) && text.bytes().all(is_hex);
        form.then(|| Self(text.to_owned()))
    }

    /// As tokens and device messages carry it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nonce as the terminal and the host speak of it. `None` unless it has 32 digits.
    #[must_use]
    pub fn nonce(&self) -> Option<Nonce> {
        let bytes = HEXUPPER.decode(self.0.as_bytes()).ok()?;
        bytes.try_into().ok().map(Nonce)
    }
}

impl From<Nonce> for TokenNonce {
    fn from(nonce: Nonce) -> Self {
        Self(HEXUPPER.encode(&nonce.0))
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Format => "not a token of this kind",
            Self::NoKey => "no key to check a token with",
            Self::Forged => "the token was not made with the key",
            Self::NoNonce => "no nonce is stored",
            Self::OtherNonce => "the token is for another nonce",
            Self::Refused => "the token does not cover this",
        })
    }
}

impl std::error::Error for TokenError {}

impl Writer {
    pub(crate) fn new(nonce: &TokenNonce) -> Self {
        let text = format!("NONCE={},TOKENFORMAT=1,TOKENLENGTH=0000", nonce.0);
        Self { length_at: text.len() - 4, text }
    }

    pub(crate) fn field(mut self, name: impl fmt::Display, value: impl fmt::Display) -> Self {
        write!(self.text, ",{name}={value}").expect("a String takes everything");
        self
    }

    /// Fills in the length and signs.
    pub(crate) fn sign(self, key: &[u8; 32]) -> String {
        let Self { mut text, length_at } = self;
        text.push_str(",HMACSHA256=");
        let length = text.len() + MAC_DIGITS;
        assert!(length <= LONGEST, "one line of amounts and a nonce of at most 100 characters fit");
        text.replace_range(length_at..length_at + 4, &format!("{length:04}"));
        let mac = mac(key, &text);
        text.push_str(&HEXUPPER.encode(&mac));
        text
    }
}

impl<'a> Frame<'a> {
    /// Reads a token's frame. `None` if anything about it is not as it must be.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let printable = text.len() <= LONGEST && text.bytes().all(|b| (b'!'..=b'~').contains(&b));
        if !printable {
            return None;
        }
        let mut fields = text.split(',').map(|field| field.split_once('='));
        let nonce = fields.next()?.filter(|(name, _)| *name == "NONCE")?.1;
        fields.next()?.filter(|field| *field == ("TOKENFORMAT", "1"))?;
        let length = fields.next()?.filter(|(name, _)| *name == "TOKENLENGTH")?.1;
        if length != format!("{:04}", text.len()) {
            return None;
        }
        let mut fields: Vec<(&str, &str)> = fields.collect::<Option<_>>()?;
        let (name, digits) = fields.pop()?;
        let mac = HEXUPPER.decode(digits.as_bytes()).ok()?.try_into().ok()?;
        let values = fields.iter().all(|(_, value)| !value.is_empty() && !value.contains('='));
        if name != "HMACSHA256" || fields.is_empty() || !values {
            return None;
        }
        Some(Self { nonce: TokenNonce::parse(nonce)?, fields, mac, signed: &text[..text.len() - MAC_DIGITS] })
    }

    /// Whether it was made with this key; in the same time for every wrong one.
    pub(crate) fn is_signed_with(&self, key: &[u8; 32]) -> bool {
        mac(key, self.signed).ct_eq(&self.mac).into()
    }
}

/// An amount as tokens carry it: all of the currency's decimals, then its code. A currency without decimals has no point.
pub(crate) fn amount_text(amount: Amount) -> String {
    format!("{amount}{}", amount.currency())
}

/// Reads an amount in the one form in which [`amount_text`] writes it.
pub(crate) fn read_amount(text: &str) -> Option<Amount> {
    let (figure, code) = text.split_at_checked(text.len().checked_sub(3)?)?;
    let currency = Currency::from_code(code)?;
    let amount = Decimal::parse_or_zero(figure).ok()?.to_amount(currency).ok()?;
    (amount.to_string() == figure).then_some(amount)
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte)
}

fn mac(key: &[u8; 32], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}
