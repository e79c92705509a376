-- Fewer pages per command, schema version 3, for SQLite. Conventions as in version 1, but for what it says of `requests`:
-- nothing that a withdrawal writes has a random place any more.

-- Answered requests, kept for ever: same request, same answer. Appended in the order of their commits.
CREATE TABLE requests_by_number (
    n       INTEGER PRIMARY KEY CHECK (n >= 1),            -- 1, 2, 3 … without gaps
    key     BLOB NOT NULL CHECK (length(key) = 16),        -- digest of scope and idempotency key; no two are the same
    content BLOB NOT NULL CHECK (length(content) = 16),    -- digest of what was asked for
    outcome BLOB NOT NULL,                                 -- the answer, in the store's own versioned encoding
    writer  INTEGER NOT NULL,                              -- the commit (no foreign key: the commit's row is the first
    seq     INTEGER NOT NULL,                              -- that its transaction writes)
    idx     INTEGER NOT NULL CHECK (idx >= 0)
) STRICT;

INSERT INTO requests_by_number (n, key, content, outcome, writer, seq, idx)
SELECT row_number() OVER (ORDER BY writer, seq, idx), key, content, outcome, writer, seq, idx FROM requests;

DROP TABLE requests;
ALTER TABLE requests_by_number RENAME TO requests;

-- Finds a request by its key. Written behind: keys of the newest requests are in the writer's memory only, and come here
-- in key order, a slice with every few commits, so that neighbours share a page. What is here is exactly what
-- `request_sweep` says.
CREATE TABLE request_index (
    key BLOB PRIMARY KEY CHECK (length(key) = 16),         -- requests.key
    n   INTEGER NOT NULL                                   -- requests.n (no foreign key: it is old, its page would have
                                                           -- to be read)
) STRICT, WITHOUT ROWID;

INSERT INTO request_index (key, n) SELECT key, n FROM requests ORDER BY key;

-- One row: which requests are in the index: all up to `merged`; of those after it and up to `sealed`, the ones whose
-- key is at most `swept`; no others.
CREATE TABLE request_sweep (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    merged INTEGER NOT NULL CHECK (merged >= 0),           -- requests.n
    sealed INTEGER NOT NULL CHECK (sealed >= merged),      -- requests.n; the same if no sweep is under way
    swept  BLOB CHECK (length(swept) = 16),                -- the last key of a sweep under way
    CHECK ((merged = sealed) = (swept IS NULL))
) STRICT;

INSERT INTO request_sweep (id, merged, sealed, swept)
SELECT 1, coalesce(max(n), 0), coalesce(max(n), 0), NULL FROM requests;

-- A customer's use of the newest date stands in the row that every event of theirs rewrites anyway. When a newer date, or
-- the first use in another currency comes, `daily_use` gets it: there stand older dates, and further currencies.
ALTER TABLE customer_states ADD COLUMN used_on INTEGER;    -- the date; NULL: nothing was ever used
ALTER TABLE customer_states ADD COLUMN used_currency TEXT  -- the currency first used on it, …
    CHECK (length(used_currency) = 3)
    CHECK ((used_on IS NULL) = (used_currency IS NULL));
ALTER TABLE customer_states ADD COLUMN used_withdrawn INTEGER -- … and, in it, what was withdrawn,
    CHECK (used_withdrawn >= 0)
    CHECK ((used_on IS NULL) = (used_withdrawn IS NULL));
ALTER TABLE customer_states ADD COLUMN used_deposited INTEGER -- deposited,
    CHECK (used_deposited >= 0)
    CHECK ((used_on IS NULL) = (used_deposited IS NULL));
ALTER TABLE customer_states ADD COLUMN used_transferred INTEGER -- transferred; minor units
    CHECK (used_transferred >= 0)
    CHECK ((used_on IS NULL) = (used_transferred IS NULL));

CREATE TABLE newest_use (customer INTEGER PRIMARY KEY, date INTEGER, currency TEXT, withdrawn INTEGER, deposited INTEGER,
    transferred INTEGER);
INSERT INTO newest_use
SELECT customer, date, currency, withdrawn, deposited, transferred FROM (
    SELECT *, row_number() OVER (PARTITION BY customer ORDER BY date DESC, currency) AS place FROM daily_use)
WHERE place = 1;
UPDATE customer_states SET used_on = u.date, used_currency = u.currency, used_withdrawn = u.withdrawn,
    used_deposited = u.deposited, used_transferred = u.transferred
FROM newest_use u WHERE u.customer = customer_states.id;
DELETE FROM daily_use WHERE EXISTS (SELECT 1 FROM newest_use u
    WHERE u.customer = daily_use.customer AND u.date = daily_use.date AND u.currency = daily_use.currency);
DROP TABLE newest_use;

-- The cash of a machine, in minor units of its currency, and the head of the chain of its transfers.
CREATE TABLE holdings_in_one (
    machine       INTEGER PRIMARY KEY REFERENCES machines (number),
    cassettes     TEXT NOT NULL,                           -- by position: notes x value of one: `98x5000 200x2000`
    deposit_bin   INTEGER NOT NULL CHECK (deposit_bin >= 0),
    reject_bin    INTEGER NOT NULL CHECK (reject_bin >= 0),
    retract_bin   INTEGER NOT NULL CHECK (retract_bin >= 0),
    last_transfer BLOB CHECK (length(last_transfer) = 16)  -- the last at this machine (no foreign key: an update would look
                                                           -- for it, and the transfer is of the same commit)
) STRICT;

INSERT INTO holdings_in_one (machine, cassettes, deposit_bin, reject_bin, retract_bin, last_transfer)
SELECT machine,
    coalesce((SELECT group_concat(count || 'x' || denomination, ' ' ORDER BY position) FROM cassettes c
        WHERE c.machine = h.machine), ''),
    deposit_bin, reject_bin, retract_bin, (SELECT transfer FROM machine_heads m WHERE m.machine = h.machine)
FROM holdings h;

DROP TABLE machine_heads;
DROP TABLE cassettes;
DROP TABLE holdings;
ALTER TABLE holdings_in_one RENAME TO holdings;

-- Transfers and events, as they were but for foreign keys. Checking one is a look-up with every row: an eighth of what a
-- withdrawal costs. Left out are those whose target the writer has just looked up or written in the same transaction: kinds,
-- machines, the commit, an event's transfer. Whose money and whose event it is, is checked as before; the rest by `verify`.
CREATE TABLE transfers_added (
    id               BLOB PRIMARY KEY CHECK (length(id) = 16),
    kind             INTEGER NOT NULL,                     -- transfer_kinds.code
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
    machine          INTEGER,                              -- machines.number: the machine or counter concerned
    machine_previous BLOB,                                 -- the transfer before it at that machine (no foreign key, as above)
    card             INTEGER REFERENCES cards (id),        -- the card that asked for it
    concerns         BLOB REFERENCES transfers (id),       -- what it completes, corrects, or is the fee of
    writer           INTEGER NOT NULL,                     -- commits.writer, commits.seq
    seq              INTEGER NOT NULL,
    idx              INTEGER NOT NULL CHECK (idx >= 0),
    CHECK (debit <> credit),
    CHECK ((debit > 0) = (debit_entry IS NOT NULL)),
    CHECK ((debit > 0) = (debit_balance IS NOT NULL)),
    CHECK (coalesce(debit_entry > 1, 0) = (debit_previous IS NOT NULL)),
    CHECK ((credit > 0) = (credit_entry IS NOT NULL)),
    CHECK ((credit > 0) = (credit_balance IS NOT NULL)),
    CHECK (coalesce(credit_entry > 1, 0) = (credit_previous IS NOT NULL)),
    CHECK (machine IS NOT NULL OR machine_previous IS NULL)
) STRICT, WITHOUT ROWID;

INSERT INTO transfers_added SELECT * FROM transfers ORDER BY id;
DROP TABLE transfers;
ALTER TABLE transfers_added RENAME TO transfers;

CREATE TABLE events_added (
    id       INTEGER PRIMARY KEY,                          -- order of writing; means nothing outside the store
    customer INTEGER NOT NULL REFERENCES customer_states (id),
    number   INTEGER NOT NULL CHECK (number >= 1),         -- 1, 2, 3 … without gaps within the customer
    previous INTEGER,                                      -- the customer's event before: events.id (no foreign key:
                                                           -- it is old, its page would have to be read)
    kind     INTEGER NOT NULL,                             -- event_kinds.code
    at       INTEGER NOT NULL,
    account  INTEGER,                                      -- the customer's account (no foreign key, as above)
    amount   INTEGER,                                      -- how much, minor units
    currency TEXT CHECK (length(currency) = 3),            -- of what
    transfer BLOB,                                         -- transfers.id; of the same commit or shortly before
    machine  INTEGER,                                      -- machines.number: where
    card     INTEGER,                                      -- with which card (no foreign key, as above)
    code     TEXT,                                         -- the code of the refusal
    writer   INTEGER NOT NULL,                             -- commits.writer, commits.seq
    seq      INTEGER NOT NULL,
    idx      INTEGER NOT NULL CHECK (idx >= 0),
    CHECK ((number = 1) = (previous IS NULL)),
    CHECK ((amount IS NULL) = (currency IS NULL))
) STRICT;

INSERT INTO events_added SELECT * FROM events ORDER BY id;
DROP TABLE events;
ALTER TABLE events_added RENAME TO events;
