//! Finding identities, and what holds for a whole group: one round trip, one state of the database, no locks.

use std::sync::Arc;

use cashpoint_core::card::CardIdentity;
use cashpoint_core::facts::{BusinessDay, Facts, Lookups};
use cashpoint_core::id::{CardId, OperatorId};
use cashpoint_core::policy::Policy;

use super::link::{Answer, Link, LinkError, Query, column};
use super::load::row_id;
use super::values::Uuid;
use super::{READ_ONLY, WITHIN};
use crate::store::rows::{self, Row as _};
use crate::store::{StoreError, policies};

type Row = tokio_postgres::Row;

/// Takes a row in.
type Take = fn(&Row, &mut Facts) -> Result<(), StoreError>;

/// What holds for a group, but for the policy's values.
pub(super) struct Ground {
    pub(super) day: Option<BusinessDay>,
    pub(super) policy_version: u32,
    /// The server's clock, µs.
    pub(super) clock: i64,
}

/// The business day, the version of the policy in force, and the time.
const GROUND: &str =
    "SELECT (SELECT date FROM business_day) AS date, (SELECT next_cutover FROM business_day) AS next_cutover,
         (SELECT max(version) FROM policies) AS version,
         (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS clock";

/// Everything in `lookups` that is there, and the ground that the group stands on.
pub(super) fn identities(link: &mut Link, lookups: &Lookups, facts: &mut Facts) -> Result<Ground, LinkError> {
    let mut queries = vec![Query::plain(READ_ONLY)];
    let mut takes: Vec<Take> = Vec::new();
    let mut ask = |query, take: Take| {
        queries.push(query);
        takes.push(take);
    };
    requests(lookups, &mut ask);
    people(lookups, &mut ask);
    withdrawals(lookups, &mut ask);
    ask(Query::plain(GROUND), |_, _| Ok(()));
    queries.push(Query::plain("COMMIT"));
    let answers = link.run(&queries, WITHIN)?;
    let taken = take(&takes, &answers[1..], facts).map_err(LinkError::Unreadable)?;
    facts.settle_identities(lookups);
    Ok(taken)
}

fn take(takes: &[Take], answers: &[Answer], facts: &mut Facts) -> Result<Ground, StoreError> {
    for (take, answer) in takes.iter().zip(answers) {
        for row in &answer.rows {
            take(row, facts)?;
        }
    }
    let last = answers[takes.len() - 1].rows.first().expect("a question without a table has one answer");
    let day = match last.whole("date")? {
        None => None,
        Some(_) => {
            Some(BusinessDay { date: rows::date(last, "date")?, next_cutover: rows::time(last, "next_cutover")? })
        }
    };
    Ok(Ground { day, policy_version: rows::number(last, "version")?, clock: rows::whole(last, "clock")? })
}

/// The values of a version of the policy.
pub(super) fn policy(link: &mut Link, version: u32) -> Result<Arc<Policy>, LinkError> {
    let sql = "SELECT settings FROM policies WHERE version = $1";
    let answer = link.run_one(Query::new(sql, vec![Box::new(i64::from(version))]), WITHIN)?;
    let read = |row: &Row| {
        let settings = rows::text(row, "settings")?;
        policies::from_text(&settings).map_err(|error| rows::corrupt::<StoreError>("policies.settings", error))
    };
    let missing = || rows::corrupt("policies", format_args!("version {version} is not there"));
    let policy = answer.rows.first().map_or_else(|| Err(missing()), read);
    policy.map(Arc::new).map_err(LinkError::Unreadable)
}

fn requests<'a>(lookups: &'a Lookups, ask: &mut impl FnMut(Query<'a>, Take)) {
    if lookups.requests.is_empty() {
        return;
    }
    let sql = "SELECT key, content, outcome FROM requests WHERE key = ANY ($1)";
    ask(Query::new(sql, vec![column(lookups.requests.iter().map(|key| Uuid(*key)))]), |row, facts| {
        facts.requests.put(rows::array(row, "key")?, Some(rows::recorded(row)?));
        Ok(())
    });
}

fn people<'a>(lookups: &'a Lookups, ask: &mut impl FnMut(Query<'a>, Take)) {
    if !lookups.accounts.is_empty() {
        let sql = "SELECT id, customer, product, currency, opened FROM accounts
             WHERE id = ANY ($1) AND customer IS NOT NULL";
        ask(Query::new(sql, vec![column(lookups.accounts.iter().copied().filter_map(row_id))]), |row, facts| {
            let identity = rows::account_identity(row)?;
            facts.account_identities.put(identity.number, Some(identity));
            Ok(())
        });
    }
    if !lookups.cards.is_empty() {
        ask(Query::new(CARDS, vec![column(lookups.cards.iter().map(|id| id.number()))]), |row, facts| {
            let card = card_identity(row, |id| {
                facts.card_identities.is_loaded(&id).then(|| facts.card_identities.at(&id).clone())
            })?;
            facts.card_identities.put(card.id, Some(card));
            Ok(())
        });
    }
    if !lookups.card_numbers.is_empty() {
        let sql = "SELECT number_index, card FROM card_numbers WHERE number_index = ANY ($1)";
        ask(Query::new(sql, vec![column(lookups.card_numbers.iter().map(<[u8; 32]>::as_slice))]), |row, facts| {
            let card = CardId::new(rows::whole(row, "card")?);
            facts.card_numbers.put(rows::array(row, "number_index")?, Some(card));
            Ok(())
        });
    }
    if !lookups.emails.is_empty() {
        let sql = "SELECT email_index, customer FROM emails WHERE email_index = ANY ($1)";
        ask(Query::new(sql, vec![column(lookups.emails.iter().map(<[u8; 32]>::as_slice))]), |row, facts| {
            facts.emails.put(rows::array(row, "email_index")?, Some(rows::customer_id(row, "customer")?));
            Ok(())
        });
    }
    if !lookups.machines.is_empty() {
        let sql = "SELECT id, kind, currency, secret FROM machines WHERE id = ANY ($1)";
        ask(Query::new(sql, vec![column(lookups.machines.iter().map(|id| id.as_str()))]), |row, facts| {
            let identity = rows::machine_identity(row)?;
            facts.machine_identities.put(identity.id, Some(identity));
            Ok(())
        });
    }
    if !lookups.operator_names.is_empty() {
        let sql = "SELECT name, id FROM operators WHERE name = ANY ($1)";
        ask(Query::new(sql, vec![column(lookups.operator_names.iter().map(String::as_str))]), |row, facts| {
            let id = OperatorId::new(rows::whole(row, "id")?);
            facts.operator_names.put(rows::text(row, "name")?, Some(id));
            Ok(())
        });
    }
}

/// Cards with the accounts that they reach, a row for each, the primary one first.
pub(super) const CARDS: &str =
    "SELECT k.id AS card, k.customer AS holder, k.expires, k.number, a.id, a.customer, a.product, a.currency, a.opened
     FROM cards k LEFT JOIN card_accounts c ON c.card = k.id LEFT JOIN accounts a ON a.id = c.account
     WHERE k.id = ANY ($1) ORDER BY k.id, c.position";

/// A card with one account more than it had before this row.
pub(super) fn card_identity(
    row: &Row,
    before: impl FnOnce(CardId) -> Option<CardIdentity>,
) -> Result<CardIdentity, StoreError> {
    let id = CardId::new(rows::whole(row, "card")?);
    let mut accounts = before(id).map(|card| card.accounts.to_vec()).unwrap_or_default();
    if row.whole("id")?.is_some() {
        accounts.push(rows::account_identity(row)?);
    }
    let customer = rows::customer_id(row, "holder")?;
    Ok(CardIdentity { id, customer, accounts: accounts.into(), expires: rows::time(row, "expires")? })
}

fn withdrawals<'a>(lookups: &'a Lookups, ask: &mut impl FnMut(Query<'a>, Take)) {
    if !lookups.originals.is_empty() {
        let sql = "SELECT w.*, m.id AS place FROM withdrawals w JOIN machines m ON m.number = w.machine
             WHERE w.request = ANY ($1)";
        ask(Query::new(sql, vec![column(lookups.originals.iter().map(|key| Uuid(*key)))]), |row, facts| {
            facts.originals.put(rows::array(row, "request")?, Some(rows::withdrawal_identity(row)?));
            Ok(())
        });
    }
    if !lookups.withdrawals.is_empty() {
        let sql = "SELECT w.*, m.id AS place FROM withdrawals w JOIN machines m ON m.number = w.machine
             WHERE w.id = ANY ($1)";
        ask(Query::new(sql, vec![column(lookups.withdrawals.iter().map(|id| Uuid::from(*id)))]), |row, facts| {
            let identity = rows::withdrawal_identity(row)?;
            facts.withdrawal_identities.put(identity.id, Some(identity));
            Ok(())
        });
    }
}
