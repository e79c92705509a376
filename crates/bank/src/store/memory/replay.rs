//! Writing everything that was committed into a file, or to where it can be scanned as one.
//!
//! Groups come in their order and with what they added. Rows that change are kept only as they are now, so they come with
//! the last group; what an earlier one cannot be written without comes with it too.

use std::path::Path;

use cashpoint_core::change::{Changes, New};
use cashpoint_core::id::RequestId;
use cashpoint_core::ledger::LedgerAccount;
use cashpoint_core::machine::CashAccount;

use rusqlite::Connection;

use super::state::{Added, Group, State};
use super::{MemoryBank, MemoryError};
use crate::bank::Mode;
use crate::store::records::Records;
use crate::store::sqlite::{Filling, SqliteError};

impl MemoryBank {
    /// Writes the bank into a new file, as if its groups had been committed there: every row is the same, and `verify`
    /// judges it as it would judge this.
    ///
    /// # Errors
    /// There is no bank here yet, there is one in the file already, or the file cannot be written, perhaps because the
    /// schema refuses what was taken here.
    pub fn write_to(&self, path: &Path) -> Result<(), SqliteError> {
        self.replay(|mode| Filling::file(path, mode)).map(drop)
    }

    /// Everything that is recorded, as of the last commit, for reading from end to end as a file's is.
    ///
    /// # Errors
    /// As [`Self::write_to`].
    pub fn records(&self) -> Result<Records, SqliteError> {
        self.replay(Filling::nowhere).map(Records::of)
    }

    fn replay(&self, to: impl FnOnce(Mode) -> Result<Filling, SqliteError>) -> Result<Connection, SqliteError> {
        // A copy, so that commits go on.
        let state = self.lock().state.clone();
        let mode = state.mode.ok_or_else(|| SqliteError::Database(MemoryError::Empty.into()))?;
        let mut filling = to(mode)?;
        state.replay(&mut filling)?;
        filling.finish()
    }
}

impl State {
    fn replay(&self, to: &mut Filling) -> Result<(), SqliteError> {
        let mut writers = 0;
        for (at, group) in (1..).zip(&self.groups) {
            while writers < group.position.writer {
                to.writer()?;
                writers += 1;
            }
            let mut changes = self.changes(group);
            if at == self.groups.len() {
                self.everything(&mut changes);
            }
            to.group(group.position, &changes)?;
        }
        for _ in writers..self.writers {
            to.writer()?;
        }
        Ok(())
    }

    /// What a group added, and what that cannot be without.
    fn changes(&self, group: &Group) -> Changes {
        let mut changes = Changes::new(group.stamp);
        changes.day = group.day;
        changes.new = group.added.iter().map(|added| self.again(added)).collect();
        changes.profiles = group
            .profiles
            .iter()
            .map(|(profile, retired)| (profile.customer, (profile.clone(), retired.clone())))
            .collect();
        for new in &changes.new {
            match new {
                New::Event(event) => {
                    let row = self.customers.get(&event.customer).map(|person| (event.customer, person.row));
                    changes.customers.extend(row);
                }
                New::DeadLetter(letter) => {
                    changes
                        .feeds
                        .extend(self.feeds.get_key_value(&letter.channel).map(|(key, row)| (*key, row.clone())));
                }
                New::Transfer(_)
                | New::Audit(_)
                | New::Request(..)
                | New::Account(_)
                | New::Cash(_)
                | New::Customer(..)
                | New::Session(..)
                | New::Card(..)
                | New::Machine(..)
                | New::Withdrawal(..)
                | New::Operator(_)
                | New::Policy(..)
                | New::Notice(_) => {}
            }
        }
        changes
    }

    fn again(&self, added: &Added) -> New {
        match added {
            Added::Transfer(at) => New::Transfer(self.transfers[*at].transfer.clone()),
            Added::Event(at) => New::Event(self.events[*at].delivered.event),
            Added::Request(key) => {
                let recorded = &self.requests[key];
                New::Request(RequestId { key: *key, content: recorded.content }, recorded.outcome.clone())
            }
            Added::Other(new) => New::clone(new),
        }
    }

    /// Every row as it is now.
    fn everything(&self, to: &mut Changes) {
        let decided = |account: &LedgerAccount| match account {
            LedgerAccount::AtmCash(..) | LedgerAccount::AtmInFlight(..) => true,
            // What these come to is added up from the transfers.
            LedgerAccount::Bank(..) | LedgerAccount::Counter(..) | LedgerAccount::Customer(_) => false,
        };
        let cash = self.internal.iter().filter(|(account, _)| decided(account));
        to.cash =
            cash.map(|(account, totals)| (*account, CashAccount { account: *account, totals: *totals })).collect();
        to.accounts.extend(&self.accounts);
        to.daily.extend(&self.daily);
        to.withdrawals = self.withdrawals.iter().map(|(id, kept)| (*id, kept.row)).collect();
        to.cases.clone_from(&self.cases);
        to.customers = self.customers.iter().map(|(id, person)| (*id, person.row)).collect();
        let passwords = self.customers.iter().filter_map(|(id, person)| Some((*id, person.password.clone()?)));
        to.passwords = passwords.collect();
        to.sessions = self.sessions.iter().map(|(id, (_, row))| (*id, *row)).collect();
        to.tries.extend(&self.tries);
        to.cards = self.cards.iter().map(|(id, card)| (*id, card.row)).collect();
        to.pins.extend(&self.pins);
        self.every_place(to);
        to.terminals = self.terminals.iter().map(|(id, row)| (*id, row.clone())).collect();
        to.terminal_keys = self.terminal_keys.iter().map(|(id, keys)| (*id, keys.clone())).collect();
        to.replenishments.clone_from(&self.replenishments);
        to.notices_told.clone_from(&self.told);
        to.feeds.clone_from(&self.feeds);
        to.waiting = self.waiting.iter().map(|(key, row)| (*key, Some(row.clone()))).collect();
        for (customer, own) in &self.wishes {
            to.wishes.extend(own.iter().map(|(channel, wish)| ((*customer, *channel), Some(wish.clone()))));
        }
    }

    fn every_place(&self, to: &mut Changes) {
        for (id, place) in &self.machines {
            to.machines.insert(*id, place.row.clone());
            to.holdings.insert(*id, place.holdings.clone());
            to.visits.extend(place.visits.iter().map(|(card, at)| ((*id, *card), *at)));
        }
    }
}
