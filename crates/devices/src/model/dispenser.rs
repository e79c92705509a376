//! What the dispenser believes and keeps: its counters, the record of its last dispense, its nonce.
//!
//! The counters follow XFS4IoT: a note that left a cassette is counted in exactly one of that cassette's [`Out`] buckets.
//! They say what the device knows, not where notes are; the census says that.

use std::collections::BTreeMap;

use cashpoint_core::mix::Notes;
use cashpoint_core::terminal::device::{
    Accuracy, CassetteCounters, Counters, DispenseId, Nonce, PresentState, Usable, Way,
};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::dispense_token::{TokenNonce, Used};
use serde::{Deserialize, Serialize};

use super::acceptor::Jam;
use super::{Fault, Fitting, Hardware, Place};

/// The dispenser's memory. Everything but the nonce is kept across a loss of power.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Dispenser {
    pub(super) cassettes: Vec<Cassette>,
    /// In the reject bin, as far as counted: value of a note, how many.
    pub(super) rejected: BTreeMap<i64, u32>,
    /// In the retract bin, as far as counted.
    pub(super) retracted: BTreeMap<i64, u32>,
    pub(super) retract_operations: u32,
    pub(super) record: PresentRecord,
    pub(super) shutter: Shutter,
    pub(super) motion: Option<Motion>,
    pub(super) jam: Jam,
    pub(super) way: WayKnown,
    pub(super) exchange: Exchange,
    #[serde(skip)]
    pub(super) nonce: Option<Handed>,
}

/// One cassette's counters.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Cassette {
    /// Value of a note, minor units.
    pub denomination: i64,
    /// Notes that it was filled with.
    pub initial: u32,
    /// Notes that left it, by what became of them.
    pub out: Out,
    /// Whether something happened that makes the counts doubtful.
    pub doubtful: Doubt,
}

/// Whether counts can be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// They can.
    #[default]
    None,
    /// Not since a jam or the like.
    Some,
}

/// What became of the notes that left a cassette (XFS4IoT `out`). Each is in one bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Out {
    /// Within reach, now or once.
    pub presented: u32,
    /// In the reject bin, never within reach.
    pub rejected: u32,
    /// Nobody knows where.
    pub unknown: u32,
    /// On the stacker.
    pub stacked: u32,
    /// Stuck on the way.
    pub transport: u32,
}

impl Out {
    /// All that left.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.presented + self.rejected + self.unknown + self.stacked + self.transport
    }
}

/// What became of the last dispense, kept until the next.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PresentRecord {
    /// Whether its notes were within reach.
    pub state: Reached,
    /// What was dispensed, by cassette; none: the device does not know.
    pub notes: Option<Vec<u32>>,
    /// By which token.
    pub dispense: Option<DispenseId>,
    /// What came back.
    pub returned: Returned,
}

/// Whether dispensed notes were within reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// They were.
    Presented,
    /// They were not.
    NotPresented,
    /// Not to be told.
    #[default]
    Unknown,
}

impl From<Reached> for PresentState {
    fn from(reached: Reached) -> Self {
        match reached {
            Reached::Presented => Self::Presented,
            Reached::NotPresented => Self::NotPresented,
            Reached::Unknown => Self::Unknown,
        }
    }
}

/// What was taken back of presented notes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returned {
    /// Nothing.
    #[default]
    Nothing,
    /// So much, minor units.
    Counted(i64),
    /// Something that could not be counted.
    Uncounted,
}

/// The shutter of the output position.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shutter {
    /// Closed.
    #[default]
    Closed,
    /// Open.
    Open,
}

/// A motion that has begun and whose end is not recorded yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Motion {
    /// From the cassettes to the stacker, by cassette.
    Dispense(Vec<u32>),
    /// From the stacker to the exit.
    Present,
    /// From the exit to the retract bin.
    Retract,
    /// From the stacker to the reject bin.
    Reject,
}

/// Whether the device knows what lies between cassettes and customer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) enum WayKnown {
    #[default]
    Yes,
    No,
}

/// Whether staff are exchanging cassettes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exchange {
    /// They are not.
    #[default]
    Inactive,
    /// They are: nothing that moves notes works.
    Active,
}

/// A nonce that was handed out.
#[derive(Clone, Debug)]
pub(super) struct Handed {
    pub(super) nonce: Nonce,
    pub(super) text: TokenNonce,
    pub(super) at: Timestamp,
    /// The first token that was used with it, and what it leaves.
    pub(super) used: Option<Used>,
}

impl Dispenser {
    pub(super) fn new(fitting: &Fitting) -> Self {
        let cassette = |fitted: &super::CassetteFitting| Cassette {
            denomination: fitted.denomination,
            initial: fitted.notes,
            ..Cassette::default()
        };
        Self { cassettes: fitting.cassettes.iter().map(cassette).collect(), ..Self::default() }
    }

    /// Staff have counted everything and filled it anew. What became of the last dispense stays on record.
    pub(super) fn begin_anew(&mut self, fitting: &Fitting) {
        let record = std::mem::take(&mut self.record);
        *self = Self { record, nonce: self.nonce.take(), ..Self::new(fitting) };
    }

    /// The cassettes' counters, by position.
    #[must_use]
    pub fn cassettes(&self) -> &[Cassette] {
        &self.cassettes
    }

    /// The record of the last dispense.
    #[must_use]
    pub const fn record(&self) -> &PresentRecord {
        &self.record
    }

    /// The reject bin as counted.
    #[must_use]
    pub fn rejected(&self) -> Notes {
        largest_first(&self.rejected)
    }

    /// The retract bin as counted.
    #[must_use]
    pub fn retracted(&self) -> Notes {
        largest_first(&self.retracted)
    }

    /// How often something was retracted, counted or not.
    #[must_use]
    pub const fn retract_operations(&self) -> u32 {
        self.retract_operations
    }

    /// The shutter of the output position.
    #[must_use]
    pub const fn shutter(&self) -> Shutter {
        self.shutter
    }

    /// Whether staff are exchanging cassettes.
    #[must_use]
    pub const fn exchange(&self) -> Exchange {
        self.exchange
    }

    /// The nonce that is stored.
    #[must_use]
    pub fn nonce(&self) -> Option<Nonce> {
        self.nonce.as_ref().map(|handed| handed.nonce)
    }

    /// Whether something is stuck; staff must look.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.jam == Jam::Stuck
    }

    pub(super) fn shutter_is_open(&self) -> bool {
        self.shutter == Shutter::Open
    }

    pub(super) fn forget_nonce(&mut self) {
        self.nonce = None;
    }

    pub(super) fn nonce_expires(&self, now: Timestamp, nonce_s: u32) -> bool {
        let old = |handed: &Handed| now >= handed.at.plus_s(i64::from(nonce_s));
        nonce_s > 0 && self.nonce.as_ref().is_some_and(old)
    }

    /// Staff took out what was stuck: the device counts it as gone nobody knows where.
    pub(super) fn clear_jam(&mut self) {
        self.jam = Jam::No;
        self.way = WayKnown::Yes;
        for cassette in &mut self.cassettes {
            let stuck = std::mem::take(&mut cassette.out.transport);
            cassette.out.unknown += stuck;
        }
    }

    /// Nothing is on its way any more: what was is gone, nobody knows where.
    pub(super) fn clear_way(&mut self) {
        for cassette in &mut self.cassettes {
            let inside = std::mem::take(&mut cassette.out.stacked) + std::mem::take(&mut cassette.out.transport);
            cassette.out.unknown += inside;
        }
    }

    /// Notes are on the way in this count's bucket.
    pub(super) fn count_out(&mut self, notes: &[u32], bucket: impl Fn(&mut Out) -> &mut u32) {
        for (cassette, count) in self.cassettes.iter_mut().zip(notes) {
            *bucket(&mut cassette.out) += count;
        }
    }

    /// Notes that were on the stacker, by cassette, go on to another bucket.
    pub(super) fn count_on(&mut self, notes: &[u32], bucket: impl Fn(&mut Out) -> &mut u32) {
        for (cassette, count) in self.cassettes.iter_mut().zip(notes) {
            let moved = cassette.out.stacked.min(*count);
            cassette.out.stacked -= moved;
            *bucket(&mut cassette.out) += moved;
        }
    }

    /// What the counters say is on the stacker, by cassette.
    pub(super) fn stacked(&self) -> Vec<u32> {
        self.cassettes.iter().map(|cassette| cassette.out.stacked).collect()
    }

    pub(super) fn doubt(&mut self, notes: &[u32]) {
        let touched = self.cassettes.iter_mut().zip(notes).filter(|(_, count)| **count > 0);
        touched.for_each(|(cassette, _)| cassette.doubtful = Doubt::Some);
    }

    /// What these notes are worth, minor units.
    pub(super) fn value(&self, notes: &[u32]) -> i64 {
        self.cassettes.iter().zip(notes).map(|(cassette, count)| cassette.denomination * i64::from(*count)).sum()
    }
}

pub(super) fn largest_first(counts: &BTreeMap<i64, u32>) -> Notes {
    counts.iter().rev().map(|(denomination, count)| (*denomination, *count)).collect()
}

impl Hardware {
    /// The counters as the terminal is told them.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let counters = |(position, cassette): (usize, &Cassette)| CassetteCounters {
            denomination: cassette.denomination,
            currency: self.fitting.currency,
            initial: cassette.initial,
            out: cassette.out.total(),
            presented: cassette.out.presented,
            rejected: cassette.out.rejected,
            unknown: cassette.out.unknown,
            usable: self.usable(position),
            accuracy: match cassette.doubtful {
                Doubt::None => Accuracy::Accurate,
                Doubt::Some => Accuracy::Inaccurate,
            },
        };
        Counters {
            cassettes: self.dispenser.cassettes.iter().enumerate().map(counters).collect(),
            rejected: self.dispenser.rejected(),
            retracted: self.dispenser.retracted(),
            retract_operations: self.dispenser.retract_operations,
            way: self.way(),
        }
    }

    /// Whether the cassette in this position gives notes, by its sensors and counters.
    #[must_use]
    pub fn usable(&self, position: usize) -> Usable {
        let Some(cassette) = self.dispenser.cassettes.get(position) else {
            return Usable::No;
        };
        let left = cassette.initial.saturating_sub(cassette.out.total());
        let low = self.fitting.cassettes.get(position).map_or(0, |fitted| fitted.low);
        match () {
            () if self.faults.stands(Fault::CassetteMissing, position) => Usable::No,
            () if left == 0 || self.faults.stands(Fault::CassetteEmpty, position) => Usable::Empty,
            () if left < low || self.faults.stands(Fault::CassetteLow, position) => Usable::Low,
            () => Usable::Yes,
        }
    }

    /// What lies between cassettes and customer, by the device's sensors and memory.
    #[must_use]
    pub fn way(&self) -> Way {
        let lies = |place| !self.census.is_empty(place);
        match () {
            () if self.dispenser.is_stuck() || self.dispenser.way == WayKnown::No => Way::Unknown,
            () if lies(Place::Exit) => Way::Reachable,
            () if lies(Place::Stacker) || lies(Place::Transport) => Way::Inside,
            () => Way::Clear,
        }
    }
}
