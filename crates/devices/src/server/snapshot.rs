//! The counters at one moment, to tell afterwards what changed.

use cashpoint_core::mix::Notes;
use cashpoint_core::terminal::device::Usable;

use crate::model::{Doubt, Hardware, Out, Paper};

/// The counters of all devices.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) cassettes: Vec<CassetteCount>,
    pub(super) rejected: Notes,
    pub(super) retracted: Notes,
    pub(super) retract_operations: u32,
    pub(super) deposited: Notes,
    pub(super) retained: u32,
    pub(super) paper: Option<Paper>,
}

/// One cassette's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CassetteCount {
    pub(super) initial: u32,
    pub(super) out: Out,
    pub(super) usable: Usable,
    pub(super) doubtful: Doubt,
}

impl Snapshot {
    pub(super) fn of(hardware: &Hardware) -> Self {
        let dispenser = hardware.dispenser();
        let cassettes = dispenser.cassettes().iter().enumerate().map(|(position, cassette)| CassetteCount {
            initial: cassette.initial,
            out: cassette.out,
            usable: hardware.usable(position),
            doubtful: cassette.doubtful,
        });
        Self {
            cassettes: cassettes.collect(),
            rejected: dispenser.rejected(),
            retracted: dispenser.retracted(),
            retract_operations: dispenser.retract_operations(),
            deposited: hardware.acceptor().deposited(),
            retained: hardware.card_reader().retained(),
            paper: Some(hardware.printer().paper()),
        }
    }
}

/// What came to one count since another.
pub(super) fn added(before: &Notes, after: &Notes) -> Notes {
    let was =
        |denomination: i64| before.iter().find(|(known, _)| *known == denomination).map_or(0, |(_, count)| *count);
    let more = after.iter().map(|(denomination, count)| (*denomination, count.saturating_sub(was(*denomination))));
    more.filter(|(_, count)| *count > 0).collect()
}
