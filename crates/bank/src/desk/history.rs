//! History: an account's entries as its owner sees them, and a machine's transfers as staff do.
//!
//! Order and cursors go by each account's own entry numbers, never by time. A cursor says which entry it follows and
//! is believed only if that entry is the account's own.

use cashpoint_core::id::{AccountNumber, CardId, MachineId, NotAnId, TransferId};
use cashpoint_core::ledger::TransferKind;
use cashpoint_core::money::Amount;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::session::Session;
use cashpoint_core::time::Timestamp;
use cashpoint_core::withdrawal::WithdrawalState;
use data_encoding::BASE64URL_NOPAD;

use super::accounts::reaches;
use super::machines::view_of;
use super::reading::{holder, staff};
use super::{Stop, answered};
use crate::bank::{Answered, Bank};
use crate::store::{HistoryEntry, HistoryQuery, Reads};

/// How many entries are read at once when only some kinds are wanted.
const CHUNK: usize = 500;

/// The most entries on one page, whatever is asked for.
const LARGEST_PAGE: usize = 500;

/// What an entry is, for its owner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EntryKind {
    /// Cash came in, or an opening balance.
    Deposit,
    /// Cash was paid or promised.
    Withdrawal,
    /// Money came from another account.
    TransferIn,
    /// Money went to another account.
    TransferOut,
    /// The fee of an overdraft.
    OverdraftFee,
    /// Money came back.
    Reversal,
    /// Anything else.
    Adjustment,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Deposit,
        Self::Withdrawal,
        Self::TransferIn,
        Self::TransferOut,
        Self::OverdraftFee,
        Self::Reversal,
        Self::Adjustment,
    ];

    /// Its name outside.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
            Self::TransferIn => "transfer_in",
            Self::TransferOut => "transfer_out",
            Self::OverdraftFee => "overdraft_fee",
            Self::Reversal => "reversal",
            Self::Adjustment => "adjustment",
        }
    }

    /// Reads [`Self::name`] back.
    ///
    /// # Errors
    /// [`NotAnId`] for any other text.
    pub fn parse(name: &str) -> Result<Self, NotAnId> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(NotAnId)
    }

    fn of(kind: TransferKind, direction: Direction) -> Self {
        match kind {
            TransferKind::Opening | TransferKind::Deposit | TransferKind::DepositReleased => Self::Deposit,
            TransferKind::Withdrawal
            | TransferKind::WithdrawalApproved
            | TransferKind::OfflineWithdrawal
            | TransferKind::OfflineSuspect => Self::Withdrawal,
            TransferKind::Reversal | TransferKind::FeeReturn | TransferKind::SuspectNotPaid => Self::Reversal,
            TransferKind::OverdraftFee => Self::OverdraftFee,
            TransferKind::Transfer => match direction {
                Direction::Credit => Self::TransferIn,
                Direction::Debit => Self::TransferOut,
            },
            TransferKind::WithdrawalCompleted
            | TransferKind::SuspectPaid
            | TransferKind::Replenishment
            | TransferKind::Removal
            | TransferKind::Shortage
            | TransferKind::Surplus
            | TransferKind::ShortageHeld
            | TransferKind::ShortageResolved
            | TransferKind::DepositHeld
            | TransferKind::DepositPaidOut
            | TransferKind::DepositRefuted
            | TransferKind::WithdrawalOwed
            | TransferKind::WithdrawalRefuted
            | TransferKind::ReturnPaidOut
            | TransferKind::ReturnRefuted => Self::Adjustment,
        }
    }
}

/// Which way the money went, seen from the account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// Out of the account.
    Debit,
    /// Into it.
    Credit,
}

impl Direction {
    /// Its name outside.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debit => "debit",
            Self::Credit => "credit",
        }
    }
}

/// Whether an entry is final.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EntryStatus {
    /// It is.
    Posted,
    /// The machine has not said yet what became of it, or cannot say.
    Pending,
    /// All of it went back, by another entry.
    Reversed,
}

impl EntryStatus {
    /// Its name outside.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Pending => "pending",
            Self::Reversed => "reversed",
        }
    }

    fn of(state: Option<WithdrawalState>) -> Self {
        match state {
            None | Some(WithdrawalState::Completed | WithdrawalState::Partial { .. }) => Self::Posted,
            Some(WithdrawalState::Approved | WithdrawalState::Suspect { .. }) => Self::Pending,
            Some(WithdrawalState::Reversed) => Self::Reversed,
        }
    }
}

/// One entry as seen from an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryView {
    /// Its transaction.
    pub transaction: TransferId,
    /// The account.
    pub account: AccountNumber,
    /// Its place in the account's history: 1, 2, 3 …
    pub number: u64,
    /// What it is.
    pub kind: EntryKind,
    /// Which way.
    pub direction: Direction,
    /// Whether it is final.
    pub status: EntryStatus,
    /// How much, always positive.
    pub amount: Amount,
    /// The account's balance afterwards.
    pub balance: Amount,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub machine: Option<MachineId>,
    /// The other account of a transfer between accounts.
    pub counterparty: Option<AccountNumber>,
    /// The transaction that a reversal gives back.
    pub reverses: Option<TransferId>,
}

/// Which entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryRequest {
    /// Whose history.
    pub account: AccountNumber,
    /// Only this kind.
    pub kind: Option<EntryKind>,
    /// Not before this instant.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
    /// At most so many: 1 to 500; what lies outside counts as the nearer of these.
    pub limit: usize,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// Entries, newest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryPage {
    /// The entries.
    pub entries: Vec<EntryView>,
    /// Where the next page begins; none if this is the last.
    pub next_cursor: Option<String>,
}

/// A transfer that concerned a machine, as staff see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachineEntry {
    /// Its transaction.
    pub transaction: TransferId,
    /// What it is for.
    pub kind: TransferKind,
    /// Whether it is final.
    pub status: EntryStatus,
    /// How much, always positive.
    pub amount: Amount,
    /// When.
    pub at: Timestamp,
    /// The machine.
    pub machine: MachineId,
    /// The customer's account.
    pub account: Option<AccountNumber>,
    /// The card.
    pub card: Option<CardId>,
    /// The transaction that this one completes, corrects or is the fee of.
    pub concerns: Option<TransferId>,
}

/// A machine's transfers, newest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachinePage {
    /// The transfers.
    pub entries: Vec<MachineEntry>,
    /// Where the next page begins; none if this is the last.
    pub next_cursor: Option<String>,
}

impl Bank {
    /// A page of an account's history.
    ///
    /// # Errors
    /// The world failed; so everywhere on the desk.
    pub fn history(&self, session: Session, request: HistoryRequest) -> Answered<HistoryPage> {
        answered(self.look_as(&session, holder, |reads, holder| {
            if reaches(reads, holder, request.account)? {
                page(reads, &request)
            } else {
                Err(Refusal::AccountNotFound.into())
            }
        }))
    }

    /// One transaction, seen from the session's account; from the source, if both are.
    ///
    /// # Errors
    /// The world failed.
    pub fn transaction(&self, session: Session, id: TransferId) -> Answered<EntryView> {
        answered(self.look_as(&session, holder, |reads, holder| {
            let entry = reads.transfer(id)?.ok_or(Refusal::TransactionNotFound)?;
            for side in [entry.transfer.debit(), entry.transfer.credit()] {
                if let Some(account) = side.customer()
                    && reaches(reads, holder, account)?
                    && let Some(view) = seen_from(&entry, account)
                {
                    return Ok(view);
                }
            }
            Err(Refusal::TransactionNotFound.into())
        }))
    }

    /// A page of a machine's transfers.
    ///
    /// # Errors
    /// The world failed.
    pub fn machine_transactions(
        &self,
        session: Session,
        machine: MachineId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Answered<MachinePage> {
        answered(self.report_as(&session, staff, |reads| {
            view_of(reads, machine)?;
            let before = cursor.map(parse_machine_cursor).transpose()?;
            if let Some(id) = before {
                let known = reads.transfer(id)?.filter(|entry| entry.transfer.context.machine == Some(machine));
                known.ok_or(Refusal::InvalidRequest { field: "cursor" })?;
            }
            let limit = limit.clamp(1, LARGEST_PAGE);
            let mut found = reads.machine_transfers(machine, before, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let next_cursor = found.last().filter(|_| more).map(|entry| machine_cursor(entry.transfer.id));
            Ok(MachinePage { entries: found.iter().map(|entry| at_machine(entry, machine)).collect(), next_cursor })
        }))
    }
}

/// Walks from the cursor until the page is full, with one to spare that says whether more remain.
fn page(reads: &mut dyn Reads, request: &HistoryRequest) -> Result<HistoryPage, Stop> {
    let account = request.account;
    let mut before = match &request.cursor {
        None => None,
        Some(text) => Some(known_cursor(reads, account, text)?),
    };
    let limit = request.limit.clamp(1, LARGEST_PAGE);
    let chunk = if request.kind.is_some() { CHUNK.max(limit + 1) } else { limit + 1 };
    let mut entries = Vec::new();
    loop {
        let read =
            reads.history(&HistoryQuery { account, before, from: request.from, to: request.to, limit: chunk })?;
        let views: Vec<_> = read.iter().filter_map(|entry| seen_from(entry, account)).collect();
        before = views.last().map(|view| (view.number, view.transaction));
        entries.extend(views.into_iter().filter(|view| request.kind.is_none_or(|kind| kind == view.kind)));
        if entries.len() > limit || read.len() < chunk {
            break;
        }
    }
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next_cursor = entries.last().filter(|_| more).map(|last| cursor(last.number, last.transaction));
    Ok(HistoryPage { entries, next_cursor })
}

/// The entry as its account sees it; none if it is not this account's.
pub(crate) fn seen_from(entry: &HistoryEntry, account: AccountNumber) -> Option<EntryView> {
    let transfer = &entry.transfer;
    let (debit, credit) = (transfer.debit().customer(), transfer.credit().customer());
    let (direction, own, other) = if debit == Some(account) {
        (Direction::Debit, transfer.debit_entry?, credit)
    } else if credit == Some(account) {
        (Direction::Credit, transfer.credit_entry?, debit)
    } else {
        return None;
    };
    let kind = EntryKind::of(transfer.kind, direction);
    Some(EntryView {
        transaction: transfer.id,
        account,
        number: own.number,
        kind,
        direction,
        status: EntryStatus::of(entry.state),
        amount: transfer.amount(),
        balance: Amount::new(own.balance, transfer.amount().currency()),
        at: transfer.context.at,
        machine: transfer.context.machine,
        counterparty: other,
        reverses: transfer.context.concerns.filter(|_| kind == EntryKind::Reversal),
    })
}

fn at_machine(entry: &HistoryEntry, machine: MachineId) -> MachineEntry {
    let transfer = &entry.transfer;
    MachineEntry {
        transaction: transfer.id,
        kind: transfer.kind,
        status: EntryStatus::of(entry.state),
        amount: transfer.amount(),
        at: transfer.context.at,
        machine,
        account: transfer.debit().customer().or(transfer.credit().customer()),
        card: transfer.context.card,
        concerns: transfer.context.concerns,
    }
}

const BAD_CURSOR: Refusal = Refusal::InvalidRequest { field: "cursor" };

pub(crate) fn cursor(number: u64, transfer: TransferId) -> String {
    BASE64URL_NOPAD.encode(&[number.to_be_bytes().as_slice(), &transfer.bits().to_be_bytes()].concat())
}

pub(crate) fn parse_cursor(text: &str) -> Result<(u64, TransferId), Refusal> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| BAD_CURSOR)?;
    let (number, transfer) = bytes.split_first_chunk().ok_or(BAD_CURSOR)?;
    let transfer = <[u8; 16]>::try_from(transfer).map_err(|_| BAD_CURSOR)?;
    Ok((u64::from_be_bytes(*number), TransferId::new(u128::from_be_bytes(transfer))))
}

/// A cursor that names an entry of this very account: one that was made up must not lead into another's history.
fn known_cursor(reads: &mut dyn Reads, account: AccountNumber, text: &str) -> Result<(u64, TransferId), Stop> {
    let (number, transfer) = parse_cursor(text)?;
    let entry = reads.transfer(transfer)?.and_then(|entry| seen_from(&entry, account));
    match entry {
        Some(entry) if entry.number == number => Ok((number, transfer)),
        Some(_) | None => Err(BAD_CURSOR.into()),
    }
}

pub(crate) fn machine_cursor(transfer: TransferId) -> String {
    BASE64URL_NOPAD.encode(&transfer.bits().to_be_bytes())
}

pub(crate) fn parse_machine_cursor(text: &str) -> Result<TransferId, Refusal> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| BAD_CURSOR)?;
    let bytes = <[u8; 16]>::try_from(bytes.as_slice()).map_err(|_| BAD_CURSOR)?;
    Ok(TransferId::new(u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_the_cursors_it_makes_and_no_others() {
        let transfer = TransferId::new(0x0190_1234_5678_7abc_8def_0123_4567_89ab);
        assert_eq!(parse_cursor(&cursor(u64::MAX, transfer)), Ok((u64::MAX, transfer)));
        assert_eq!(parse_machine_cursor(&machine_cursor(transfer)), Ok(transfer));
        let own = cursor(7, transfer);
        for bad in ["", "x", "=", &own[1..], &format!("{own}AA"), &format!("{own}="), &machine_cursor(transfer), "ä"] {
            assert_eq!(parse_cursor(bad), Err(BAD_CURSOR), "{bad}");
        }
        assert_eq!(parse_machine_cursor(&own), Err(BAD_CURSOR));
    }

    #[test]
    fn names_kinds_as_the_interface_does() {
        for kind in EntryKind::ALL {
            assert_eq!(EntryKind::parse(kind.name()), Ok(kind));
        }
        assert_eq!(EntryKind::parse("opening"), Err(NotAnId));
    }
}
