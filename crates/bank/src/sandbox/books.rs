//! What the books say of play people and of one machine, for a page of a sandbox that stands beside that machine. Nobody
//! logs in for it, and nothing is written.

use cashpoint_core::account::Account;
use cashpoint_core::case::Case;
use cashpoint_core::id::{CustomerId, MachineId};

use super::PEOPLE;
use crate::bank::Bank;
use crate::desk::EntryView;
use crate::desk::history::seen_from;
use crate::execute::Failure;
use crate::store::{HistoryQuery, MachineView};

/// What the books say at one moment, or within a few milliseconds of it.
#[derive(Clone, Debug)]
pub struct Books {
    /// The accounts of everybody in [`PEOPLE`], in that order.
    pub accounts: Vec<Vec<Account>>,
    /// The latest entries of the person asked for, newest first, all accounts together.
    pub entries: Vec<EntryView>,
    /// The machine.
    pub machine: Option<MachineView>,
    /// Its cases that wait for staff, the oldest first.
    pub cases: Vec<Case>,
}

/// Reads them: with at most `limit` entries of this person.
///
/// # Errors
/// The world failed.
///
/// # Panics
/// Outside a sandbox.
pub fn books(bank: &Bank, machine: MachineId, person: CustomerId, limit: usize) -> Result<Books, Failure> {
    assert!(bank.is_sandbox(), "play data belongs in a sandbox");
    bank.read(|reads| {
        let (mut accounts, mut entries) = (Vec::new(), Vec::new());
        for somebody in &PEOPLE {
            accounts.push(reads.accounts(CustomerId::new(somebody.customer))?);
        }
        let own = accounts.iter().flatten().filter(|account| account.identity.customer == person);
        for account in own.map(|account| account.identity.number) {
            let read = reads.history(&HistoryQuery { account, before: None, from: None, to: None, limit })?;
            entries.extend(read.iter().filter_map(|entry| seen_from(entry, account)));
        }
        entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.number)));
        entries.truncate(limit);
        let machine_view = reads.machines(Some(machine))?.into_iter().next();
        Ok(Books { accounts, entries, machine: machine_view, cases: reads.open_cases(machine)? })
    })
}
