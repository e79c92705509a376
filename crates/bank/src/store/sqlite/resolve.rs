//! Finding identities, and what holds for a whole group.
//!
//! Everything is a look-up by primary key or unique index, in the caller's read transaction. What is not found is left
//! out; the caller settles it as absent.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::Hash;

use cashpoint_core::card::CardIdentity;
use cashpoint_core::facts::{BusinessDay, Facts, Lookups, Table};
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, OperatorId};
use cashpoint_core::time::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use super::requests::Requests;
use crate::store::{StoreError, rows};

/// The latest instant that a commit carries. It never falls within a writer, and each writer starts where the one
/// before ended, so the last commit has it.
pub(super) fn highest_now(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let last = "SELECT now FROM commits ORDER BY writer DESC, seq DESC LIMIT 1";
    connection.query_row(last, [], |row| row.get(0)).optional().map(|now| now.map(Timestamp::from_micros))
}

/// The business day and the version of the policy in force.
pub(super) fn day_and_policy(connection: &Connection) -> rusqlite::Result<(Option<BusinessDay>, u32)> {
    let mut day = connection.prepare_cached("SELECT date, next_cutover FROM business_day")?;
    let day = day.query_row([], |row| {
        Ok(BusinessDay { date: rows::date(row, "date")?, next_cutover: rows::time(row, "next_cutover")? })
    });
    let mut version = connection.prepare_cached("SELECT max(version) FROM policies")?;
    Ok((day.optional()?, version.query_row([], |row| row.get(0))?))
}

/// Puts those of `keys` that the table does not hold and the database does into the table.
pub(super) fn fill<K, V>(
    (table, keys): (&mut Table<K, V>, &BTreeSet<K>),
    connection: &Connection,
    sql: &str,
    mut find: impl FnMut(&mut CachedStatement<'_>, &K) -> rusqlite::Result<V>,
) -> Result<(), StoreError>
where
    K: Ord + Eq + Hash + Clone + Debug,
{
    let missing: Vec<K> = table.missing(keys).cloned().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(sql)?;
    for key in missing {
        if let Some(row) = find(&mut statement, &key).optional()? {
            table.put(key, Some(row));
        }
    }
    Ok(())
}

/// An account number as a row id; one that no row can have finds nothing.
pub(super) fn row_id(number: AccountNumber) -> rusqlite::Result<i64> {
    i64::try_from(number.number()).map_err(|_| rusqlite::Error::QueryReturnedNoRows)
}

/// Finds the answered requests in `lookups`; `facts` hold none.
pub(super) fn requests(
    connection: &Connection,
    requests: &mut Requests,
    lookups: &Lookups,
    facts: &mut Facts,
) -> Result<(), StoreError> {
    requests.begin();
    fill(
        (&mut facts.requests, &lookups.requests),
        connection,
        "SELECT content, outcome FROM requests WHERE n = ?",
        |statement, key| match requests.find(connection, key)? {
            Some(number) => statement.query_row([number], |row| rows::recorded(row)),
            None => Err(rusqlite::Error::QueryReturnedNoRows),
        },
    )
}

/// Finds everything else in `lookups` that `facts` do not hold.
pub(super) fn identities(connection: &Connection, lookups: &Lookups, facts: &mut Facts) -> Result<(), StoreError> {
    fill(
        (&mut facts.account_identities, &lookups.accounts),
        connection,
        "SELECT id, customer, product, currency, opened FROM accounts WHERE id = ?",
        |statement, number| statement.query_row([row_id(*number)?], |row| rows::account_identity(row)),
    )?;
    fill(
        (&mut facts.card_identities, &lookups.cards),
        connection,
        "SELECT id, customer, expires FROM cards WHERE id = ?",
        |statement, id| statement.query_row([id.number()], |row| card_identity(connection, row)),
    )?;
    fill(
        (&mut facts.card_numbers, &lookups.card_numbers),
        connection,
        "SELECT card FROM card_numbers WHERE number_index = ?",
        |statement, index| statement.query_row([index], |row| row.get(0).map(CardId::new)),
    )?;
    fill(
        (&mut facts.emails, &lookups.emails),
        connection,
        "SELECT customer FROM emails WHERE email_index = ?",
        |statement, index| statement.query_row([index], |row| row.get(0).map(CustomerId::new)),
    )?;
    fill(
        (&mut facts.machine_identities, &lookups.machines),
        connection,
        "SELECT id, kind, currency, secret FROM machines WHERE id = ?",
        |statement, id| statement.query_row([id.as_str()], |row| rows::machine_identity(row)),
    )?;
    fill(
        (&mut facts.operator_names, &lookups.operator_names),
        connection,
        "SELECT id FROM operators WHERE name = ?",
        |statement, name| statement.query_row([name], |row| row.get(0).map(OperatorId::new)),
    )?;
    withdrawals(connection, lookups, facts)
}

fn withdrawals(connection: &Connection, lookups: &Lookups, facts: &mut Facts) -> Result<(), StoreError> {
    fill(
        (&mut facts.originals, &lookups.originals),
        connection,
        "SELECT w.*, m.id AS place FROM withdrawals w JOIN machines m ON m.number = w.machine WHERE w.request = ?",
        |statement, key| statement.query_row([key], |row| rows::withdrawal_identity(row)),
    )?;
    fill(
        (&mut facts.withdrawal_identities, &lookups.withdrawals),
        connection,
        "SELECT w.*, m.id AS place FROM withdrawals w JOIN machines m ON m.number = w.machine WHERE w.id = ?",
        |statement, id| statement.query_row([id.bits().to_be_bytes()], |row| rows::withdrawal_identity(row)),
    )
}

/// A card with the accounts that it reaches, the primary one first. Columns: id, customer, expires.
pub(super) fn card_identity(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<CardIdentity> {
    let id: i64 = row.get("id")?;
    let mut accounts = connection.prepare_cached(
        "SELECT a.id, a.customer, a.product, a.currency, a.opened
         FROM card_accounts c JOIN accounts a ON a.id = c.account WHERE c.card = ? ORDER BY c.position",
    )?;
    let accounts =
        accounts.query_map([id], |row| rows::account_identity(row))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(CardIdentity {
        id: CardId::new(id),
        customer: CustomerId::new(row.get("customer")?),
        accounts: accounts.into(),
        expires: rows::time(row, "expires")?,
    })
}
