//! Full scans for `verify`: rows as they stand, unjudged, in one snapshot.
//!
//! Nothing here is decoded into domain types: a row that no decision could have made must be read, to be reported.

mod field;

use std::cell::RefCell;
use std::fmt;
use std::path::Path;

use cashpoint_core::id::TransferId;
use cashpoint_core::mix::Cassette;
use cashpoint_core::outcome::Outcome;
use cashpoint_core::policy::Policy;
use rusqlite::Connection;
use rusqlite::types::{FromSql, FromSqlResult, ValueRef};

use super::postgres::{self, Address, PostgresError};
use super::sqlite::{self, SqliteError};
use super::{StoreError, codec, names};

use field::Field;

/// One snapshot of a bank, for reading from end to end.
pub struct Records {
    source: Source,
}

enum Source {
    Sqlite(Connection),
    Postgres(RefCell<postgres::Snapshot>),
}

/// How the commits of several writers stand to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writers {
    /// A writer begins where the one before has ended.
    InTurn,
    /// Several write at once; their commits are ordered by their instants.
    SideBySide,
}

/// A 16-byte id as stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Id(u128);

impl Id {
    /// What bytes of another length are read as. It is nobody's: ids made by a bank have fixed bits that are 0.
    pub const MALFORMED: Self = Self(u128::MAX);
}

impl From<TransferId> for Id {
    fn from(id: TransferId) -> Self {
        Self(id.bits())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MALFORMED => out.write_str("(bytes that are no id)"),
            Self(bits) => TransferId::new(bits).fmt(out),
        }
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(<[u8; 16]>::try_from(value.as_blob()?).map_or(Self::MALFORMED, |bytes| Self(u128::from_be_bytes(bytes))))
    }
}

/// The second text if there is one.
macro_rules! on_postgres {
    ($sql:literal) => {
        $sql
    };
    ($sql:literal $other:literal) => {
        $other
    };
}

macro_rules! records {
    ($($(#[$doc:meta])* $name:ident / $all:ident = $sql:literal $(or $other:literal)? { $($field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            ///
            /// Columns are named as in the schema.
            #[derive(Clone, Debug)]
            #[expect(missing_docs, reason = "the columns are described in the schema")]
            pub struct $name { $(pub $field: $type),* }
        )*

        impl Records {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// The database cannot be read.
                pub fn $all(&self, mut each: impl FnMut($name)) -> Result<(), StoreError> {
                    match &self.source {
                        Source::Sqlite(connection) => {
                            let mut statement = connection.prepare($sql)?;
                            let mut rows = statement.query([])?;
                            while let Some(row) = rows.next()? {
                                let mut column = 0_usize..;
                                let mut next = || column.next().expect("counting does not end");
                                each($name { $($field: Field::of_sqlite(row, next())?),* });
                            }
                            Ok(())
                        }
                        Source::Postgres(snapshot) => {
                            let statements = postgres::Scan {
                                begin: concat!(
                                    "DECLARE ", stringify!($all), " NO SCROLL CURSOR FOR ", on_postgres!($sql $($other)?)
                                ),
                                next: concat!("FETCH 5000 FROM ", stringify!($all)),
                                end: concat!("CLOSE ", stringify!($all)),
                            };
                            snapshot.borrow_mut().scan(&statements, |row| {
                                let mut column = 0_usize..;
                                let mut next = || column.next().expect("counting does not end");
                                each($name { $($field: Field::of_postgres(row, next())?),* });
                                Ok(())
                            })
                        }
                    }
                }
            )*
        }
    };
}

records! {
    /// What the database is.
    BankRecord / bank = "SELECT sandbox FROM bank"
    or "SELECT CASE WHEN sandbox THEN 1::bigint ELSE 0::bigint END FROM bank" { sandbox: i64 }

    /// A writer.
    WriterRecord / writers = "SELECT id FROM writers ORDER BY id" { id: i64 }

    /// A version of the policy.
    PolicyRecord / policy_versions = "SELECT version, at FROM policies ORDER BY version" { version: u32, at: Option<i64> }

    /// A commit, by writer and number.
    CommitRecord / commits =
        "SELECT writer, seq, now, business_date, policy_version, void FROM commits ORDER BY writer, seq"
    or "SELECT writer, seq, now, business_date, policy_version, CASE WHEN void THEN 1::bigint ELSE 0::bigint END
        FROM commits ORDER BY now, writer, seq" {
        writer: i64, seq: i64, now: i64, business_date: i64, policy_version: u32, void: i64,
    }

    /// The business day.
    DayRecord / business_day = "SELECT date, next_cutover FROM business_day" { date: i64, next_cutover: i64 }

    /// What a number in `transfers.kind` means.
    TransferKindRecord / transfer_kinds = "SELECT code, name FROM transfer_kinds ORDER BY code" { code: i64, name: String }

    /// What a number in `events.kind` means.
    EventKindRecord / event_kinds = "SELECT code, name FROM event_kinds ORDER BY code" { code: i64, name: String }

    /// A ledger account.
    AccountRecord / accounts =
        "SELECT id, code, currency, debits, credits, customer, ordinal, product, opened, entries, head, closed
         FROM accounts ORDER BY id"
    or "SELECT a.id, coalesce(a.code, a.id::text), a.currency, (a.debits + coalesce(t.debits, 0))::bigint,
            (a.credits + coalesce(t.credits, 0))::bigint, a.customer, a.ordinal, a.product, a.opened, a.entries, a.head, a.closed
        FROM accounts a LEFT JOIN
            (SELECT account, sum(debits) AS debits, sum(credits) AS credits FROM bank_totals GROUP BY account) t
            ON t.account = a.id
        ORDER BY a.id" {
        id: i64, code: String, currency: String, debits: i64, credits: i64, customer: Option<i64>, ordinal: Option<i64>,
        product: Option<String>, opened: Option<i64>, entries: Option<i64>, head: Option<Id>, closed: Option<i64>,
    }

    /// A transfer, in order of commit.
    TransferRecord / transfers =
        "SELECT id, kind, debit, credit, amount, debit_entry, debit_previous, debit_balance, credit_entry,
                credit_previous, credit_balance, at, business_date, machine, machine_previous, card, concerns, writer, seq, idx
         FROM transfers ORDER BY writer, seq, idx, id"
    or "SELECT t.id, kind, debit, credit, amount, debit_entry, debit_previous, debit_balance, credit_entry,
            credit_previous, credit_balance, at, t.business_date, machine, machine_previous, card, concerns, t.writer, t.seq, idx
        FROM all_transfers t LEFT JOIN commits c ON c.writer = t.writer AND c.seq = t.seq
        ORDER BY c.now, t.writer, t.seq, t.idx, t.id" {
        id: Id, kind: i64, debit: i64, credit: i64, amount: i64,
        debit_entry: Option<i64>, debit_previous: Option<Id>, debit_balance: Option<i64>,
        credit_entry: Option<i64>, credit_previous: Option<Id>, credit_balance: Option<i64>,
        at: i64, business_date: i64, machine: Option<i64>, machine_previous: Option<Id>, card: Option<i64>,
        concerns: Option<Id>, writer: i64, seq: i64, idx: i64,
    }

    /// The last transfer of a machine, as its chain says.
    MachineHeadRecord / machine_heads = "SELECT machine, last_transfer FROM holdings WHERE last_transfer IS NOT NULL" {
        machine: i64, transfer: Id,
    }

    /// A withdrawal in two steps and how it stands.
    WithdrawalRecord / withdrawals =
        "SELECT w.id, request, account, customer, machine, amount, currency, fee_transfer, fee, balance_before,
                counted_on, s.state, s.paid, s.case_id
         FROM withdrawals w LEFT JOIN withdrawal_states s ON s.id = w.id ORDER BY w.id" {
        id: Id, request: Id, account: i64, customer: i64, machine: i64, amount: i64, currency: String,
        fee_transfer: Option<Id>, fee: Option<i64>, balance_before: i64, counted_on: i64,
        state: Option<String>, paid: Option<i64>, case_id: Option<i64>,
    }

    /// A case.
    CaseRecord / cases =
        "SELECT id, matter, transfer, machine, account, card, amount, currency, short, resolved FROM cases ORDER BY id" {
        id: i64, matter: String, transfer: Option<Id>, machine: i64, account: String, card: Option<i64>, amount: i64,
        currency: String, short: i64, resolved: Option<i64>,
    }

    /// An enrolled terminal.
    TerminalRecord / terminals =
        "SELECT machine, enrolled, seen, deposited_on, deposited, head, head_mac FROM terminals ORDER BY machine" {
        machine: i64, enrolled: i64, seen: i64, deposited_on: i64, deposited: i64, head: Option<i64>,
        head_mac: Option<Vec<u8>>,
    }

    /// A replenishment that was posted.
    ReplenishmentRecord / replenishments =
        "SELECT machine, held FROM replenishments WHERE posted IS NOT NULL ORDER BY machine, number" {
        machine: i64, held: i64,
    }

    /// A lease, and whether its terminal is there.
    LeaseRecord / leases =
        "SELECT l.machine, l.amount, l.used, (SELECT count(*) FROM terminals t WHERE t.machine = l.machine)
         FROM leases l ORDER BY l.machine, l.nonce" {
        machine: i64, amount: i64, used: i64, terminals: i64,
    }

    /// A card that was served at a terminal, and when its last session there began.
    VisitRecord / visits =
        "SELECT v.machine, v.card, v.at, s.began
         FROM visits v LEFT JOIN
             (SELECT machine, card, max(began) AS began FROM sessions WHERE kind = 'card' GROUP BY machine, card) s
             ON s.machine = v.machine AND s.card = v.card
         ORDER BY v.machine, v.card" {
        machine: i64, card: i64, at: i64, began: Option<i64>,
    }

    /// A machine or counter with its bins and cassettes.
    MachineRecord / machines =
        "SELECT m.number, m.id, m.kind, m.currency, s.status, s.session,
                (SELECT n.machine FROM sessions n WHERE n.id = s.session),
                h.deposit_bin, h.reject_bin, h.retract_bin, h.cassettes
         FROM machines m LEFT JOIN machine_states s ON s.machine = m.number LEFT JOIN holdings h ON h.machine = m.number
         ORDER BY m.number" {
        number: i64, id: String, kind: String, currency: Option<String>, status: Option<String>, session: Option<i64>,
        session_machine: Option<i64>, deposit_bin: Option<i64>, reject_bin: Option<i64>, retract_bin: Option<i64>,
        cassettes: Option<String>,
    }

    /// A customer's use of one day's allowances: the newest date's, which stands in their own row, and the others.
    DailyRecord / daily_use =
        "SELECT used_on AS date, id AS customer, used_currency AS currency, used_withdrawn, used_deposited, used_transferred
         FROM customer_states WHERE used_on IS NOT NULL
         UNION ALL
         SELECT date, customer, currency, withdrawn, deposited, transferred FROM daily_use ORDER BY date, customer, currency" {
        date: i64, customer: i64, currency: String, withdrawn: i64, deposited: i64, transferred: i64,
    }

    /// A customer and the state that changes.
    CustomerRecord / customers =
        "SELECT c.id, c.data_key_version, c.data_key, c.email, c.email_index, c.phone, c.address, c.since,
                c.password_version, c.password_hash, s.events, s.generation, s.password_version, s.last_event
         FROM customers c LEFT JOIN customer_states s ON s.id = c.id ORDER BY c.id" {
        id: i64, data_key_version: u32, data_key: Vec<u8>, email: Option<Vec<u8>>, email_index: Option<Vec<u8>>,
        phone: Option<Vec<u8>>, address: Option<Vec<u8>>, since: i64, password_version: Option<i64>,
        password_hash: Option<String>, events: Option<i64>, generation: Option<i64>,
        state_password_version: Option<i64>, last_event: Option<i64>,
    }

    /// An entry of the email index, and whether it is the one that its customer names.
    EmailRecord / emails =
        "SELECT e.customer, e.email_index IS c.email_index FROM emails e LEFT JOIN customers c ON c.id = e.customer
         ORDER BY e.customer"
    or "SELECT e.customer, e.email_index IS NOT DISTINCT FROM c.email_index
        FROM emails e LEFT JOIN customers c ON c.id = e.customer ORDER BY e.customer" {
        customer: i64, current: bool,
    }

    /// A card with its number, its index, its state and its holder's data key.
    CardRecord / cards =
        "SELECT c.id, c.customer, c.number,
                (SELECT n.number_index FROM card_numbers n WHERE n.card = c.id),
                (SELECT count(*) FROM card_numbers n WHERE n.card = c.id),
                s.state, s.verifier_version, s.session, (SELECT n.card FROM sessions n WHERE n.id = s.session),
                h.data_key_version, h.data_key
         FROM cards c LEFT JOIN card_states s ON s.id = c.id LEFT JOIN customers h ON h.id = c.customer ORDER BY c.id"
    or "SELECT c.id, c.customer, c.number,
            (SELECT n.number_index FROM card_numbers n WHERE n.card = c.id LIMIT 1),
            (SELECT count(*) FROM card_numbers n WHERE n.card = c.id),
            s.state, s.verifier_version, s.session, (SELECT n.card FROM sessions n WHERE n.id = s.session),
            h.data_key_version, h.data_key
        FROM cards c LEFT JOIN card_states s ON s.id = c.id LEFT JOIN customers h ON h.id = c.customer ORDER BY c.id" {
        id: i64, customer: i64, number: Vec<u8>, number_index: Option<Vec<u8>>, indexes: i64, state: Option<String>,
        verifier_version: Option<u32>, session: Option<i64>, session_card: Option<i64>,
        data_key_version: Option<u32>, data_key: Option<Vec<u8>>,
    }

    /// An account that a card reaches.
    CardAccountRecord / card_accounts = "SELECT card, position, account FROM card_accounts ORDER BY card, position" {
        card: i64, position: i64, account: i64,
    }

    /// An event, in order of writing.
    EventRecord / events =
        "SELECT id, customer, number, previous, kind, at, account, amount, currency, transfer, machine, card, code,
                writer, seq, idx
         FROM events ORDER BY id"
    or "SELECT e.id, customer, number, previous, kind, at, account, amount, currency, transfer, machine, card, code,
            e.writer, e.seq, idx
        FROM all_events e LEFT JOIN commits c ON c.writer = e.writer AND c.seq = e.seq ORDER BY c.now, e.writer, e.seq, e.idx" {
        id: i64, customer: i64, number: i64, previous: Option<i64>, kind: i64, at: i64, account: Option<i64>,
        amount: Option<i64>, currency: Option<String>, transfer: Option<Id>, machine: Option<i64>, card: Option<i64>,
        code: Option<String>, writer: i64, seq: i64, idx: i64,
    }

    /// A record of the audit trail.
    AuditTrailRecord / audit = "SELECT writer, seq, idx, actor, kind, subject, at FROM audit ORDER BY writer, seq, idx" {
        writer: i64, seq: i64, idx: i64, actor: String, kind: String, subject: String, at: i64,
    }

    /// An answered request, in order of writing, and which one its key leads to.
    RequestRecord / requests =
        "SELECT n, key, outcome, writer, seq, idx, (SELECT i.n FROM request_index i WHERE i.key = r.key)
         FROM requests r ORDER BY n"
    or "SELECT row_number() OVER (ORDER BY writer, seq, idx) AS n, key, outcome, writer, seq, idx,
            row_number() OVER (ORDER BY writer, seq, idx)
        FROM requests ORDER BY n" {
        n: i64, key: Id, outcome: Vec<u8>, writer: i64, seq: i64, idx: i64, indexed: Option<i64>,
    }

    /// Which requests should be in the index, and how many entries it has.
    RequestSweepRecord / request_sweep = "SELECT merged, sealed, swept, (SELECT count(*) FROM request_index) FROM request_sweep"
    or "SELECT count(*), count(*), NULL::uuid, count(*) FROM requests" {
        merged: i64, sealed: i64, swept: Option<Id>, entries: i64,
    }

    /// A feed of notifications, how far it got in each stream, and where that ends.
    FeedRecord / feeds =
        "SELECT f.channel, c.stream, c.place, CASE c.stream WHEN 0 THEN (SELECT coalesce(max(id), 0) FROM events) END
         FROM feeds f LEFT JOIN feed_cursors c ON c.channel = f.channel ORDER BY 1, 2"
    or "SELECT f.channel, c.stream, c.place,
            (SELECT coalesce(max(e.id) - c.stream * 4398046511104, 0) FROM all_events e
             WHERE e.id >= c.stream * 4398046511104 AND e.id < (c.stream + 1) * 4398046511104)
        FROM feeds f LEFT JOIN feed_cursors c ON c.channel = f.channel ORDER BY 1, 2" {
        channel: String, stream: Option<i64>, place: Option<i64>, last: Option<i64>,
    }

    /// A customer's delivery that waits on a feed.
    FeedWaitingRecord / feed_waiting =
        "SELECT channel, customer, number, attempts, since, due FROM feed_waiting ORDER BY channel, customer" {
        channel: String, customer: i64, number: i64, attempts: i64, since: i64, due: i64,
    }

    /// A delivery that was given up.
    DeadLetterRecord / dead_letters =
        "SELECT id, channel, customer, number, kind, at, writer, seq, idx, attempts, given_up FROM dead_letters ORDER BY id" {
        id: i64, channel: String, customer: i64, number: i64, kind: i64, at: i64, writer: i64, seq: i64, idx: i64,
        attempts: i64, given_up: i64,
    }

    /// What a customer wants to be told of on a channel.
    WishRecord / wishes = "SELECT customer, channel, kinds FROM wishes ORDER BY customer, channel" {
        customer: i64, channel: String, kinds: String,
    }

    /// A session and the state that changes; whose card and which role it should be.
    SessionRecord / sessions =
        "SELECT s.id, s.kind, s.customer, s.card, c.customer, s.role, o.role, s.began, s.ends, t.active, t.generation,
                t.ended
         FROM sessions s LEFT JOIN cards c ON c.id = s.card LEFT JOIN operators o ON o.id = s.operator
         LEFT JOIN session_states t ON t.id = s.id ORDER BY s.id" {
        id: i64, kind: String, customer: Option<i64>, card: Option<i64>, holder: Option<i64>, role: Option<String>,
        operator_role: Option<String>, began: i64, ends: Option<i64>, active: Option<i64>, generation: Option<i64>,
        ended: Option<i64>,
    }

    /// A reference to a row that is not there, as the database itself finds it.
    Dangling / dangling = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2"
    or "SELECT ''::text, ''::text, 0::bigint WHERE false" {
        table: String, parent: String, rows: i64,
    }

    /// What the database says of its own pages and constraints; `ok` if nothing.
    Integrity / integrity = "SELECT integrity_check FROM pragma_integrity_check"
    or "SELECT 'ok'::text" { found: String }
}

impl Records {
    /// Opens a bank's file for reading, whether a host runs on it or not; everything read is of one instant.
    ///
    /// # Errors
    /// There is no bank of this program's schema version there, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        Ok(Self { source: Source::Sqlite(sqlite::snapshot(path)?) })
    }

    /// Opens a bank on a server, whether hosts run on it or not; everything read is of one instant.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_shared(address: &Address) -> Result<Self, PostgresError> {
        Ok(Self { source: Source::Postgres(RefCell::new(postgres::Snapshot::open(address)?)) })
    }

    /// Opens what is behind a connection that nobody else has.
    pub(super) fn of(connection: Connection) -> Self {
        Self { source: Source::Sqlite(connection) }
    }

    /// Opens what a transaction has put into a database.
    pub(crate) fn within(target: postgres::Target) -> Self {
        Self { source: Source::Postgres(RefCell::new(target.into())) }
    }

    /// The transaction goes on; none if it was none.
    pub(crate) fn into_target(self) -> Option<postgres::Target> {
        match self.source {
            Source::Sqlite(_) => None,
            Source::Postgres(snapshot) => Some(snapshot.into_inner().into()),
        }
    }

    /// How its writers' commits stand to each other.
    #[must_use]
    pub fn order(&self) -> Writers {
        match self.source {
            Source::Sqlite(_) => Writers::InTurn,
            Source::Postgres(_) => Writers::SideBySide,
        }
    }

    /// A version of the policy.
    ///
    /// # Errors
    /// It is not there, or its settings are none.
    pub fn policy(&self, version: u32) -> Result<Policy, StoreError> {
        match &self.source {
            Source::Sqlite(connection) => sqlite::policy(connection, version),
            Source::Postgres(snapshot) => snapshot.borrow_mut().policy(version),
        }
    }
}

impl MachineRecord {
    /// Its cassettes, by position; none if the text means none.
    #[must_use]
    pub fn cassettes(&self) -> Option<Vec<Cassette>> {
        names::parse_cassettes(self.cassettes.as_deref()?)
    }
}

impl RequestRecord {
    /// The recorded answer.
    ///
    /// # Errors
    /// Why the bytes are none.
    pub fn answer(&self) -> Result<Outcome, String> {
        codec::decode(&self.outcome).map_err(|error| error.to_string())
    }
}
