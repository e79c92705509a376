-- The bank, schema version 1, for SQLite.
--
-- Conventions
--   * Instants are microseconds since the Unix epoch, UTC. Dates are days since 1970-01-01. Durations are seconds.
--   * Money is whole minor units of the row's currency (ISO 4217 code).
--   * Ids are integers as the bank made them; transfer ids are the 16 bytes of a UUID version 7, most significant
--     first, so that byte order is time order and new rows go to the right edge of their table.
--   * (writer, seq, idx) is a row's commit and its place among the rows that the commit added.
--   * What never changes and what changes with every command stand in separate tables, so that a busy page holds
--     only busy rows. A `*_states` row is rewritten at most once per commit.
--   * There is no index that a withdrawal would have to update at a random place, apart from `requests`, whose key is
--     random by nature. Histories are chains: a row names the one before it, and a head row names the last.
--   * Foreign keys are left out only where checking them would read a random old page on the money path; each such
--     column says so.

-- One row: what this database is.
CREATE TABLE bank (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    sandbox  INTEGER NOT NULL CHECK (sandbox IN (0, 1)),   -- 1: play money, for ever; no credentials are asked for
    program  TEXT NOT NULL                                 -- what made it, for people
) STRICT;

-- Every incarnation of a bank worker that wrote here.
CREATE TABLE writers (
    id       INTEGER PRIMARY KEY,                          -- 1, 2, 3 … in the order in which they opened the database
    program  TEXT NOT NULL                                 -- which program it was, for people
) STRICT;

-- Versions of the operator's policy. The highest is in force.
CREATE TABLE policies (
    version  INTEGER PRIMARY KEY CHECK (version >= 1),
    at       INTEGER,                                      -- when it came into force; NULL: with the database
    settings TEXT NOT NULL                                 -- one `name=value` a line, every value of the policy
) STRICT;

-- One row per group of commands that was made durable together.
CREATE TABLE commits (
    writer         INTEGER NOT NULL REFERENCES writers (id),
    seq            INTEGER NOT NULL CHECK (seq >= 1),      -- 1, 2, 3 … without gaps within the writer
    now            INTEGER NOT NULL,                       -- when the group was decided; never falls
    business_date  INTEGER NOT NULL,                       -- the bank's day that it counts on
    policy_version INTEGER NOT NULL REFERENCES policies (version),
    void           INTEGER NOT NULL CHECK (void IN (0, 1)),-- 1: the place was given up, nothing belongs to it
    PRIMARY KEY (writer, seq)
) STRICT, WITHOUT ROWID;

-- At most one row: the bank's day. It only moves forwards.
CREATE TABLE business_day (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    date         INTEGER NOT NULL,                         -- the day in force
    next_cutover INTEGER NOT NULL                          -- the first group at or after this instant moves it
) STRICT;

-- Customers: identity and personal data. Everything but the name is sealed under the customer's own data key.
CREATE TABLE customers (
    id               INTEGER PRIMARY KEY,
    name             TEXT NOT NULL,                        -- in clear, for search
    data_key_version INTEGER NOT NULL,                     -- version of the key that wraps the data key
    data_key         BLOB NOT NULL,                        -- the customer's data key, wrapped
    email            BLOB,                                 -- sealed email address
    email_index      BLOB,                                 -- keyed digest of the address, see `emails`
    phone            BLOB,                                 -- sealed telephone number
    address          BLOB,                                 -- sealed postal address
    since            INTEGER NOT NULL,                     -- when the customer came
    password_version INTEGER CHECK (password_version >= 1),-- counts passwords
    password_hash    TEXT,                                 -- Argon2id, PHC format
    CHECK ((email IS NULL) = (email_index IS NULL)),
    CHECK ((password_version IS NULL) = (password_hash IS NULL))
) STRICT;

-- What changes about a customer with every event.
CREATE TABLE customer_states (
    id               INTEGER PRIMARY KEY REFERENCES customers (id),
    events           INTEGER NOT NULL CHECK (events >= 0), -- how many events; the number of the last
    generation       INTEGER NOT NULL CHECK (generation >= 1), -- online sessions of an older one are dead
    password_version INTEGER NOT NULL CHECK (password_version >= 0), -- 0: no password
    last_event       INTEGER                               -- head of the chain of events: events.id (deliberately no
                                                           -- foreign key: events refer to this table)
) STRICT;

-- Finds a customer by email address. An address that is given up loses its row.
CREATE TABLE emails (
    email_index BLOB PRIMARY KEY CHECK (length(email_index) = 32), -- keyed digest of the address
    customer    INTEGER NOT NULL REFERENCES customers (id)
) STRICT, WITHOUT ROWID;

-- Tries that identities (email or operator name, as a keyed digest) have left, by the generic cell rate algorithm.
CREATE TABLE tries (
    identity BLOB PRIMARY KEY CHECK (length(identity) = 32),
    arrival  INTEGER NOT NULL                              -- theoretical arrival time of the next try
) STRICT, WITHOUT ROWID;

-- Staff.
CREATE TABLE operators (
    id               INTEGER PRIMARY KEY,
    name             TEXT NOT NULL UNIQUE,                 -- log-in name
    role             TEXT NOT NULL CHECK (role IN ('admin', 'clerk', 'custodian', 'auditor')),
    password_version INTEGER NOT NULL CHECK (password_version >= 1),
    password_hash    TEXT NOT NULL                         -- Argon2id, PHC format
) STRICT;

-- Machines and counters: places where cash stands.
CREATE TABLE machines (
    number   INTEGER PRIMARY KEY,                          -- what other tables refer to it by; never leaves the store
    id       TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 31),
    kind     TEXT NOT NULL CHECK (kind IN ('api', 'terminal', 'counter')),
    currency TEXT CHECK (length(currency) = 3),            -- what its notes are; a counter takes any
    secret   BLOB NOT NULL CHECK (length(secret) = 32),    -- SHA-256 of its channel credential or enrolment code
    CHECK ((kind = 'counter') = (currency IS NULL))
) STRICT;

-- What staff and log-ins change about a machine.
CREATE TABLE machine_states (
    machine  INTEGER PRIMARY KEY REFERENCES machines (number),
    location TEXT NOT NULL,                                -- for people
    status   TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
    session  INTEGER REFERENCES sessions (id) DEFERRABLE INITIALLY DEFERRED -- the only card session here that may live
) STRICT;

-- The bins of a machine, in minor units of its currency.
CREATE TABLE holdings (
    machine     INTEGER PRIMARY KEY REFERENCES machines (number),
    deposit_bin INTEGER NOT NULL CHECK (deposit_bin >= 0),
    reject_bin  INTEGER NOT NULL CHECK (reject_bin >= 0),
    retract_bin INTEGER NOT NULL CHECK (retract_bin >= 0)
) STRICT;

-- The cassettes of a machine.
CREATE TABLE cassettes (
    machine      INTEGER NOT NULL REFERENCES holdings (machine),
    position     INTEGER NOT NULL CHECK (position >= 0),   -- 0, 1, 2 …
    denomination INTEGER NOT NULL CHECK (denomination > 0),-- value of one note, minor units
    count        INTEGER NOT NULL CHECK (count >= 0),      -- notes
    PRIMARY KEY (machine, position)
) STRICT, WITHOUT ROWID;

-- Head of the chain of a machine's transfers.
CREATE TABLE machine_heads (
    machine  INTEGER PRIMARY KEY REFERENCES machines (number),
    transfer BLOB NOT NULL REFERENCES transfers (id)
) STRICT;

-- The chart of accounts: one row per ledger account. Customers' accounts have their account number as id, internal ones
-- (`atm:*`, `bank:*`) a negative id. Balance = credits - debits. Accounts of the bank are only ever added to.
CREATE TABLE accounts (
    id       INTEGER PRIMARY KEY,
    code     TEXT NOT NULL UNIQUE,                         -- `10001`, `atm:ATM1:cash:USD`, `bank:vault:USD`
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    debits   INTEGER NOT NULL CHECK (debits >= 0),         -- sum of all transfers that debit it
    credits  INTEGER NOT NULL CHECK (credits >= 0),        -- sum of all transfers that credit it
    customer INTEGER REFERENCES customers (id),            -- owner
    ordinal  INTEGER CHECK (ordinal >= 1),                 -- the owner's 1st, 2nd, 3rd … account
    product  TEXT CHECK (product IN ('checking', 'savings')),
    opened   INTEGER,                                      -- when
    entries  INTEGER CHECK (entries >= 0),                 -- entries in its history; the number of the last
    head     BLOB CHECK (length(head) = 16),               -- the transfer that holds the last entry (no foreign key:
                                                           -- transfers refer to this table)
    closed   INTEGER,                                      -- when, if it is
    UNIQUE (customer, ordinal),
    CHECK (id <> 0),
    CHECK ((id > 0) = (customer IS NOT NULL)),
    CHECK ((customer IS NULL) = (ordinal IS NULL)),
    CHECK ((customer IS NULL) = (product IS NULL)),
    CHECK ((customer IS NULL) = (opened IS NULL)),
    CHECK ((customer IS NULL) = (entries IS NULL)),
    CHECK ((coalesce(entries, 0) = 0) = (head IS NULL)),
    CHECK (closed IS NULL OR closed >= opened)
) STRICT;

-- Cards. The number stands here only sealed.
CREATE TABLE cards (
    id       INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL REFERENCES customers (id),
    expires  INTEGER NOT NULL,                             -- first instant at which it is no longer valid
    number   BLOB NOT NULL                                 -- the sealed card number
) STRICT;

-- The accounts that a card reaches.
CREATE TABLE card_accounts (
    card     INTEGER NOT NULL REFERENCES cards (id),
    position INTEGER NOT NULL CHECK (position >= 0),       -- 0 is the primary one
    account  INTEGER NOT NULL REFERENCES accounts (id) CHECK (account > 0),
    PRIMARY KEY (card, position),
    UNIQUE (card, account)
) STRICT, WITHOUT ROWID;

-- What changes about a card.
CREATE TABLE card_states (
    id               INTEGER PRIMARY KEY REFERENCES cards (id),
    state            TEXT NOT NULL CHECK (state IN ('active', 'lost', 'stolen', 'removed')),
    verifier_version INTEGER NOT NULL,                     -- version of the key that made the verifier
    verifier         BLOB NOT NULL CHECK (length(verifier) = 32), -- keyed digest of card and PIN
    session          INTEGER REFERENCES sessions (id) DEFERRABLE INITIALLY DEFERRED -- its only session that may live
) STRICT;

-- Finds a card by its number.
CREATE TABLE card_numbers (
    number_index BLOB PRIMARY KEY CHECK (length(number_index) = 32), -- keyed digest of the number
    card         INTEGER NOT NULL REFERENCES cards (id)
) STRICT, WITHOUT ROWID;

-- Counts of wrong PINs of cards.
CREATE TABLE card_pins (
    card   INTEGER PRIMARY KEY REFERENCES cards (id),
    state  TEXT NOT NULL CHECK (state IN ('open', 'blocked', 'locked')),
    wrong  INTEGER CHECK (wrong BETWEEN 0 AND 255),        -- open: wrong ones in a row
    blocks INTEGER CHECK (blocks BETWEEN 0 AND 255),       -- open, blocked: blocks since the last right one
    until  INTEGER,                                        -- blocked: when it lifts by itself
    CHECK ((state = 'open') = (wrong IS NOT NULL)),
    CHECK ((state = 'locked') = (blocks IS NULL)),
    CHECK ((state = 'blocked') = (until IS NOT NULL))
) STRICT;

-- Counts of wrong PINs for numbers that no card has; columns as in `card_pins`.
CREATE TABLE unknown_pins (
    number_index BLOB PRIMARY KEY CHECK (length(number_index) = 32), -- keyed digest of the number
    state        TEXT NOT NULL CHECK (state IN ('open', 'blocked', 'locked')),
    wrong        INTEGER CHECK (wrong BETWEEN 0 AND 255),
    blocks       INTEGER CHECK (blocks BETWEEN 0 AND 255),
    until        INTEGER,
    CHECK ((state = 'open') = (wrong IS NOT NULL)),
    CHECK ((state = 'locked') = (blocks IS NULL)),
    CHECK ((state = 'blocked') = (until IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Sessions: what never changes.
CREATE TABLE sessions (
    id       INTEGER PRIMARY KEY,
    token    BLOB NOT NULL UNIQUE CHECK (length(token) = 32), -- SHA-256 of the token
    kind     TEXT NOT NULL CHECK (kind IN ('card', 'online', 'operator')),
    customer INTEGER REFERENCES customers (id),            -- card, online
    card     INTEGER REFERENCES cards (id),                -- card
    machine  INTEGER REFERENCES machines (number),         -- card: where it is
    operator INTEGER REFERENCES operators (id),            -- operator
    role     TEXT CHECK (role IN ('admin', 'clerk', 'custodian', 'auditor')), -- operator: what they may do
    began    INTEGER NOT NULL,
    idle_s   INTEGER NOT NULL CHECK (idle_s >= 0),         -- ends after so long without activity
    ends     INTEGER,                                      -- ends at this instant whatever happens
    CHECK ((kind = 'operator') = (customer IS NULL)),
    CHECK ((kind = 'card') = (card IS NOT NULL)),
    CHECK ((kind = 'card') = (machine IS NOT NULL)),
    CHECK ((kind = 'operator') = (operator IS NOT NULL)),
    CHECK ((kind = 'operator') = (role IS NOT NULL))
) STRICT;

-- What changes about a session.
CREATE TABLE session_states (
    id         INTEGER PRIMARY KEY REFERENCES sessions (id),
    active     INTEGER NOT NULL,                           -- last command or touch
    generation INTEGER NOT NULL CHECK (generation >= 0),   -- the customer's session generation that it belongs to
    ended      INTEGER,                                    -- ended early: when …
    why        TEXT CHECK (why IN ('logged_out', 'card_reported')), -- … and why
    CHECK ((ended IS NULL) = (why IS NULL))
) STRICT;

-- What the numbers in transfers.kind mean.
CREATE TABLE transfer_kinds (
    code INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO transfer_kinds (code, name) VALUES
    (1, 'opening'), (2, 'withdrawal'), (3, 'withdrawal_approved'), (4, 'withdrawal_completed'), (5, 'reversal'),
    (6, 'overdraft_fee'), (7, 'fee_return'), (8, 'suspect_paid'), (9, 'suspect_not_paid'), (10, 'deposit'),
    (11, 'transfer'), (12, 'replenishment'), (13, 'removal'), (14, 'shortage'), (15, 'surplus');

-- The ledger: money moving from the account that is debited to the account that is credited. Rows are only ever added;
-- a correction is a new row that concerns the one it corrects. Both accounts have the same currency, which is the
-- transfer's (checked when a transfer is made and when it is read back: two accounts are beyond a CHECK).
CREATE TABLE transfers (
    id               BLOB PRIMARY KEY CHECK (length(id) = 16),
    kind             INTEGER NOT NULL REFERENCES transfer_kinds (code),
    debit            INTEGER NOT NULL REFERENCES accounts (id),
    credit           INTEGER NOT NULL REFERENCES accounts (id),
    amount           INTEGER NOT NULL CHECK (amount > 0),
    debit_entry      INTEGER CHECK (debit_entry >= 1),     -- a customer's side: its number in that account's history,
    debit_previous   BLOB,                                 -- the transfer that holds the entry before (no foreign key:
                                                           -- it is old, its page would have to be read),
    debit_balance    INTEGER,                              -- and the balance after it
    credit_entry     INTEGER CHECK (credit_entry >= 1),    -- likewise
    credit_previous  BLOB,
    credit_balance   INTEGER,
    at               INTEGER NOT NULL,                     -- when it was decided
    business_date    INTEGER NOT NULL,                     -- the bank's day on which it counts
    machine          INTEGER REFERENCES machines (number), -- the machine or counter concerned
    machine_previous BLOB,                                 -- the transfer before it at that machine (no foreign key, as above)
    card             INTEGER REFERENCES cards (id),        -- the card that asked for it
    concerns         BLOB REFERENCES transfers (id),       -- what it completes, corrects, or is the fee of
    writer           INTEGER NOT NULL,
    seq              INTEGER NOT NULL,
    idx              INTEGER NOT NULL CHECK (idx >= 0),
    FOREIGN KEY (writer, seq) REFERENCES commits (writer, seq),
    CHECK (debit <> credit),
    CHECK ((debit > 0) = (debit_entry IS NOT NULL)),
    CHECK ((debit > 0) = (debit_balance IS NOT NULL)),
    CHECK (coalesce(debit_entry > 1, 0) = (debit_previous IS NOT NULL)),
    CHECK ((credit > 0) = (credit_entry IS NOT NULL)),
    CHECK ((credit > 0) = (credit_balance IS NOT NULL)),
    CHECK (coalesce(credit_entry > 1, 0) = (credit_previous IS NOT NULL)),
    CHECK (machine IS NOT NULL OR machine_previous IS NULL)
) STRICT, WITHOUT ROWID;

-- Answered requests, kept for ever: same request, same answer.
CREATE TABLE requests (
    key     BLOB PRIMARY KEY CHECK (length(key) = 16),     -- digest of scope and idempotency key
    content BLOB NOT NULL CHECK (length(content) = 16),    -- digest of what was asked for
    outcome BLOB NOT NULL,                                 -- the answer, in the store's own versioned encoding
    writer  INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    idx     INTEGER NOT NULL CHECK (idx >= 0),
    FOREIGN KEY (writer, seq) REFERENCES commits (writer, seq)
) STRICT, WITHOUT ROWID;

-- What a customer used of a day's allowances, in minor units. The date comes first, so that today's rows lie together.
CREATE TABLE daily_use (
    date        INTEGER NOT NULL,
    customer    INTEGER NOT NULL REFERENCES customer_states (id),
    currency    TEXT NOT NULL CHECK (length(currency) = 3),
    withdrawn   INTEGER NOT NULL CHECK (withdrawn >= 0),
    deposited   INTEGER NOT NULL CHECK (deposited >= 0),
    transferred INTEGER NOT NULL CHECK (transferred >= 0),
    PRIMARY KEY (date, customer, currency)
) STRICT, WITHOUT ROWID;

-- Withdrawals approved for a terminal: what never changes.
CREATE TABLE withdrawals (
    id             BLOB PRIMARY KEY REFERENCES transfers (id), -- the transfer that approved it
    request        BLOB NOT NULL UNIQUE CHECK (length(request) = 16), -- key of the request that it answered
    account        INTEGER NOT NULL REFERENCES accounts (id) CHECK (account > 0),
    customer       INTEGER NOT NULL REFERENCES customers (id),
    machine        INTEGER NOT NULL REFERENCES machines (number), -- the machine that was to pay
    amount         INTEGER NOT NULL CHECK (amount > 0),    -- what was approved
    currency       TEXT NOT NULL CHECK (length(currency) = 3),
    fee_transfer   BLOB REFERENCES transfers (id),         -- its overdraft fee: the transfer …
    fee            INTEGER CHECK (fee > 0),                -- … and how much
    balance_before INTEGER NOT NULL,                       -- the account's balance just before the approval
    counted_on     INTEGER NOT NULL,                       -- the date whose daily use it counts on
    CHECK ((fee_transfer IS NULL) = (fee IS NULL))
) STRICT, WITHOUT ROWID;

-- How approved withdrawals stand.
CREATE TABLE withdrawal_states (
    id      BLOB PRIMARY KEY REFERENCES withdrawals (id),
    state   TEXT NOT NULL CHECK (state IN ('approved', 'completed', 'partial', 'reversed', 'suspect')),
    paid    INTEGER CHECK (paid > 0),                      -- partial: what was paid
    case_id INTEGER REFERENCES cases (id),                 -- suspect: the case
    CHECK ((state = 'partial') = (paid IS NOT NULL)),
    CHECK ((state = 'suspect') = (case_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Open questions about cash.
CREATE TABLE cases (
    id         INTEGER PRIMARY KEY,
    withdrawal BLOB NOT NULL UNIQUE REFERENCES withdrawals (id),
    machine    INTEGER NOT NULL REFERENCES machines (number),
    amount     INTEGER NOT NULL CHECK (amount > 0),        -- what is unresolved
    currency   TEXT NOT NULL CHECK (length(currency) = 3),
    resolved   INTEGER CHECK (resolved >= 0)               -- what turned out paid; NULL: not resolved
) STRICT;

-- What the numbers in events.kind mean.
CREATE TABLE event_kinds (
    code INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO event_kinds (code, name) VALUES
    (1, 'log_in'), (2, 'log_out'), (3, 'card_blocked'), (4, 'card_locked'), (5, 'card_unblocked'), (6, 'card_issued'),
    (7, 'card_reported'), (8, 'card_removed'), (9, 'pin_changed'), (10, 'password_changed'), (11, 'profile_changed'),
    (12, 'account_opened'), (13, 'account_closed'), (14, 'balance'), (15, 'withdrawal'), (16, 'deposit'),
    (17, 'transfer_in'), (18, 'transfer_out'), (19, 'fee'), (20, 'reversal'), (21, 'suspect'), (22, 'refused');

-- What happened to customers. Ids only, never personal data. A customer's events are a chain from
-- customer_states.last_event backwards.
CREATE TABLE events (
    id       INTEGER PRIMARY KEY,                          -- order of writing; means nothing outside the store
    customer INTEGER NOT NULL REFERENCES customer_states (id),
    number   INTEGER NOT NULL CHECK (number >= 1),         -- 1, 2, 3 … without gaps within the customer
    previous INTEGER,                                      -- the customer's event before: events.id (no foreign key:
                                                           -- it is old, its page would have to be read)
    kind     INTEGER NOT NULL REFERENCES event_kinds (code),
    at       INTEGER NOT NULL,
    account  INTEGER,                                      -- the customer's account (no foreign key, as above)
    amount   INTEGER,                                      -- how much, minor units
    currency TEXT CHECK (length(currency) = 3),            -- of what
    transfer BLOB REFERENCES transfers (id),               -- the transfer; of the same commit or shortly before
    machine  INTEGER REFERENCES machines (number),         -- where
    card     INTEGER,                                      -- with which card (no foreign key, as above)
    code     TEXT,                                         -- the code of the refusal
    writer   INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    idx      INTEGER NOT NULL CHECK (idx >= 0),
    FOREIGN KEY (writer, seq) REFERENCES commits (writer, seq),
    CHECK ((number = 1) = (previous IS NULL)),
    CHECK ((amount IS NULL) = (currency IS NULL))
) STRICT;

-- The audit trail of security events, for the operator. Nothing secret, no personal data.
CREATE TABLE audit (
    writer  INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    idx     INTEGER NOT NULL CHECK (idx >= 0),
    actor   TEXT NOT NULL,                                 -- `unknown`, `console`, `customer:ID`, `operator:ID`, `machine:ID`
    kind    TEXT NOT NULL,                                 -- what
    subject TEXT NOT NULL,                                 -- to what: an id
    detail  TEXT NOT NULL,                                 -- the particulars, for people
    at      INTEGER NOT NULL,
    PRIMARY KEY (writer, seq, idx),
    FOREIGN KEY (writer, seq) REFERENCES commits (writer, seq)
) STRICT, WITHOUT ROWID;
