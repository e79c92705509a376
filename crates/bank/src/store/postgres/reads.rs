//! Everybody else's reads: look-ups before the queue, history, lists; from the server that takes writes, so that a read
//! that follows a write's answer sees it on whichever host it comes to.
//!
//! Each call sees one state of the database. No call waits for a writer, and none makes it wait.

use cashpoint_core::account::Account;
use cashpoint_core::card::CardIdentity;
use cashpoint_core::customer::{Operator, PasswordHash, Profile, Sealed};
use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, Index, MachineId, TransferId};
use cashpoint_core::notification::{ChannelName, Cursor, DeadLetter, Place, Wish};
use cashpoint_core::policy::Policy;
use cashpoint_core::session::Session;

use super::address::Address;
use super::history::read;
use super::link::{Link, LinkError, Query, Value, column};
use super::load::{self, Held, Lock, Taking, row_id};
use super::schema::{self, PostgresError};
use super::{READ_ONLY, WITHIN, history, notifications, resolve};
use crate::store::{
    Delivered, FeedRows, HistoryEntry, HistoryQuery, MachineView, Outgoing, Reads, StoreError, policies, rows,
};

type Row = tokio_postgres::Row;

/// A connection for reading.
pub struct PostgresReads {
    link: Link,
    is_lost: bool,
}

impl PostgresReads {
    /// Opens a bank for reading.
    ///
    /// # Errors
    /// [`PostgresError`] says what to do.
    pub fn open(address: &Address) -> Result<Self, PostgresError> {
        Ok(Self { link: schema::connect_reader(address)?, is_lost: false })
    }

    /// Reads; after an error the connection is as it was, or known to be lost.
    pub(super) fn with<T>(&mut self, query: impl FnOnce(&mut Link) -> Result<T, LinkError>) -> Result<T, StoreError> {
        query(&mut self.link).map_err(|error| {
            let rolled_back = match &error {
                LinkError::Lost(_) => Err(()),
                LinkError::Refused(..) | LinkError::Unreadable(_) => self.link.script("ROLLBACK", WITHIN).map_err(drop),
            };
            self.is_lost |= rolled_back.is_err();
            error.into()
        })
    }

    /// All that a statement finds.
    pub(super) fn all<T>(
        &mut self,
        sql: &'static str,
        values: Vec<Value<'_>>,
        meaning: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.with(|link| read(&link.run_one(Query::new(sql, values), WITHIN)?.rows, meaning))
    }

    /// The first that a statement finds.
    pub(super) fn one<T>(
        &mut self,
        sql: &'static str,
        values: Vec<Value<'_>>,
        meaning: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(sql, values, meaning)?.into_iter().next())
    }
}

impl Reads for PostgresReads {
    fn is_lost(&self) -> bool {
        self.is_lost
    }

    fn load(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
        self.with(|link| {
            let (queries, takes): (Vec<Query<'_>>, Vec<load::Take>) =
                load::asks(keys, Lock::Nothing).into_iter().unzip();
            let mut batch = vec![Query::plain(READ_ONLY)];
            batch.extend(queries);
            batch.push(Query::plain("COMMIT"));
            let answers = link.run(&batch, WITHIN)?;
            let mut taking = Taking { facts, held: &mut Held::default(), keys };
            load::take(&takes, &answers[1..], &mut taking).map_err(LinkError::Unreadable)
        })
    }

    fn session(&mut self, token: &Index) -> Result<Option<Session>, StoreError> {
        let sql =
            "SELECT s.*, m.id AS place FROM sessions s LEFT JOIN machines m ON m.number = s.machine WHERE s.token = $1";
        self.one(sql, vec![Box::new(token.as_slice())], rows::session)
    }

    fn card_by_number(&mut self, indexes: &[Index]) -> Result<Option<CardId>, StoreError> {
        let sql = "SELECT n.card FROM unnest($1::bytea[]) WITH ORDINALITY AS k (number_index, place)
                 JOIN card_numbers n ON n.number_index = k.number_index ORDER BY k.place LIMIT 1";
        let values = vec![column(indexes.iter().map(<[u8; 32]>::as_slice))];
        self.one(sql, values, |row| rows::whole(row, "card").map(CardId::new))
    }

    fn card(&mut self, card: CardId) -> Result<Option<(CardIdentity, Sealed)>, StoreError> {
        self.with(|link| {
            let values = vec![column([card.number()])];
            let mut found: Option<(CardIdentity, Sealed)> = None;
            for row in &link.run_one(Query::new(resolve::CARDS, values), WITHIN)?.rows {
                let before = found.take();
                let identity = resolve::card_identity(row, |_| before.map(|(card, _)| card));
                let number = rows::sealed(row, "number");
                found = Some((identity.map_err(LinkError::Unreadable)?, number.map_err(LinkError::Unreadable)?));
            }
            Ok(found)
        })
    }

    fn customer_by_email(
        &mut self,
        indexes: &[Index],
    ) -> Result<Option<(CustomerId, Option<PasswordHash>)>, StoreError> {
        let sql = "SELECT c.id, c.password_version, c.password_hash
             FROM unnest($1::bytea[]) WITH ORDINALITY AS k (email_index, place)
                 JOIN emails e ON e.email_index = k.email_index JOIN customers c ON c.id = e.customer
             ORDER BY k.place LIMIT 1";
        let values = vec![column(indexes.iter().map(<[u8; 32]>::as_slice))];
        self.one(sql, values, |row| Ok((rows::customer_id(row, "id")?, rows::password(row)?)))
    }

    fn customer(&mut self, customer: CustomerId) -> Result<Option<(Profile, Option<PasswordHash>)>, StoreError> {
        let sql = "SELECT * FROM customers WHERE id = $1";
        self.one(sql, vec![Box::new(customer.number())], |row| Ok((rows::profile(row)?, rows::password(row)?)))
    }

    fn accounts(&mut self, customer: CustomerId) -> Result<Vec<Account>, StoreError> {
        let sql = "SELECT * FROM accounts WHERE customer = $1 ORDER BY ordinal";
        self.all(sql, vec![Box::new(customer.number())], rows::account)
    }

    fn account(&mut self, account: AccountNumber) -> Result<Option<Account>, StoreError> {
        let Some(id) = row_id(account) else { return Ok(None) };
        self.one("SELECT * FROM accounts WHERE id = $1 AND customer IS NOT NULL", vec![Box::new(id)], rows::account)
    }

    fn history(&mut self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        // Rows are only added behind the head, so what two statements find fits together.
        self.with(|link| history::account(link, query))
    }

    fn transfer(&mut self, id: TransferId) -> Result<Option<HistoryEntry>, StoreError> {
        self.with(|link| history::transfer(link, id))
    }

    fn machine_transfers(
        &mut self,
        machine: MachineId,
        before: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        self.with(|link| history::machine(link, machine, before, limit))
    }

    fn machines(&mut self, only: Option<MachineId>) -> Result<Vec<MachineView>, StoreError> {
        let sql =
            "SELECT m.*, s.location, s.status, s.session, h.cassettes, h.deposit_bin, h.reject_bin, h.retract_bin,
                 coalesce(f.credits - f.debits, 0) AS in_flight
             FROM machines m JOIN machine_states s ON s.machine = m.number JOIN holdings h ON h.machine = m.number
                 LEFT JOIN accounts f ON f.code = 'atm:' || m.id || ':in_flight:' || m.currency
             WHERE $1::text IS NULL OR m.id = $1 ORDER BY m.id COLLATE \"C\"";
        self.all(sql, vec![Box::new(only.map(|id| id.as_str().to_owned()))], |row| {
            Ok(MachineView {
                identity: rows::machine_identity(row)?,
                machine: rows::machine(row)?,
                holdings: rows::holdings(row)?,
                in_flight: rows::whole(row, "in_flight")?,
            })
        })
    }

    fn operator(&mut self, name: &str) -> Result<Option<Operator>, StoreError> {
        self.one("SELECT * FROM operators WHERE name = $1", vec![Box::new(name.to_owned())], rows::operator)
    }

    fn has_operators(&mut self) -> Result<bool, StoreError> {
        Ok(self.one("SELECT id FROM operators LIMIT 1", Vec::new(), |_| Ok(()))?.is_some())
    }

    fn policy(&mut self) -> Result<(u32, Policy), StoreError> {
        let sql = "SELECT version, settings FROM policies ORDER BY version DESC LIMIT 1";
        let found = self.one(sql, Vec::new(), |row| {
            let settings = rows::text(row, "settings")?;
            let policy = policies::from_text(&settings);
            Ok((
                rows::number(row, "version")?,
                policy.map_err(|error| rows::corrupt::<StoreError>("policies.settings", error))?,
            ))
        })?;
        found.ok_or_else(|| rows::corrupt("policies", "there is none"))
    }

    fn events(&mut self, customer: CustomerId, after: u64, limit: usize) -> Result<Vec<Delivered>, StoreError> {
        self.with(|link| history::events(link, customer, after, limit))
    }

    fn feed(&mut self, channel: ChannelName) -> Result<Option<FeedRows>, StoreError> {
        self.with(|link| notifications::feed(link, channel))
    }

    fn events_end(&mut self) -> Result<Cursor, StoreError> {
        self.with(notifications::events_end)
    }

    fn events_after(
        &mut self,
        channel: ChannelName,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Outgoing>, StoreError> {
        self.with(|link| notifications::events_after(link, channel, cursor, limit))
    }

    fn event_places(&mut self, customer: CustomerId, from: u64, limit: usize) -> Result<Vec<Place>, StoreError> {
        self.with(|link| history::places(link, customer, from, limit))
    }

    fn events_at(&mut self, channel: ChannelName, places: &[Place]) -> Result<Vec<Outgoing>, StoreError> {
        self.with(|link| notifications::events_at(link, channel, places))
    }

    fn wishes(&mut self, customer: CustomerId) -> Result<Vec<(ChannelName, Wish)>, StoreError> {
        self.with(|link| notifications::wishes(link, customer))
    }

    fn dead_letters(&mut self, before: Option<i64>, limit: usize) -> Result<Vec<(i64, DeadLetter)>, StoreError> {
        self.with(|link| notifications::dead_letters(link, before, limit))
    }
}
