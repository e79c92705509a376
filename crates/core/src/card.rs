//! Cards, and the counting of wrong PINs.

use std::sync::Arc;

use crate::account::AccountIdentity;
use crate::id::{CardId, CustomerId, Index, SessionId};
use crate::policy::Policy;
use crate::time::Timestamp;

/// What never changes about a card.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CardIdentity {
    /// Its id.
    pub id: CardId,
    /// Its holder.
    pub customer: CustomerId,
    /// The accounts it reaches, the primary one first.
    pub accounts: Arc<[AccountIdentity]>,
    /// First instant at which it is no longer valid.
    pub expires: Timestamp,
}

/// A PIN's keyed digest, and the version of the key that made it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Verifier {
    /// Key version.
    pub version: u32,
    /// MAC(K_pin\[version\], card id ‖ PIN).
    pub mac: [u8; 32],
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Verifier(version {})", self.version)
    }
}

impl Verifier {
    /// Whether one of `candidates`, made from the PIN just entered, is this verifier. Takes the same time for every
    /// candidate, right or wrong.
    #[must_use]
    pub fn matches(&self, candidates: &[Verifier]) -> bool {
        use subtle::ConstantTimeEq;
        let hit = candidates.iter().fold(subtle::Choice::from(0), |hit, candidate| {
            hit | (candidate.version.ct_eq(&self.version) & candidate.mac.ct_eq(&self.mac))
        });
        hit.into()
    }
}

/// Why a card is no longer good.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CardState {
    /// It is.
    Active,
    /// Reported lost.
    Lost,
    /// Reported stolen.
    Stolen,
    /// Withdrawn by staff; nothing answers to its number any more.
    Removed,
}

/// What may change about a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Card {
    /// Its id.
    pub id: CardId,
    /// Good or not.
    pub state: CardState,
    /// What the right PIN makes.
    pub verifier: Verifier,
    /// The only session of this card that may live.
    pub session: Option<SessionId>,
}

/// Whose PIN tries are counted: a card's, or those for a number that no card has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PinKey {
    /// A card.
    Card(CardId),
    /// A number that no card has, by its index.
    Unknown(Index),
}

/// The count of wrong PINs. Blocks are counted until a right PIN comes between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinCounter {
    /// PINs may be tried.
    Open {
        /// Wrong ones in a row.
        wrong: u8,
        /// Blocks since the last right one.
        blocks: u8,
    },
    /// No PIN is compared before `until`.
    Blocked {
        /// When the block lifts by itself.
        until: Timestamp,
        /// Blocks since the last right PIN, this one included.
        blocks: u8,
    },
    /// No PIN is compared until staff unlock.
    Locked,
}

/// Leave to compare one PIN; only [`PinCounter::admit`] gives it, and it is used up by telling the result.
#[derive(Debug)]
pub struct Try {
    wrong: u8,
    blocks: u8,
}

/// A card whose PIN may not be tried now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blocked {
    /// When it may again; none: not before staff unlock it.
    pub until: Option<Timestamp>,
}

/// Proof that the right PIN was given.
#[derive(Debug)]
pub struct PinVerified(());

impl Default for PinCounter {
    fn default() -> Self {
        Self::Open { wrong: 0, blocks: 0 }
    }
}

impl PinCounter {
    /// Whether a PIN may be compared at `now`.
    ///
    /// # Errors
    /// [`Blocked`] while a block or a lock stands.
    pub fn admit(self, now: Timestamp) -> Result<Try, Blocked> {
        match self {
            Self::Open { wrong, blocks } => Ok(Try { wrong, blocks }),
            Self::Blocked { until, blocks } if until <= now => Ok(Try { wrong: 0, blocks }),
            Self::Blocked { until, .. } => Err(Blocked { until: Some(until) }),
            Self::Locked => Err(Blocked { until: None }),
        }
    }
}

impl Try {
    /// The PIN was right: the count starts over.
    #[must_use]
    pub fn right(self) -> (PinCounter, PinVerified) {
        (PinCounter::default(), PinVerified(()))
    }

    /// The PIN was wrong: one more, and a block or a lock when it is one too many.
    #[must_use]
    pub fn wrong(self, now: Timestamp, policy: &Policy) -> PinCounter {
        let wrong = self.wrong.saturating_add(1);
        if wrong < policy.pin_tries {
            return PinCounter::Open { wrong, blocks: self.blocks };
        }
        let blocks = self.blocks.saturating_add(1);
        if blocks >= policy.pin_blocks {
            return PinCounter::Locked;
        }
        PinCounter::Blocked { until: now.plus_s(i64::from(policy.pin_block_s)), blocks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn miss(counter: PinCounter, now: Timestamp) -> PinCounter {
        counter.admit(now).expect("open").wrong(now, &Policy::default())
    }

    #[test]
    fn blocks_after_three_wrong_and_locks_after_three_blocks() {
        let mut counter = PinCounter::default();
        let mut now = Timestamp::from_micros(0);
        for block in 1..=3 {
            for _ in 0..3 {
                counter = miss(counter, now);
            }
            if block < 3 {
                let until = now.plus_s(1_800);
                assert_eq!(counter, PinCounter::Blocked { until, blocks: block });
                assert_eq!(counter.admit(until.plus_ms(-1)).map(|_| ()), Err(Blocked { until: Some(until) }));
                now = until;
            }
        }
        assert_eq!(counter, PinCounter::Locked);
        assert_eq!(counter.admit(now.plus_s(1_000_000)).map(|_| ()), Err(Blocked { until: None }));
    }

    #[test]
    fn forgets_wrong_pins_and_blocks_after_a_right_one() {
        let now = Timestamp::from_micros(0);
        let counter = miss(miss(PinCounter::default(), now), now);
        let (counter, _) = counter.admit(now).expect("two wrong are not yet a block").right();
        assert_eq!(counter, PinCounter::default());
    }

    #[test]
    fn matches_only_the_same_version_and_mac() {
        let stored = Verifier { version: 2, mac: [7; 32] };
        let other = Verifier { version: 1, mac: [7; 32] };
        assert!(stored.matches(&[other, stored]));
        assert!(!stored.matches(&[other, Verifier { version: 2, mac: [8; 32] }]));
        assert!(!stored.matches(&[]));
    }
}
