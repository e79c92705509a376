//! The receipt printer: paper, a cutter, a slot.

use cashpoint_core::terminal::device::{Answer, Event, Failure, Report, Unit};
use serde::{Deserialize, Serialize};

use super::{Fault, Happening, Hardware, Outcome, Step, Stopped};

/// The paper counts as low below this many receipts.
const LOW: u32 = 20;

/// The printer.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Printer {
    left: u32,
    /// The receipt in the slot. It names accounts, so it never reaches a disk.
    #[serde(skip)]
    receipt: Option<Vec<String>>,
}

impl std::fmt::Debug for Printer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Printer").field("left", &self.left).finish_non_exhaustive()
    }
}

/// How much paper there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Paper {
    /// Enough.
    Full,
    /// Little.
    Low,
    /// None.
    Out,
}

impl Printer {
    pub(super) const fn new(receipts: u32) -> Self {
        Self { left: receipts, receipt: None }
    }

    /// Receipts that the paper lasts for.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// How much paper there is.
    #[must_use]
    pub const fn paper(&self) -> Paper {
        match self.left {
            0 => Paper::Out,
            left if left < LOW => Paper::Low,
            _ => Paper::Full,
        }
    }

    /// The receipt in the slot, as its lines.
    #[must_use]
    pub fn receipt(&self) -> Option<&[String]> {
        self.receipt.as_deref()
    }
}

impl Hardware {
    pub(super) fn print(&mut self, lines: &[String]) -> Outcome {
        self.before(Unit::Printer, Step::Print)?;
        if self.printer.left == 0 || self.faults.happens(Fault::PaperOut, Step::Print) {
            return Err(self.printer_fails(Failure::PaperOut));
        }
        if self.jams(Step::Print) {
            return Err(self.printer_fails(Failure::Jam));
        }
        self.printer.left -= 1;
        self.printer.receipt = Some(lines.to_vec());
        self.after(Unit::Printer, Step::Print)?;
        Ok(Answer::Printed)
    }

    fn printer_fails(&mut self, failure: Failure) -> Stopped {
        self.note(Happening::StatusChanged(Unit::Printer));
        failure.into()
    }

    pub(super) fn hand_receipt_over(&mut self) -> Vec<Report> {
        self.printer.receipt = None;
        self.event(Unit::Printer, Event::ReceiptTaken)
    }
}
