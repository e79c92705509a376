//! What the devices' services can do beyond the terminal's vocabulary: tell a status for any nonce, make the pad's own block,
//! put themselves in order, let staff exchange cassettes and declare what is in them.

use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::device::{Answer, Bin, Failure, Filling, Report, Unit};
use cashpoint_wire::present_status::TokenNonce;
use zeroize::Zeroizing;

use super::acceptor::{CashInMemory, Jam};
use super::dispenser::{Doubt, Exchange, Out, WayKnown};
use super::{Happening, Hardware, Place};

/// Something to do that does not fit the state of the exchange: one is active already, or none is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ExchangeState;

impl Hardware {
    /// What became of the last dispense, signed for a nonce of any length.
    pub(crate) fn tell_present_status(&mut self, nonce: Option<&TokenNonce>) -> Vec<Report> {
        let outcome = self.read_present_status(nonce).map(Answer::PresentStatus);
        self.end(Unit::Dispenser, outcome)
    }

    /// The counters are read: what that brings is the service's to say, unless something breaks.
    ///
    /// # Errors
    /// What the dispenser reports instead.
    pub(crate) fn tell_counters(&mut self) -> Result<(), Vec<Report>> {
        match self.read_counters() {
            Ok(_) if self.is_heard(Unit::Dispenser) => Ok(()),
            outcome => Err(self.end(Unit::Dispenser, outcome)),
        }
    }

    /// The format 0 block of the PIN held, under the pad's own key.
    ///
    /// # Errors
    /// What the pad reports instead.
    pub(crate) fn tell_own_block(&mut self, pan: &Pan) -> Result<Zeroizing<[u8; 8]>, Vec<Report>> {
        match self.own_block(pan) {
            Ok(block) if self.is_heard(Unit::PinPad) => Ok(block),
            // Nothing is told if the connection drops: the answer does not matter then.
            Ok(_) => Err(self.end(Unit::PinPad, Ok(Answer::KeysEnded))),
            Err(stopped) => Err(self.end(Unit::PinPad, Err(stopped))),
        }
    }

    /// Moves everything that lies about in the dispenser into the retract bin, uncounted, and forgets a jam. Says whether
    /// there was anything.
    pub(crate) fn reset_dispenser(&mut self) -> Found {
        let places = [Place::Transport, Place::Stacker, Place::Exit];
        let lies = places.iter().any(|place| !self.census.is_empty(*place));
        self.close_shutter();
        places.into_iter().for_each(|place| _ = self.census.shift_all(place, Place::RetractBin));
        if lies {
            self.dispenser.retract_operations += 1;
            if self.dispenser.record.state == super::Reached::Presented {
                self.dispenser.record.returned = super::Returned::Uncounted;
            }
        }
        self.dispenser.clear_way();
        self.dispenser.jam = Jam::No;
        self.dispenser.way = WayKnown::Yes;
        self.dispenser.motion = None;
        self.note(Happening::CountsChanged(Unit::Dispenser));
        self.note(Happening::StatusChanged(Unit::Dispenser));
        if lies { Found::Notes } else { Found::Nothing }
    }

    /// Moves everything that lies about in the acceptor into the deposit bin, uncounted, and forgets a jam.
    pub(crate) fn reset_acceptor(&mut self) -> Found {
        let lies = !self.census.is_empty(Place::AcceptorTransport) || !self.census.is_empty(Place::Escrow);
        self.census.shift_all(Place::AcceptorTransport, Place::DepositBin);
        self.census.shift_all(Place::Escrow, Place::DepositBin);
        self.acceptor.clear_jam();
        self.acceptor.forget(lies.then_some(CashInMemory::Unknown));
        self.note(Happening::StatusChanged(Unit::Acceptor));
        if lies { Found::Notes } else { Found::Nothing }
    }

    /// Whether staff are exchanging what the dispenser or the acceptor holds.
    pub(crate) const fn exchange(&self, unit: Unit) -> Exchange {
        match unit {
            Unit::Acceptor => self.acceptor.exchange,
            Unit::Dispenser | Unit::CardReader | Unit::PinPad | Unit::Printer => self.dispenser.exchange,
        }
    }

    /// Staff begin or end an exchange of what the dispenser or the acceptor holds.
    ///
    /// # Errors
    /// [`ExchangeState`] if it is so already.
    pub(crate) fn set_exchange(&mut self, unit: Unit, exchange: Exchange) -> Result<(), ExchangeState> {
        if self.exchange(unit) == exchange {
            return Err(ExchangeState);
        }
        match unit {
            Unit::Acceptor => self.acceptor.exchange = exchange,
            Unit::Dispenser | Unit::CardReader | Unit::PinPad | Unit::Printer => self.dispenser.exchange = exchange,
        }
        Ok(())
    }

    /// An exchange of cassettes begins; one that is active goes on.
    pub(super) fn start_exchange(&mut self) -> Answer {
        self.dispenser.exchange = Exchange::Active;
        Answer::ExchangeStarted
    }

    /// The units hold what staff say, and the exchange is over.
    pub(super) fn end_exchange(&mut self, filling: &Filling) -> Result<Answer, Failure> {
        if self.dispenser.exchange != Exchange::Active {
            return Err(Failure::Sequence);
        }
        for (position, notes) in filling.cassettes.iter().enumerate() {
            if let Some(notes) = notes {
                self.declare(position, *notes);
            }
        }
        filling.emptied.iter().for_each(|bin| self.declare_empty(*bin));
        self.dispenser.exchange = Exchange::Inactive;
        Ok(Answer::ExchangeEnded)
    }

    /// Staff say that the deposit bin is empty, in an exchange of its own.
    pub(super) fn empty_deposits(&mut self) -> Result<Answer, Failure> {
        if self.acceptor.state() == CashInMemory::Active {
            return Err(Failure::Sequence);
        }
        self.declare_empty(Bin::Deposit);
        self.acceptor.exchange = Exchange::Inactive;
        Ok(Answer::DepositsEmptied)
    }

    /// Staff say how many notes are in a cassette now; its other counts begin anew. Whether it is true, nobody checks.
    pub(crate) fn declare(&mut self, position: usize, notes: u32) {
        let Some(cassette) = self.dispenser.cassettes.get_mut(position) else { return };
        cassette.initial = notes;
        cassette.out = Out { stacked: cassette.out.stacked, transport: cassette.out.transport, ..Out::default() };
        cassette.doubtful = Doubt::None;
        self.note(Happening::CountsChanged(Unit::Dispenser));
    }

    /// Staff say that a bin is empty: its counts begin anew. Whether it is true, nobody checks.
    pub(crate) fn declare_empty(&mut self, bin: Bin) {
        match bin {
            Bin::Deposit => self.acceptor.forget_deposits(),
            Bin::Reject => self.dispenser.rejected.clear(),
            Bin::Retract => {
                self.dispenser.retracted.clear();
                self.dispenser.retract_operations = 0;
            }
        }
        self.note(Happening::CountsChanged(if bin == Bin::Deposit { Unit::Acceptor } else { Unit::Dispenser }));
    }

    /// Below how many notes a cassette counts as low.
    pub(crate) fn set_low(&mut self, position: usize, low: u32) {
        if let Some(cassette) = self.fitting.cassettes.get_mut(position) {
            cassette.low = low;
        }
    }
}

/// Whether a reset found anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// Notes.
    Notes,
    /// Nothing.
    Nothing,
}
