//! Standard Webhooks (standardwebhooks.com, version 1): how a message is signed, and how whoever receives it makes sure
//! of that. There is no clock here: the receiver says what time it is.

use std::fmt;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How old, or how far ahead, a message may be, in seconds.
pub const TOLERANCE_S: i64 = 5 * 60;

/// Header with the message's id: the same each time that the message is sent.
pub const ID_HEADER: &str = "webhook-id";
/// Header with the instant of sending, in seconds since the epoch.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// Header with one signature or several, a space between.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

const PREFIX: &str = "whsec_";
const VERSION: &str = "v1,";

/// The key that sender and receiver share. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

/// A text that is no secret: `whsec_` and the base64 of 24 to 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotASecret;

/// What a message's headers say.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// [`ID_HEADER`].
    pub id: &'a str,
    /// [`TIMESTAMP_HEADER`].
    pub timestamp: &'a str,
    /// [`SIGNATURE_HEADER`].
    pub signature: &'a str,
}

/// Why a message is not to be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forged {
    /// No signature of this message under this secret.
    Signature,
    /// Signed, but too long ago, or in the future: perhaps somebody sends it again.
    Stale,
}

impl WebhookSecret {
    /// Reads a secret as it is exchanged.
    ///
    /// # Errors
    /// [`NotASecret`].
    pub fn parse(text: &str) -> Result<Self, NotASecret> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(NotASecret)?;
        let bytes = Zeroizing::new(BASE64.decode(encoded.as_bytes()).map_err(|_| NotASecret)?);
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(NotASecret) }
    }

    /// The secret as it is exchanged, made of these bytes.
    #[must_use]
    pub fn encode(bytes: &[u8; 32]) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", BASE64.encode(bytes)))
    }

    /// The signature of a message sent at this instant.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        format!("{VERSION}{}", BASE64.encode(&self.mac(id, &timestamp_s.to_string(), body)))
    }

    /// Whether the message comes from whoever has the secret, and was sent within five minutes of `now_s`.
    ///
    /// # Errors
    /// [`Forged`] says why it is not to be believed. A message that is believed may still be a repeat: the id tells.
    pub fn verify(&self, headers: Signed<'_>, body: &[u8], now_s: i64) -> Result<(), Forged> {
        let expected = self.mac(headers.id, headers.timestamp, body);
        let matches = |signature: &str| {
            let decoded = signature.strip_prefix(VERSION).and_then(|text| BASE64.decode(text.as_bytes()).ok());
            decoded.is_some_and(|mac| mac.ct_eq(&expected).into())
        };
        if !headers.signature.split(' ').any(matches) {
            return Err(Forged::Signature);
        }
        let sent: i64 = headers.timestamp.parse().map_err(|_| Forged::Signature)?;
        if now_s.saturating_sub(sent).saturating_abs() > TOLERANCE_S { Err(Forged::Stale) } else { Ok(()) }
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("WebhookSecret(****)")
    }
}

impl fmt::Display for NotASecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")
    }
}

impl std::error::Error for NotASecret {}

impl fmt::Display for Forged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Signature => "no valid signature",
            Self::Stale => "signed too long ago, or in the future",
        })
    }
}

impl std::error::Error for Forged {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[track_caller]
    fn check(headers: Signed<'_>, body: &[u8], now_s: i64, expected: Result<(), Forged>) {
        assert_eq!(WebhookSecret::parse(SECRET).unwrap().verify(headers, body, now_s), expected);
    }

    const HEADERS: Signed<'_> = Signed { id: ID, timestamp: "1614265330", signature: SIGNATURE };

    #[test]
    fn it_signs_as_the_specification_does() {
        assert_eq!(WebhookSecret::parse(SECRET).unwrap().sign(ID, AT, BODY), SIGNATURE);
        check(HEADERS, BODY, AT, Ok(()));
    }

    #[test]
    fn it_believes_nothing_that_was_edited() {
        let forged = Err(Forged::Signature);
        check(HEADERS, br#"{"test": 2432232315}"#, AT, forged);
        check(HEADERS, b"", AT, forged);
        check(Signed { id: "msg_other", ..HEADERS }, BODY, AT, forged);
        check(Signed { timestamp: "1614265331", ..HEADERS }, BODY, AT, forged);
        check(Signed { timestamp: "+1614265330", ..HEADERS }, BODY, AT, forged);
        for signature in [
            "",
            "v1,",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=",
            "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ] {
            check(Signed { signature, ..HEADERS }, BODY, AT, forged);
        }
        let other = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx").unwrap();
        assert_eq!(other.verify(HEADERS, BODY, AT), forged);
    }

    #[test]
    fn it_believes_nothing_older_or_newer_than_five_minutes() {
        check(HEADERS, BODY, AT + 300, Ok(()));
        check(HEADERS, BODY, AT - 300, Ok(()));
        check(HEADERS, BODY, AT + 301, Err(Forged::Stale));
        check(HEADERS, BODY, AT - 301, Err(Forged::Stale));
    }

    #[test]
    fn it_takes_one_good_signature_among_several() {
        let rotated = format!("v1,AAAA v2,zzz {SIGNATURE}");
        check(Signed { signature: &rotated, ..HEADERS }, BODY, AT, Ok(()));
    }

    #[test]
    fn it_reads_secrets_of_24_to_64_bytes_and_shows_none() {
        let of = |length: usize| format!("whsec_{}", BASE64.encode(&vec![7; length]));
        for good in [24, 32, 64] {
            assert!(WebhookSecret::parse(&of(good)).is_ok(), "{good} bytes");
        }
        assert!(WebhookSecret::parse(&format!("{}\n", of(32))).is_ok(), "files end with a line's end");
        for bad in [of(23), of(65), "whsec_".to_owned(), of(32)[6..].to_owned(), "whsec_???".to_owned()] {
            assert_eq!(WebhookSecret::parse(&bad).map(drop), Err(NotASecret), "{bad}");
        }
        let encoded = WebhookSecret::encode(&[9; 32]);
        assert_eq!(format!("{:?}", WebhookSecret::parse(&encoded).unwrap()), "WebhookSecret(****)");
    }
}
