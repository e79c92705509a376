//! What becomes of one machine's messages: each is lost, late or carried, and now and then nothing gets through at all.

use std::cell::RefCell;
use std::rc::Rc;

use super::profile::Profile;
use crate::chance::Chance;
use crate::network::Network;
use crate::world;

/// Longest way of a late message: more than anybody waits for an answer.
const LATEST_MS: u64 = 25_000;

/// A machine's line.
#[derive(Debug)]
pub struct Weather {
    chance: Chance,
    /// In a thousand messages.
    lost: u64,
    late: u64,
    /// While the line is down: how.
    pub outage: Option<Network>,
}

impl Weather {
    /// A line with the faults of a profile.
    #[must_use]
    pub fn new(seed: u64, profile: &Profile) -> Rc<RefCell<Self>> {
        let (lost, late) = (profile.loss.per_mille(5, 100), profile.delay.per_mille(5, 100));
        Rc::new(RefCell::new(Self { chance: Chance::new(seed), lost, late, outage: None }))
    }

    /// What a world asks before each message.
    pub fn of(shared: &Rc<RefCell<Self>>) -> world::Weather {
        let shared = Rc::clone(shared);
        Box::new(move |_| Some(shared.borrow_mut().next()))
    }

    /// A way for a line to be down.
    pub fn draw_outage(chance: &mut Chance) -> Network {
        match chance.below(4) {
            0 => Network::RequestsLost,
            1 => Network::AnswersLost,
            _ => Network::Cut,
        }
    }

    fn next(&mut self) -> Network {
        if let Some(outage) = self.outage {
            return outage;
        }
        let roll = self.chance.below(1000);
        if roll < self.lost {
            return if self.chance.below(2) == 0 { Network::RequestsLost } else { Network::AnswersLost };
        }
        if roll < self.lost + self.late {
            let mut way = || u32::try_from(self.chance.below(LATEST_MS)).unwrap_or(u32::MAX);
            return Network::Slow { there_ms: way(), back_ms: way() };
        }
        Network::Up
    }
}
