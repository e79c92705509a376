//! Reading rows by key, in table order, then key order; in the caller's read transaction.

use cashpoint_core::card::PinKey;
use cashpoint_core::customer::Tries;
use cashpoint_core::facts::{Facts, Keys};
use rusqlite::Connection;

use super::resolve::{fill, row_id};
use super::{notifications, terminals};
use crate::store::{StoreError, rows};

/// Reads everything in `keys` that `facts` do not hold. What is not found is left out.
pub(super) fn rows(connection: &Connection, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
    accounts(connection, keys, facts)?;
    people(connection, keys, facts)?;
    cards(connection, keys, facts)?;
    machines(connection, keys, facts)?;
    withdrawals(connection, keys, facts)?;
    terminals::load(connection, keys, facts)?;
    for channel in facts.feeds.missing(&keys.feeds).copied().collect::<Vec<_>>() {
        if let Some(feed) = notifications::feed(connection, channel)? {
            facts.feeds.put(channel, Some(feed));
        }
    }
    Ok(())
}

fn accounts(connection: &Connection, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
    fill(
        (&mut facts.accounts, &keys.accounts),
        connection,
        "SELECT id, customer, product, currency, opened, debits, credits, entries, head, closed
         FROM accounts WHERE id = ?",
        |statement, number| statement.query_row([row_id(*number)?], |row| rows::account(row)),
    )?;
    fill(
        (&mut facts.cash, &keys.cash),
        connection,
        "SELECT code, debits, credits FROM accounts WHERE code = ?",
        |statement, account| statement.query_row([account.to_string()], |row| rows::cash(row)),
    )
}

fn people(connection: &Connection, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
    fill(
        (&mut facts.customers, &keys.customers),
        connection,
        "SELECT id, events, generation, password_version FROM customer_states WHERE id = ?",
        |statement, id| statement.query_row([id.number()], |row| rows::customer(row)),
    )?;
    fill(
        (&mut facts.profiles, &keys.profiles),
        connection,
        "SELECT * FROM customers WHERE id = ?",
        |statement, id| statement.query_row([id.number()], |row| rows::profile(row)),
    )?;
    fill(
        (&mut facts.sessions, &keys.sessions),
        connection,
        "SELECT id, active, generation, ended, why FROM session_states WHERE id = ?",
        |statement, id| statement.query_row([id.number()], |row| rows::session_state(row)),
    )?;
    fill(
        (&mut facts.tries, &keys.tries),
        connection,
        "SELECT arrival FROM tries WHERE identity = ?",
        |statement, identity| statement.query_row([identity], |row| Ok(Tries { arrival: row.get(0)? })),
    )?;
    fill(
        (&mut facts.daily, &keys.daily),
        connection,
        "SELECT used_withdrawn AS withdrawn, used_deposited AS deposited, used_transferred AS transferred
         FROM customer_states WHERE id = ?2 AND used_on = ?1 AND used_currency = ?3
         UNION ALL
         SELECT withdrawn, deposited, transferred FROM daily_use WHERE date = ?1 AND customer = ?2 AND currency = ?3",
        |statement, (customer, date, currency)| {
            statement.query_row((date.days(), customer.number(), currency.code()), |row| rows::daily_use(row))
        },
    )
}

fn cards(connection: &Connection, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
    fill(
        (&mut facts.cards, &keys.cards),
        connection,
        "SELECT id, state, verifier_version, verifier, session FROM card_states WHERE id = ?",
        |statement, id| statement.query_row([id.number()], |row| rows::card(row)),
    )?;
    let mut unknown =
        connection.prepare_cached("SELECT state, wrong, blocks, until FROM unknown_pins WHERE number_index = ?")?;
    fill(
        (&mut facts.pins, &keys.pins),
        connection,
        "SELECT state, wrong, blocks, until FROM card_pins WHERE card = ?",
        |known, key| match key {
            PinKey::Card(id) => known.query_row([id.number()], |row| rows::pin_counter(row)),
            PinKey::Unknown(index) => unknown.query_row([index], |row| rows::pin_counter(row)),
        },
    )
}

fn machines(connection: &Connection, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
    fill(
        (&mut facts.machines, &keys.machines),
        connection,
        "SELECT m.id, s.location, s.status, s.session
         FROM machines m JOIN machine_states s ON s.machine = m.number WHERE m.id = ?",
        |statement, id| statement.query_row([id.as_str()], |row| rows::machine(row)),
    )?;
    fill(
        (&mut facts.holdings, &keys.holdings),
        connection,
        "SELECT m.id, h.cassettes, h.deposit_bin, h.reject_bin, h.retract_bin
         FROM machines m JOIN holdings h ON h.machine = m.number WHERE m.id = ?",
        |statement, id| statement.query_row([id.as_str()], |row| rows::holdings(row)),
    )
}

fn withdrawals(connection: &Connection, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
    fill(
        (&mut facts.withdrawals, &keys.withdrawals),
        connection,
        "SELECT id, state, paid, case_id FROM withdrawal_states WHERE id = ?",
        |statement, id| statement.query_row([id.bits().to_be_bytes()], |row| rows::withdrawal(row)),
    )
}
