//! Reading rows by key, in table order, then key order: locked for a group, or as they stand for a reader.
//!
//! Where a row's lock protects others too (a customer's daily use, a terminal's leases, a feed's places), those are read
//! by a later statement: it sees what was committed before the lock was had.

use std::collections::{BTreeSet, HashMap};

use cashpoint_core::card::PinKey;
use cashpoint_core::customer::Tries;
use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, FeedHolder, MachineId, TransferId};
use cashpoint_core::notification::{Cursor, Feed, Place};

use super::link::{Answer, Query, column};
use super::values::Uuid;
use crate::store::daily::Day;
use crate::store::rows::{self, Row as _};
use crate::store::{StoreError, terminals};

type Row = tokio_postgres::Row;

/// Whether others must wait until the group is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// They must.
    Group,
    /// Nobody waits: a reader.
    Nothing,
}

/// What the rows of a group say apart from what decisions know.
#[derive(Default)]
pub(super) struct Held {
    pub(super) customers: HashMap<CustomerId, Known>,
    /// Machines' last transfers.
    pub(super) heads: HashMap<MachineId, Option<TransferId>>,
    /// Keys that were looked for and have no row.
    pub(super) absent: Keys,
}

impl Held {
    /// Takes in what another read. What is here already may be newer.
    pub(super) fn learn(&mut self, other: Self) {
        for (customer, known) in other.customers {
            self.customers.entry(customer).or_insert(known);
        }
        for (machine, head) in other.heads {
            self.heads.entry(machine).or_insert(head);
        }
    }
}

/// What a customer's row says apart from what decisions know.
#[derive(Clone, Copy, Default)]
pub(super) struct Known {
    /// Their last event.
    pub(super) last_event: Option<i64>,
    /// The day whose use stands there.
    pub(super) used: Option<Day>,
}

/// What is being put together from rows.
pub(super) struct Taking<'a> {
    pub(super) facts: &'a mut Facts,
    pub(super) held: &'a mut Held,
    pub(super) keys: &'a Keys,
}

/// Takes a row in.
pub(super) type Take = fn(&Row, &mut Taking<'_>) -> Result<(), StoreError>;

/// A statement, and what to do with its rows.
pub(super) type Ask<'a> = (Query<'a>, Take);

/// A statement as it is for readers, and with its locks.
macro_rules! sql {
    ($lock:expr, $sql:literal, $suffix:literal) => {
        match $lock {
            Lock::Group => concat!($sql, " ", $suffix),
            Lock::Nothing => $sql,
        }
    };
}

/// Everything that is to be asked for these keys, in order.
pub(super) fn asks(keys: &Keys, lock: Lock) -> Vec<Ask<'_>> {
    let mut asks = Vec::with_capacity(16);
    money(keys, lock, &mut asks);
    people(keys, lock, &mut asks);
    cards(keys, lock, &mut asks);
    places(keys, lock, &mut asks);
    rest(keys, lock, &mut asks);
    asks
}

/// Takes in what was answered.
pub(super) fn take(takes: &[Take], answers: &[Answer], taking: &mut Taking<'_>) -> Result<(), StoreError> {
    for (take, answer) in takes.iter().zip(answers) {
        for row in &answer.rows {
            take(row, taking)?;
        }
    }
    let Taking { facts, held, keys } = taking;
    facts.settle_rows(keys);
    // For these an absent row is written by adding it, so that whoever else found it absent is refused.
    let Keys { pins, tries, cases, visits, terminals, feeds, .. } = keys;
    held.absent = Keys {
        pins: pins.iter().filter(|key| facts.pins.find(key).is_none()).copied().collect(),
        tries: tries.iter().filter(|key| facts.tries.find(key).is_none()).copied().collect(),
        cases: cases.iter().filter(|key| facts.cases.find(key).is_none()).copied().collect(),
        visits: visits.iter().filter(|key| facts.visits.find(key).is_none()).copied().collect(),
        terminals: terminals.iter().filter(|key| facts.terminals.find(key).is_none()).copied().collect(),
        feeds: feeds.iter().filter(|key| facts.feeds.find(key).is_none()).copied().collect(),
        ..Keys::default()
    };
    Ok(())
}

fn ask<'a>(asks: &mut Vec<Ask<'a>>, query: Query<'a>, take: Take) {
    asks.push((query, take));
}

/// An account number as a row id; none for one that no row can have.
pub(super) fn row_id(number: AccountNumber) -> Option<i64> {
    i64::try_from(number.number()).ok()
}

fn names<'a>(machines: impl IntoIterator<Item = &'a MachineId>) -> Vec<&'a str> {
    machines.into_iter().map(MachineId::as_str).collect()
}

fn money<'a>(keys: &'a Keys, lock: Lock, asks: &mut Vec<Ask<'a>>) {
    if !keys.accounts.is_empty() {
        let sql = sql!(
            lock,
            "SELECT id, customer, product, currency, opened, debits, credits, entries, head, closed
             FROM accounts WHERE id = ANY ($1) AND customer IS NOT NULL ORDER BY id",
            "FOR NO KEY UPDATE"
        );
        let ids = column(keys.accounts.iter().copied().filter_map(row_id));
        ask(asks, Query::new(sql, vec![ids]), |row, taking| {
            let account = rows::account(row)?;
            taking.facts.accounts.put(account.identity.number, Some(account));
            Ok(())
        });
    }
    if !keys.cash.is_empty() {
        let sql = sql!(
            lock,
            "SELECT code, debits, credits FROM accounts WHERE code = ANY ($1) ORDER BY code",
            "FOR NO KEY UPDATE"
        );
        ask(asks, Query::new(sql, vec![column(keys.cash.iter().map(ToString::to_string))]), |row, taking| {
            let cash = rows::cash(row)?;
            taking.facts.cash.put(cash.account, Some(cash));
            Ok(())
        });
    }
}

fn people<'a>(keys: &'a Keys, lock: Lock, asks: &mut Vec<Ask<'a>>) {
    let users = keys.daily.iter().map(|(customer, ..)| *customer);
    let customers: BTreeSet<CustomerId> = keys.customers.iter().copied().chain(users).collect();
    if !customers.is_empty() {
        let ids = column(customers.iter().map(|id| id.number()));
        ask(asks, Query::new(customers_sql(lock), vec![ids]), take_customer);
    }
    if !keys.profiles.is_empty() {
        let sql = sql!(lock, "SELECT * FROM customers WHERE id = ANY ($1) ORDER BY id", "FOR NO KEY UPDATE");
        ask(asks, Query::new(sql, vec![column(keys.profiles.iter().map(|id| id.number()))]), |row, taking| {
            let profile = rows::profile(row)?;
            taking.facts.profiles.put(profile.customer, Some(profile));
            Ok(())
        });
    }
    if !keys.sessions.is_empty() {
        let sql = sql!(
            lock,
            "SELECT id, active, generation, ended, why FROM session_states WHERE id = ANY ($1) ORDER BY id",
            "FOR NO KEY UPDATE"
        );
        ask(asks, Query::new(sql, vec![column(keys.sessions.iter().map(|id| id.number()))]), |row, taking| {
            let state = rows::session_state(row)?;
            taking.facts.know_stored(&state);
            Ok(())
        });
    }
    if !keys.tries.is_empty() {
        let sql = sql!(
            lock,
            "SELECT identity, arrival FROM tries WHERE identity = ANY ($1) ORDER BY identity",
            "FOR NO KEY UPDATE"
        );
        ask(asks, Query::new(sql, vec![column(keys.tries.iter().map(<[u8; 32]>::as_slice))]), |row, taking| {
            let tries = Tries { arrival: rows::whole(row, "arrival")? };
            taking.facts.tries.put(rows::array(row, "identity")?, Some(tries));
            Ok(())
        });
    }
    daily(keys, asks);
}

/// Customers' rows: what decisions know of them, the head of their events, the use of the newest date.
pub(super) fn customers_sql(lock: Lock) -> &'static str {
    sql!(
        lock,
        "SELECT id, events, generation, password_version, last_event, used_on, used_currency, used_withdrawn AS withdrawn,
             used_deposited AS deposited, used_transferred AS transferred
         FROM customer_states WHERE id = ANY ($1) ORDER BY id",
        "FOR NO KEY UPDATE"
    )
}

/// What a customer's row says apart from what decisions know.
pub(super) fn known(row: &Row) -> Result<Known, StoreError> {
    let used = match row.whole("used_on")? {
        None => None,
        Some(_) => Some((rows::date(row, "used_on")?, rows::currency(row, "used_currency")?)),
    };
    Ok(Known { last_event: row.whole("last_event")?, used })
}

fn take_customer(row: &Row, taking: &mut Taking<'_>) -> Result<(), StoreError> {
    let customer = rows::customer(row)?;
    let known = known(row)?;
    taking.held.customers.insert(customer.id, known);
    if let Some((date, currency)) = known.used
        && taking.keys.daily.contains(&(customer.id, date, currency))
    {
        taking.facts.daily.put((customer.id, date, currency), Some(rows::daily_use(row)?));
    }
    if taking.keys.customers.contains(&customer.id) {
        taking.facts.customers.put(customer.id, Some(customer));
    }
    Ok(())
}

/// Use that does not stand in customers' rows, after these.
fn daily<'a>(keys: &'a Keys, asks: &mut Vec<Ask<'a>>) {
    if keys.daily.is_empty() {
        return;
    }
    let sql = "SELECT d.date, d.customer, d.currency, d.withdrawn, d.deposited, d.transferred
         FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS k (date, customer, currency)
             JOIN daily_use d ON d.date = k.date AND d.customer = k.customer AND d.currency = k.currency";
    let values = vec![
        column(keys.daily.iter().map(|(_, date, _)| i64::from(date.days()))),
        column(keys.daily.iter().map(|(customer, ..)| customer.number())),
        column(keys.daily.iter().map(|(.., currency)| currency.code())),
    ];
    ask(asks, Query::new(sql, values), |row, taking| {
        let key = (rows::customer_id(row, "customer")?, rows::date(row, "date")?, rows::currency(row, "currency")?);
        taking.facts.daily.put(key, Some(rows::daily_use(row)?));
        Ok(())
    });
}

fn cards<'a>(keys: &'a Keys, lock: Lock, asks: &mut Vec<Ask<'a>>) {
    if !keys.cards.is_empty() {
        let sql = sql!(
            lock,
            "SELECT id, state, verifier_version, verifier, session FROM card_states WHERE id = ANY ($1) ORDER BY id",
            "FOR NO KEY UPDATE"
        );
        ask(asks, Query::new(sql, vec![column(keys.cards.iter().map(|id| id.number()))]), |row, taking| {
            let card = rows::card(row)?;
            taking.facts.cards.put(card.id, Some(card));
            Ok(())
        });
    }
    let known: Vec<i64> =
        keys.pins.iter().filter_map(|key| if let PinKey::Card(id) = key { Some(id.number()) } else { None }).collect();
    if !known.is_empty() {
        let sql = sql!(
            lock,
            "SELECT card, state, wrong, blocks, until FROM card_pins WHERE card = ANY ($1) ORDER BY card",
            "FOR NO KEY UPDATE"
        );
        ask(asks, Query::new(sql, vec![column(known)]), |row, taking| {
            let key = PinKey::Card(CardId::new(rows::whole(row, "card")?));
            taking.facts.pins.put(key, Some(rows::pin_counter(row)?));
            Ok(())
        });
    }
    let unknown: Vec<&[u8]> = keys
        .pins
        .iter()
        .filter_map(|key| if let PinKey::Unknown(index) = key { Some(index.as_slice()) } else { None })
        .collect();
    if !unknown.is_empty() {
        let sql = sql!(
            lock,
            "SELECT number_index, state, wrong, blocks, until FROM unknown_pins WHERE number_index = ANY ($1)
             ORDER BY number_index",
            "FOR NO KEY UPDATE"
        );
        ask(asks, Query::new(sql, vec![column(unknown)]), |row, taking| {
            let key = PinKey::Unknown(rows::array(row, "number_index")?);
            taking.facts.pins.put(key, Some(rows::pin_counter(row)?));
            Ok(())
        });
    }
}

fn places<'a>(keys: &'a Keys, lock: Lock, asks: &mut Vec<Ask<'a>>) {
    if !keys.machines.is_empty() {
        let sql = sql!(
            lock,
            "SELECT m.id, s.location, s.status, s.session
             FROM machines m JOIN machine_states s ON s.machine = m.number WHERE m.id = ANY ($1) ORDER BY s.machine",
            "FOR NO KEY UPDATE OF s"
        );
        ask(asks, Query::new(sql, vec![column(names(&keys.machines))]), |row, taking| {
            let machine = rows::machine(row)?;
            taking.facts.machines.put(machine.id, Some(machine));
            Ok(())
        });
    }
    if !keys.holdings.is_empty() {
        ask(asks, Query::new(holdings_sql(lock), vec![column(names(&keys.holdings))]), |row, taking| {
            let holdings = rows::holdings(row)?;
            taking.held.heads.insert(holdings.machine, rows::transfer_id_if_any(row, "last_transfer")?);
            taking.facts.holdings.put(holdings.machine, Some(holdings));
            Ok(())
        });
    }
}

/// Machines' cash, and the heads of the chains of their transfers.
pub(super) fn holdings_sql(lock: Lock) -> &'static str {
    sql!(
        lock,
        "SELECT m.id, h.cassettes, h.deposit_bin, h.reject_bin, h.retract_bin, h.last_transfer
         FROM machines m JOIN holdings h ON h.machine = m.number WHERE m.id = ANY ($1) ORDER BY h.machine",
        "FOR NO KEY UPDATE OF h"
    )
}

fn rest<'a>(keys: &'a Keys, lock: Lock, asks: &mut Vec<Ask<'a>>) {
    if !keys.withdrawals.is_empty() {
        let sql = sql!(
            lock,
            "SELECT id, state, paid, case_id FROM withdrawal_states WHERE id = ANY ($1) ORDER BY id",
            "FOR NO KEY UPDATE"
        );
        ask(asks, Query::new(sql, vec![column(keys.withdrawals.iter().map(|id| Uuid::from(*id)))]), |row, taking| {
            let withdrawal = rows::withdrawal(row)?;
            taking.facts.withdrawals.put(withdrawal.id, Some(withdrawal));
            Ok(())
        });
    }
    if !keys.cases.is_empty() {
        let sql = sql!(
            lock,
            "SELECT c.*, m.id AS place FROM cases c JOIN machines m ON m.number = c.machine WHERE c.id = ANY ($1) ORDER BY c.id",
            "FOR NO KEY UPDATE OF c"
        );
        ask(asks, Query::new(sql, vec![column(keys.cases.iter().map(|id| id.number()))]), |row, taking| {
            let case = terminals::case(row)?;
            taking.facts.cases.put(case.id, Some(case));
            Ok(())
        });
    }
    visits(keys, lock, asks);
    enrolled(keys, lock, asks);
    replenishments(keys, lock, asks);
    feeds(keys, lock, asks);
}

fn visits<'a>(keys: &'a Keys, lock: Lock, asks: &mut Vec<Ask<'a>>) {
    if keys.visits.is_empty() {
        return;
    }
    let sql = sql!(
        lock,
        "SELECT m.id AS place, v.card, v.at
         FROM unnest($1::text[], $2::bigint[]) AS k (machine, card) JOIN machines m ON m.id = k.machine
             JOIN visits v ON v.machine = m.number AND v.card = k.card
         ORDER BY v.machine, v.card",
        "FOR NO KEY UPDATE OF v"
    );
    let machines = column(names(keys.visits.iter().map(|(machine, _)| machine)));
    let cards = column(keys.visits.iter().map(|(_, card)| card.number()));
    ask(asks, Query::new(sql, vec![machines, cards]), |row, taking| {
        let key = (rows::machine_id(row, "place")?, CardId::new(rows::whole(row, "card")?));
        taking.facts.visits.put(key, Some(rows::time(row, "at")?));
        Ok(())
    });
}

/// Terminals first without their leases, which are read under their locks.
fn enrolled<'a>(keys: &'a Keys, lock: Lock, asks: &mut Vec<Ask<'a>>) {
    if keys.terminals.is_empty() {
        return;
    }
    let sql = sql!(
        lock,
        "SELECT t.*, m.id AS place, m.currency FROM terminals t JOIN machines m ON m.number = t.machine
         WHERE m.id = ANY ($1) ORDER BY t.machine",
        "FOR NO KEY UPDATE OF t"
    );
    ask(asks, Query::new(sql, vec![column(names(&keys.terminals))]), |row, taking| {
        let terminal = terminals::terminal(row, Vec::new())?;
        taking.facts.terminals.put(terminal.machine, Some(terminal));
        Ok(())
    });
    let sql = "SELECT l.*, m.id AS place, m.currency FROM leases l JOIN machines m ON m.number = l.machine
         WHERE m.id = ANY ($1) ORDER BY l.machine, l.granted, l.nonce";
    ask(asks, Query::new(sql, vec![column(names(&keys.terminals))]), |row, taking| {
        let machine = rows::machine_id(row, "place")?;
        let mut terminal = taking.facts.terminals.at(&machine).clone();
        terminal.leases.push(terminals::lease(row, rows::currency(row, "currency")?)?);
        taking.facts.terminals.put(machine, Some(terminal));
        Ok(())
    });
}

/// The latest of each terminal.
fn replenishments<'a>(keys: &'a Keys, lock: Lock, asks: &mut Vec<Ask<'a>>) {
    if keys.replenishments.is_empty() {
        return;
    }
    let sql = sql!(
        lock,
        "SELECT r.*, m.id AS place, m.currency FROM replenishments r JOIN machines m ON m.number = r.machine
         WHERE m.id = ANY ($1) AND r.number = (SELECT max(n.number) FROM replenishments n WHERE n.machine = r.machine)
         ORDER BY r.machine",
        "FOR NO KEY UPDATE OF r"
    );
    ask(asks, Query::new(sql, vec![column(names(&keys.replenishments))]), |row, taking| {
        let latest = crate::store::replenishments::replenishment(row)?;
        taking.facts.replenishments.put(latest.machine, Some(latest));
        Ok(())
    });
}

/// Feeds first without their places, which are read under their locks.
fn feeds<'a>(keys: &'a Keys, lock: Lock, asks: &mut Vec<Ask<'a>>) {
    if keys.feeds.is_empty() {
        return;
    }
    let channels = || column(keys.feeds.iter().map(|channel| channel.as_str()));
    let sql = sql!(
        lock,
        "SELECT channel, holder, until FROM feeds WHERE channel = ANY ($1) ORDER BY channel",
        "FOR NO KEY UPDATE"
    );
    ask(asks, Query::new(sql, vec![channels()]), |row, taking| {
        let feed = feed(row)?;
        taking.facts.feeds.put(feed.channel, Some(feed));
        Ok(())
    });
    let sql = "SELECT channel, stream, place FROM feed_cursors WHERE channel = ANY ($1)";
    ask(asks, Query::new(sql, vec![channels()]), |row, taking| {
        let channel = crate::store::notifications::channel(row)?;
        let mut feed = taking.facts.feeds.at(&channel).clone();
        feed.cursor.advance(place(row)?);
        taking.facts.feeds.put(channel, Some(feed));
        Ok(())
    });
}

/// A row of `feeds`; its places come from their own rows.
pub(super) fn feed(row: &Row) -> Result<Feed, StoreError> {
    let holder = FeedHolder::new(rows::whole(row, "holder")?);
    let channel = crate::store::notifications::channel(row)?;
    Ok(Feed { channel, holder, until: rows::time(row, "until")?, cursor: Cursor::default() })
}

/// A row of `feed_cursors`.
pub(super) fn place(row: &Row) -> Result<Place, StoreError> {
    Ok(Place { stream: rows::number(row, "stream")?, number: rows::number(row, "place")? })
}
