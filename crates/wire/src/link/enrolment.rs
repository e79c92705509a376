//! Enrolment: how a terminal and its host come to know each other's keys, by a code that is used once.
//!
//! Staff carry the code from the host to the machine. It never crosses the network: both sides prove that they have it, over
//! everything that they say, so that whoever is in between cannot put keys of their own there; and the terminal's card key
//! travels masked with what follows from it. A code has 128 random bits, because whoever listens may try codes at leisure.
//! How long a code serves, and that it serves once, is the host's matter.

use std::fmt;

use cashpoint_core::id::MachineId;
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{PublicKey, json};
use crate::card_reference::CardKey;

const VERSION: u32 = 1;
const SECRET: &[u8] = b"cashpoint enrolment code 1\n";
const REQUEST: &[u8] = b"cashpoint enrolment request 1\n";
const ANSWER: &[u8] = b"cashpoint enrolment answer 1\n";
const CARD_KEY: &[u8] = b"cashpoint enrolment card key 1\n";
/// Letters between two hyphens of a code.
const GROUP: usize = 5;

/// What follows from a code, for the host to keep in its place. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct EnrolmentSecret(Zeroizing<[u8; 32]>);

/// A text that is no code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotACode;

/// What a terminal's request says, once it is believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Enrolling {
    /// Who.
    pub terminal: MachineId,
    /// What its messages are checked with.
    pub key: PublicKey,
    digest: [u8; 32],
}

/// Which request an answer belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EnrolmentReceipt([u8; 32]);

/// What a terminal learns.
#[derive(Clone)]
pub struct Enrolled {
    /// What the host's messages are checked with.
    pub host: PublicKey,
    /// What the terminal names cards by.
    pub card_key: CardKey,
}

/// Why an enrolment fails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EnrolmentError {
    /// Not a message of this kind.
    Message,
    /// Made with another code, or changed on the way.
    Proof,
}

/// A code as people carry it, of 16 random bytes: `ABCDE-FGHIJ-…`, 26 letters and digits.
#[must_use]
pub fn code(random: &[u8; 16]) -> Zeroizing<String> {
    let letters = Zeroizing::new(BASE32_NOPAD.encode(random));
    let mut code = Zeroizing::new(String::with_capacity(letters.len() + letters.len() / GROUP));
    for (place, letter) in letters.chars().enumerate() {
        if place > 0 && place.is_multiple_of(GROUP) {
            code.push('-');
        }
        code.push(letter);
    }
    code
}

impl EnrolmentSecret {
    /// Reads a code as people type it: hyphens, spaces and small letters do not matter.
    ///
    /// # Errors
    /// [`NotACode`].
    pub fn of_code(code: &str) -> Result<Self, NotACode> {
        let letters =
            code.chars().filter(|letter| !matches!(letter, '-' | ' ')).map(|letter| letter.to_ascii_uppercase());
        let letters = Zeroizing::new(letters.collect::<String>());
        let random = BASE32_NOPAD.decode(letters.as_bytes()).map(Zeroizing::new).map_err(|_| NotACode)?;
        if random.len() != 16 {
            return Err(NotACode);
        }
        let digest = Sha256::new().chain_update(SECRET).chain_update(&random[..]).finalize();
        Ok(Self(Zeroizing::new(digest.into())))
    }

    /// Takes over what a host kept.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the host to keep. They must not reach a log or a message.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0[..]).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn request_proof(&self, terminal: &MachineId, key: &PublicKey) -> [u8; 32] {
        self.mac(&[REQUEST, terminal.as_str().as_bytes(), b"\n", &key.to_bytes()])
    }

    fn answer_proof(&self, to: &[u8; 32], host: &[u8; 32], masked: &[u8; 32]) -> [u8; 32] {
        self.mac(&[ANSWER, to, host, masked])
    }

    /// Masks a card key, and takes the mask off again. Each request has a mask of its own, because it says a fresh key.
    fn masked(&self, to: &[u8; 32], key: &[u8; 32]) -> Zeroizing<[u8; 32]> {
        let mut mask = Zeroizing::new(self.mac(&[CARD_KEY, to]));
        for (byte, other) in mask.iter_mut().zip(key) {
            *byte ^= other;
        }
        mask
    }
}

/// A terminal's request, and what its answer must be bound to.
#[must_use]
pub fn request(secret: &EnrolmentSecret, terminal: MachineId, key: &PublicKey) -> (Vec<u8>, EnrolmentReceipt) {
    let proof = secret.request_proof(&terminal, key);
    let bytes = json(&RequestBody { v: VERSION, terminal, key: key.to_bytes(), proof });
    (bytes.to_vec(), EnrolmentReceipt(Sha256::digest(&bytes[..]).into()))
}

/// Who a request claims to be from: by that the secret is found.
///
/// # Errors
/// [`EnrolmentError::Message`].
pub fn claimed_terminal(bytes: &[u8]) -> Result<MachineId, EnrolmentError> {
    RequestBody::read(bytes).map(|body| body.terminal)
}

/// Reads a request that was made with this secret's code.
///
/// # Errors
/// [`EnrolmentError`].
pub fn open_request(secret: &EnrolmentSecret, bytes: &[u8]) -> Result<Enrolling, EnrolmentError> {
    let RequestBody { terminal, key, proof, .. } = RequestBody::read(bytes)?;
    let key = PublicKey::from_bytes(&key).map_err(|_| EnrolmentError::Message)?;
    if !bool::from(secret.request_proof(&terminal, &key).ct_eq(&proof)) {
        return Err(EnrolmentError::Proof);
    }
    Ok(Enrolling { terminal, key, digest: Sha256::digest(bytes).into() })
}

/// The host's answer.
#[must_use]
pub fn answer(secret: &EnrolmentSecret, to: &Enrolling, host: &PublicKey, card_key: &CardKey) -> Vec<u8> {
    let (host_key, masked) = (host.to_bytes(), secret.masked(&to.digest, card_key.expose()));
    let proof = secret.answer_proof(&to.digest, &host_key, &masked);
    json(&AnswerBody { v: VERSION, host_key, card_key: *masked, proof }).to_vec()
}

/// Reads the answer to a request, if it is one.
///
/// # Errors
/// [`EnrolmentError`].
pub fn open_answer(secret: &EnrolmentSecret, to: &EnrolmentReceipt, bytes: &[u8]) -> Result<Enrolled, EnrolmentError> {
    let body: AnswerBody = serde_json::from_slice(bytes).map_err(|_| EnrolmentError::Message)?;
    if body.v != VERSION {
        return Err(EnrolmentError::Message);
    }
    if !bool::from(secret.answer_proof(&to.0, &body.host_key, &body.card_key).ct_eq(&body.proof)) {
        return Err(EnrolmentError::Proof);
    }
    let host = PublicKey::from_bytes(&body.host_key).map_err(|_| EnrolmentError::Message)?;
    Ok(Enrolled { host, card_key: CardKey::new(*secret.masked(&to.0, &body.card_key)) })
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestBody {
    v: u32,
    #[serde(with = "crate::mirror")]
    terminal: MachineId,
    #[serde(with = "crate::mirror")]
    key: [u8; 32],
    #[serde(with = "crate::mirror")]
    proof: [u8; 32],
}

impl RequestBody {
    fn read(bytes: &[u8]) -> Result<Self, EnrolmentError> {
        let body: Self = serde_json::from_slice(bytes).map_err(|_| EnrolmentError::Message)?;
        if body.v == VERSION { Ok(body) } else { Err(EnrolmentError::Message) }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    v: u32,
    #[serde(with = "crate::mirror")]
    host_key: [u8; 32],
    /// Masked.
    #[serde(with = "crate::mirror")]
    card_key: [u8; 32],
    #[serde(with = "crate::mirror")]
    proof: [u8; 32],
}

impl fmt::Display for NotACode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an enrolment code has 26 letters and digits (A to Z, 2 to 7)")
    }
}

impl std::error::Error for NotACode {}

impl fmt::Display for EnrolmentError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Message => "not an enrolment message",
            Self::Proof => "the enrolment code is not right",
        })
    }
}

impl std::error::Error for EnrolmentError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::SigningKey;

    fn secret() -> EnrolmentSecret {
        EnrolmentSecret::of_code(&code(&[0xA7; 16])).unwrap()
    }

    fn terminal() -> MachineId {
        MachineId::parse("ATM901").unwrap()
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let written = code(&[0xA7; 16]);
        assert_eq!(written.len(), 31);
        assert!(written.split('-').take(5).all(|group| group.len() == GROUP), "{}", *written);
        let typed = written.to_lowercase().replace('-', " ");
        assert_eq!(EnrolmentSecret::of_code(&typed).unwrap().expose(), secret().expose());
        assert_ne!(EnrolmentSecret::of_code(&code(&[0xA8; 16])).unwrap().expose(), secret().expose());
        for bad in ["", "ABCDE", &written[1..], &format!("{}A", *written), &written.replace('U', "1"), "\u{e4}"] {
            assert_eq!(EnrolmentSecret::of_code(bad).map(drop), Err(NotACode), "{bad}");
        }
    }

    #[test]
    fn both_sides_learn_each_others_keys() {
        let (own, host) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let (sent, receipt) = request(&secret(), terminal(), &own.public());
        assert_eq!(claimed_terminal(&sent), Ok(terminal()));
        let enrolling = open_request(&secret(), &sent).unwrap();
        assert_eq!((enrolling.terminal, enrolling.key), (terminal(), own.public()));
        let answered = answer(&secret(), &enrolling, &host.public(), &CardKey::new([3; 32]));
        let enrolled = open_answer(&secret(), &receipt, &answered).unwrap();
        assert_eq!((enrolled.host, enrolled.card_key.expose()), (host.public(), &[3; 32]));
        for secrets in [&sent, &answered] {
            let text = String::from_utf8_lossy(secrets);
            assert!(!text.contains(&"03".repeat(32)) && !text.contains(&**code(&[0xA7; 16])), "{text}");
        }
    }

    #[test]
    fn nobody_without_the_code_can_join_in() {
        let (own, host) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let other = EnrolmentSecret::new([9; 32]);
        let (sent, receipt) = request(&secret(), terminal(), &own.public());
        assert_eq!(open_request(&other, &sent), Err(EnrolmentError::Proof));
        let enrolling = open_request(&secret(), &sent).unwrap();
        let answered = answer(&secret(), &enrolling, &host.public(), &CardKey::new([3; 32]));
        assert_eq!(open_answer(&other, &receipt, &answered).map(drop), Err(EnrolmentError::Proof));
        let (_, another) = request(&secret(), terminal(), &host.public());
        assert_eq!(open_answer(&secret(), &another, &answered).map(drop), Err(EnrolmentError::Proof));
        let flipped = |bytes: &[u8], at: usize, bit: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1 << bit;
            bytes
        };
        for bit in 0..8 {
            for at in 0..sent.len() {
                assert!(open_request(&secret(), &flipped(&sent, at, bit)).is_err(), "{at} {bit}");
            }
            for at in 0..answered.len() {
                assert!(open_answer(&secret(), &receipt, &flipped(&answered, at, bit)).is_err(), "{at} {bit}");
            }
        }
    }
}
