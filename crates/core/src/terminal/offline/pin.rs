//! A PIN checked without the host: counted first, compared in constant time, and proof of it.
//!
//! The PIN itself is never here, only what the pad made of it.

use subtle::ConstantTimeEq;

use crate::terminal::book::Book;
use crate::terminal::device::CardReference;
use crate::terminal::link::OfflineVerifier;
use crate::terminal::record::{CardProfile, Record};
use crate::time::Timestamp;

use super::{Reason, in_force, offers_anything};

/// Wrong PINs in a row after which a card gets nothing offline until the host vouches for it again.
pub const MOST_WRONG: u8 = 3;

/// Proof that the holder of a card entered its PIN. Each permission looks at card, hot list and times anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PinRight {
    reference: CardReference,
}

impl PinRight {
    /// The host compared the PIN, in this visit.
    #[must_use]
    pub const fn compared_by_host(card: CardReference) -> Self {
        Self { reference: card }
    }

    /// Whose PIN it was.
    #[must_use]
    pub const fn reference(&self) -> &CardReference {
        &self.reference
    }

    /// Sets the count of wrong tries back.
    #[must_use]
    pub const fn record(&self) -> Record {
        Record::OfflineTry { card: self.reference, wrong: 0 }
    }
}

/// A PIN that may be tried offline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Try {
    reference: CardReference,
    verifier: OfflineVerifier,
    wrong: u8,
}

/// A try that was counted as wrong, before anybody knows whether it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counted {
    reference: CardReference,
    verifier: OfflineVerifier,
    wrong: u8,
}

/// How a comparison ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Checked {
    /// It is right. [`PinRight::record`] is to be written before anything is permitted.
    Right(PinRight),
    /// It is wrong, and stays counted.
    Wrong {
        /// How many tries are left.
        left: u8,
    },
}

/// A try of this card's PIN, if it may be served offline at all and has one left.
///
/// # Errors
/// [`Reason`].
pub fn begin_try(book: &Book, card: &CardReference, now: Timestamp) -> Result<Try, Reason> {
    if !offers_anything(&in_force(book)?.partition) {
        return Err(Reason::NotOffered);
    }
    let (profile, verifier) = verifiable(book, card, now)?;
    Ok(Try { reference: profile.reference, verifier: *verifier, wrong: book.wrong_tries(card) })
}

impl Try {
    /// What the pad is to mix with its block.
    #[must_use]
    pub const fn salt(&self) -> [u8; 32] {
        self.verifier.salt
    }

    /// Counts it: the record is to be written before the pad is asked, so that cutting the power never wins a try.
    #[must_use]
    pub const fn count(self) -> (Record, Counted) {
        let Self { reference, verifier, wrong } = self;
        let record = Record::OfflineTry { card: reference, wrong: wrong.saturating_add(1) };
        (record, Counted { reference, verifier, wrong })
    }
}

impl Counted {
    /// What the pad is to mix with its block.
    #[must_use]
    pub const fn salt(&self) -> [u8; 32] {
        self.verifier.salt
    }

    /// Takes the count back because the pad failed and nothing was compared.
    #[must_use]
    pub const fn withdraw(self) -> Record {
        Record::OfflineTry { card: self.reference, wrong: self.wrong }
    }

    /// Compares what the pad made, in constant time.
    #[must_use]
    pub fn compare(self, made: &[u8; 32]) -> Checked {
        if bool::from(self.verifier.verifier.ct_eq(made)) {
            return Checked::Right(PinRight { reference: self.reference });
        }
        Checked::Wrong { left: MOST_WRONG.saturating_sub(self.wrong.saturating_add(1)) }
    }
}

/// The card's profile and a verifier that serves now; fails for cards that get nothing offline.
pub(super) fn verifiable<'a>(
    book: &'a Book,
    card: &CardReference,
    now: Timestamp,
) -> Result<(&'a CardProfile, &'a OfflineVerifier), Reason> {
    if book.is_hot(card) {
        return Err(Reason::CardReported);
    }
    let profile = book.profile(card).ok_or(Reason::UnknownCard)?;
    let verifier = profile.verifier.as_ref().ok_or(Reason::UnknownCard)?;
    if book.wrong_tries(card) >= MOST_WRONG {
        return Err(Reason::TooManyTries);
    }
    if now < book.clock() || now < profile.at {
        return Err(Reason::ClockSetBack);
    }
    if now >= verifier.until {
        return Err(Reason::VerifierExpired);
    }
    Ok((profile, verifier))
}
