//! Histories: an account's, one transaction, a machine's.

use axum::extract::State;
use cashpoint_bank::desk::{EntryKind, EntryView, HistoryRequest, MachineEntry};
use cashpoint_core::id::TransferId;
use cashpoint_wire::answer::history::{EntryAnswer, MachineEntryAnswer, Page};
use cashpoint_wire::request::listing::{HistoryParameters, MachineParameters};

use crate::answer::{Answered, Reply};
use crate::app::App;
use crate::incoming::{Incoming, Segment};

/// No transaction has this id: ids are times and random bits.
const NOBODYS: TransferId = TransferId::new(0);

/// GET `/api/accounts/{account_id}/transactions`
pub(super) async fn history(State(app): State<App>, account: Segment, incoming: Incoming) -> Answered {
    let account = account.account()?;
    let HistoryParameters { kind, from, to, limit, cursor } = HistoryParameters::read(incoming.query()?)?;
    let kind = kind.and_then(|name| EntryKind::parse(name).ok());
    let session = incoming.session(&app)?;
    let request = HistoryRequest { account, kind, from, to, limit, cursor };
    let page = app.at_desk(move |bank| bank.history(session, request)).await?;
    let transactions = page.entries.iter().map(entry).collect();
    Ok(Reply::ok(&Page { transactions, next_cursor: page.next_cursor }))
}

/// GET `/api/transactions/{transaction_id}`
pub(super) async fn show(State(app): State<App>, id: Segment, incoming: Incoming) -> Answered {
    // What is no id names no transaction.
    let id = TransferId::parse(id.text()).unwrap_or(NOBODYS);
    incoming.no_query()?;
    let session = incoming.session(&app)?;
    let view = app.at_desk(move |bank| bank.transaction(session, id)).await?;
    Ok(Reply::ok(&entry(&view)))
}

/// GET `/api/transactions?atm_id=`
pub(super) async fn of_machine(State(app): State<App>, incoming: Incoming) -> Answered {
    let MachineParameters { machine, limit, cursor } = MachineParameters::read(incoming.query()?)?;
    let session = incoming.session(&app)?;
    let read = app.at_desk(move |bank| bank.machine_transactions(session, machine, cursor.as_deref(), limit));
    let page = read.await?;
    let transactions = page.entries.iter().map(machine_entry).collect();
    Ok(Reply::ok(&Page { transactions, next_cursor: page.next_cursor }))
}

fn entry(view: &EntryView) -> EntryAnswer {
    EntryAnswer {
        transaction_id: view.transaction,
        kind: view.kind.name(),
        direction: view.direction.name(),
        status: view.status.name(),
        amount: view.amount.into(),
        balance: view.balance.into(),
        currency: view.amount.currency(),
        transaction_date: view.at,
        atm_id: view.machine,
        counterparty_account_id: view.counterparty,
        reverses: view.reverses,
    }
}

fn machine_entry(entry: &MachineEntry) -> MachineEntryAnswer {
    MachineEntryAnswer {
        transaction_id: entry.transaction,
        kind: entry.kind.name(),
        status: entry.status.name(),
        amount: entry.amount.into(),
        currency: entry.amount.currency(),
        transaction_date: entry.at,
        atm_id: entry.machine,
        account_id: entry.account,
        card_id: entry.card,
        concerns: entry.concerns,
    }
}
