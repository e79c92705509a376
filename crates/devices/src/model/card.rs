//! The card reader: a motor reader with a transport, an exit and a retain bin.
//!
//! What is on a card never reaches a disk: a card that lies in the reader when the simulator itself is killed is still there
//! afterwards, but cannot be read.

use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::device::{Answer, CardRead, Event, Failure, Report, Unit};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Hardware, Outcome, Step, Stopped};

/// The card reader.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct CardReader {
    slot: CardSlot,
    retained: u32,
    /// What is on the stripe of the card in the reader (track 2, without sentinels).
    #[serde(skip)]
    track2: Option<Zeroizing<String>>,
    /// Card references are made with it, when the model speaks for the terminal's client as well.
    #[serde(skip)]
    reference_key: [u8; 32],
}

impl std::fmt::Debug for CardReader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("CardReader")
            .field("slot", &self.slot)
            .field("retained", &self.retained)
            .finish_non_exhaustive()
    }
}

/// Where a card is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardSlot {
    /// Nowhere in the reader.
    #[default]
    Empty,
    /// In the transport.
    Inside,
    /// At the exit, within reach.
    Exit,
    /// Stuck.
    Stuck,
}

impl CardReader {
    /// Where the card is.
    #[must_use]
    pub const fn slot(&self) -> CardSlot {
        self.slot
    }

    /// Cards in the retain bin.
    #[must_use]
    pub const fn retained(&self) -> u32 {
        self.retained
    }

    /// What is on the stripe of the card in the transport. A secret.
    #[must_use]
    pub fn track2(&self) -> Option<&str> {
        self.track2.as_deref().map(String::as_str).filter(|_| self.is_inside())
    }

    pub(super) fn is_inside(&self) -> bool {
        self.slot == CardSlot::Inside
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.slot == CardSlot::Stuck
    }

    /// Staff take a stuck card out and keep it.
    pub(super) fn clear_jam(&mut self) {
        self.slot = CardSlot::Empty;
        self.track2 = None;
        self.retained += 1;
    }

    pub(super) fn clear(&mut self) {
        self.slot = CardSlot::Empty;
        self.track2 = None;
        self.retained = 0;
    }

    fn card(&self) -> Option<CardRead> {
        let (number, rest) = self.track2()?.split_once('=')?;
        let pan = Pan::parse(number).ok()?;
        let two = |from: usize| rest.get(from..from + 2)?.parse::<u8>().ok();
        let expires = (two(0)?, two(2).filter(|month| (1..=12).contains(month))?);
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.reference_key).expect("HMAC takes keys of any length");
        mac.update(pan.expose().as_bytes());
        Some(CardRead { pan, reference: mac.finalize().into_bytes().into(), expires })
    }
}

impl Hardware {
    /// The key of card references in [`Answer::Card`], for whoever drives the model without the XFS4IoT client.
    pub const fn set_reference_key(&mut self, key: [u8; 32]) {
        self.card.reference_key = key;
    }

    /// A person puts a card in while the reader waits for one.
    pub(super) fn take_card_in(&mut self, track2: &str) -> Vec<Report> {
        self.card.track2 = Some(Zeroizing::new(track2.to_owned()));
        self.card.slot = CardSlot::Inside;
        let outcome = self.read_card();
        self.end(Unit::CardReader, outcome)
    }

    pub(super) fn read_card(&mut self) -> Outcome {
        self.card_step(Step::ReadCard)?;
        match self.card.slot {
            CardSlot::Inside => {}
            CardSlot::Stuck => return Err(Failure::Jam.into()),
            CardSlot::Empty | CardSlot::Exit => return Err(Failure::Nothing.into()),
        }
        let read = self.card.card();
        self.after(Unit::CardReader, Step::ReadCard)?;
        read.map(Answer::Card).ok_or(Failure::Unreadable.into())
    }

    pub(super) fn eject_card(&mut self) -> Outcome {
        self.card_step(Step::EjectCard)?;
        match self.card.slot {
            CardSlot::Inside | CardSlot::Exit => self.card.slot = CardSlot::Exit,
            CardSlot::Stuck => return Err(Failure::Jam.into()),
            CardSlot::Empty => return Err(Failure::Nothing.into()),
        }
        self.after(Unit::CardReader, Step::EjectCard)?;
        Ok(Answer::CardEjected)
    }

    pub(super) fn retain_card(&mut self) -> Outcome {
        self.card_step(Step::RetainCard)?;
        match self.card.slot {
            CardSlot::Inside | CardSlot::Exit => self.card.slot = CardSlot::Empty,
            CardSlot::Stuck => return Err(Failure::Jam.into()),
            CardSlot::Empty => return Err(Failure::Nothing.into()),
        }
        self.card.track2 = None;
        self.card.retained += 1;
        self.after(Unit::CardReader, Step::RetainCard)?;
        Ok(Answer::CardRetained)
    }

    /// What may keep a card from moving. A card that is cut short by a power failure stays inside.
    fn card_step(&mut self, step: Step) -> Result<(), Stopped> {
        self.before(Unit::CardReader, step)?;
        if self.card.slot == CardSlot::Empty {
            return Ok(());
        }
        if self.jams(step) {
            self.card.slot = CardSlot::Stuck;
        }
        if self.is_cut_short(step) {
            return Err(Stopped::PowerLoss);
        }
        Ok(())
    }

    pub(super) fn hand_card_over(&mut self) -> Vec<Report> {
        self.card.slot = CardSlot::Empty;
        self.card.track2 = None;
        self.event(Unit::CardReader, Event::CardTaken)
    }
}
