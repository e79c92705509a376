//! What the machine can do now, and which notes it would pay.
//!
//! What a particular card may have is decided when it asks.

use crate::mix::{self, Cassette};
use crate::money::Amount;

use super::device::{CassetteCounters, Unit, Usable};
use super::link::{Availability, OperationId};
use super::machine::Machine;
use super::offline::{self, Asked, Means, PinRight, Room};
use super::screen::Services;
use super::settings::{Mix, OfflineBalance, OfflineDeposit, OfflineTransfer, OfflineWithdrawal, PartitionPolicy};

/// For whom it is asked what can be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Whom<'a> {
    /// Whoever comes.
    Anybody,
    /// Somebody with a session at the host.
    InSession,
    /// Somebody whose PIN was compared here: without a session the host does nothing for them, though it may be back.
    WithoutSession(&'a PinRight),
}

impl Machine {
    /// Whether customers are served at all.
    pub(super) fn serves(&self) -> bool {
        let essential = [Unit::CardReader, Unit::PinPad].into_iter().all(|unit| self.devices.works(unit));
        let willing = self.service == Availability::In && !self.is_serviced();
        essential && willing && self.journal.writes() && self.settings().is_some()
    }

    /// Whether nothing that moved cash is unsettled: the machine does one such thing at a time.
    pub(super) fn is_cash_settled(&self) -> bool {
        self.journal.book().open().is_none() && !self.cash.is_settling() && !self.intake.is_settling()
    }

    /// The same, when this deposit is the one that is open.
    pub(super) fn is_cash_settled_but_for(&self, deposit: OperationId) -> bool {
        let others = self.journal.book().open().is_some_and(|open| open.id() != deposit);
        !others && !self.cash.is_settling() && !self.intake.is_settling()
    }

    /// What can be done now.
    pub(super) fn services(&self, whom: Whom<'_>) -> Services {
        let policy = self.settings().map_or(PartitionPolicy::STRICT, |settings| settings.partition);
        let online = match whom {
            Whom::Anybody | Whom::InSession => self.uplink.is_online(),
            Whom::WithoutSession(_) => false,
        };
        let writes = self.journal.writes();
        let room = self.journal.room() == Room::Enough;
        let pays = self.devices.works(Unit::Dispenser) && self.is_cash_settled() && self.has_cash();
        let takes = self.devices.works(Unit::Acceptor) && self.is_cash_settled() && room;
        Services {
            host: self.uplink.connection(),
            withdrawal: writes && pays && (online || self.pays_offline(&policy, whom)),
            deposit: writes && takes && (online || policy.deposit == OfflineDeposit::Store),
            transfer: writes && (online || (policy.transfer == OfflineTransfer::Store && room)),
            balance: online || policy.balance == OfflineBalance::Stale,
            statement: online,
            pin_change: online,
            receipt: self.prints(),
        }
    }

    /// Whether there are receipts.
    pub(super) fn prints(&self) -> bool {
        self.devices.works(Unit::Printer)
    }

    fn has_cash(&self) -> bool {
        self.cassettes().iter().any(|cassette| cassette.count > 0)
    }

    fn pays_offline(&self, policy: &PartitionPolicy, whom: Whom<'_>) -> bool {
        match (policy.withdrawal, whom) {
            (OfflineWithdrawal::Refuse, _) => false,
            (OfflineWithdrawal::Limited(_), Whom::Anybody | Whom::InSession) => self.journal.book().lease_left() > 0,
            (OfflineWithdrawal::Limited(_), Whom::WithoutSession(holder)) => self.payable_offline(holder).is_some(),
        }
    }

    /// The most that this card could be paid now without the host.
    pub(super) fn payable_offline(&self, holder: &PinRight) -> Option<Amount> {
        let asked = Asked { holder, now: self.now };
        offline::payable(self.journal.book(), &asked, self.means()).ok()
    }

    /// What there is to pay cash with while the host is away.
    pub(super) fn means(&self) -> Means {
        Means { held: self.cash.nonce(), room: self.journal.room() }
    }

    /// The cassettes by position, empty where they cannot give notes of the machine's currency.
    pub(super) fn cassettes(&self) -> Vec<Cassette> {
        let currency = self.settings().map(|settings| settings.currency);
        let gives = |cassette: &CassetteCounters| match cassette.usable {
            Usable::Yes | Usable::Low => Some(cassette.currency) == currency,
            Usable::Empty | Usable::No => false,
        };
        let counters = self.cash.counters().map_or(&[][..], |counters| &counters.cassettes);
        let notes = |cassette: &CassetteCounters| Cassette {
            denomination: cassette.denomination,
            count: if gives(cassette) { cassette.left() } else { 0 },
        };
        counters.iter().map(notes).collect()
    }

    /// The notes to pay an amount with, by cassette position.
    ///
    /// # Errors
    /// The nearest amounts that could be paid, if this one cannot.
    pub(super) fn notes_for(&self, amount: Amount) -> Result<Vec<u32>, Vec<Amount>> {
        let Some(settings) = self.settings() else { return Err(Vec::new()) };
        let cassettes = self.cassettes();
        let choose = match settings.mix {
            Mix::Least => mix::least_notes,
            Mix::Even => mix::even,
        };
        let wanted = Some(amount.minor()).filter(|minor| *minor > 0 && amount.currency() == settings.currency);
        if let Some(notes) = wanted.and_then(|minor| choose(&cassettes, minor, settings.most_notes)) {
            return Ok(notes);
        }
        let nearest = mix::nearest(&cassettes, amount.minor(), settings.most_notes);
        let limit = settings.withdrawal_limit.minor();
        let each = nearest.below.into_iter().chain(nearest.above).filter(|minor| *minor <= limit);
        Err(each.map(|minor| Amount::new(minor, settings.currency)).collect())
    }
}
