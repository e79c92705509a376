-- Terminals, schema version 4, for SQLite. Conventions as in version 1.

INSERT INTO transfer_kinds (code, name) VALUES
    (16, 'offline_withdrawal'), (17, 'offline_suspect'), (18, 'deposit_held'), (19, 'deposit_released'),
    (20, 'deposit_paid_out'), (21, 'deposit_refuted'), (22, 'withdrawal_owed'), (23, 'withdrawal_refuted');

INSERT INTO event_kinds (code, name) VALUES (23, 'overdrawn'), (24, 'deposit_held'), (25, 'card_retained');

-- The dispenser's nonce that leave was given for.
ALTER TABLE withdrawals ADD COLUMN nonce BLOB CHECK (length(nonce) = 16);

-- Cases are no longer about withdrawals alone. (The table is made anew under its name; those who refer to it wait.)
PRAGMA defer_foreign_keys = ON;
CREATE TABLE cases_before AS
    SELECT c.id, c.withdrawal, c.machine, w.account, c.amount, c.currency, c.resolved
    FROM cases c JOIN withdrawals w ON w.id = c.withdrawal;
DROP TABLE cases;

-- Open questions about cash.
CREATE TABLE cases (
    id       INTEGER PRIMARY KEY,
    matter   TEXT NOT NULL CHECK (matter IN ('suspect', 'offline_suspect', 'deposit_unclear', 'over_ceiling',
                                             'deposit_unclaimed', 'withdrawal_unclaimed', 'withdrawal_unclear')),
    transfer BLOB UNIQUE REFERENCES transfers (id),        -- what waits in flight or in suspense
    machine  INTEGER NOT NULL REFERENCES machines (number),
    account  TEXT NOT NULL,                                -- as it was told: perhaps no such account is there
    card     INTEGER,                                      -- as it was told
    amount   INTEGER NOT NULL CHECK (amount > 0),          -- what is unresolved
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    opened   INTEGER,                                      -- when; NULL: before version 4
    evidence TEXT NOT NULL,                                -- what is known, for people
    resolved INTEGER CHECK (resolved BETWEEN 0 AND amount),-- what turned out paid, or paid in; NULL: not resolved
    CHECK ((transfer IS NULL) = (matter IN ('deposit_unclear', 'withdrawal_unclear')))
) STRICT;

INSERT INTO cases (id, matter, transfer, machine, account, amount, currency, evidence, resolved)
SELECT id, 'suspect', withdrawal, machine, CAST(account AS TEXT), amount, currency, '', resolved FROM cases_before;
DROP TABLE cases_before;

CREATE INDEX cases_open ON cases (id) WHERE resolved IS NULL;

-- Terminals that were enrolled.
CREATE TABLE terminals (
    machine           INTEGER PRIMARY KEY REFERENCES machines (number),
    key               BLOB NOT NULL CHECK (length(key) = 32), -- its public key (Ed25519)
    enrolled          INTEGER NOT NULL,                    -- when
    number_online     INTEGER NOT NULL CHECK (number_online >= 0),    -- of the last messages taken from it, by lane
    number_advice     INTEGER NOT NULL CHECK (number_advice >= 0),
    number_heartbeat  INTEGER NOT NULL CHECK (number_heartbeat >= 0),
    trust             TEXT NOT NULL CHECK (trust IN ('open', 'kept', 'doubted')), -- its journal: any, this far, no more
    head              INTEGER CHECK (head >= 0),           -- last record of its journal that is known: number …
    head_mac          BLOB CHECK (length(head_mac) = 32),  -- … and MAC
    seen              INTEGER NOT NULL,                    -- when it was last heard of, as far as that was kept
    partition_policy  TEXT,                                -- what staff chose for it; NULL: as the policy says
    partition_changes INTEGER NOT NULL CHECK (partition_changes >= 0), -- how often
    order_number      INTEGER CHECK (order_number >= 1),   -- what staff want of it: number …
    order_kind        TEXT CHECK (order_kind IN ('close', 'open')), -- … and what
    deposited_on      INTEGER NOT NULL,                    -- a date …
    deposited         INTEGER NOT NULL CHECK (deposited >= 0), -- … and what its deposits credited on it, minor units
    CHECK ((trust = 'open') = (head IS NULL)),
    CHECK ((head IS NULL) = (head_mac IS NULL)),
    CHECK ((order_number IS NULL) = (order_kind IS NULL))
) STRICT;

-- Terminals' secrets, sealed: those of their devices, and those that the host made for them.
CREATE TABLE terminal_keys (
    machine          INTEGER PRIMARY KEY REFERENCES machines (number),
    data_key_version INTEGER NOT NULL,                     -- version of the key that wraps the data key
    data_key         BLOB NOT NULL,                        -- the data key, wrapped
    secrets          BLOB NOT NULL                         -- the secrets, sealed under it
) STRICT;

-- Leave that terminals have, or had, to pay cash while the host is away. Amounts in the machine's currency.
CREATE TABLE leases (
    machine  INTEGER NOT NULL REFERENCES terminals (machine),
    nonce    BLOB NOT NULL CHECK (length(nonce) = 16),     -- of the dispenser
    amount   INTEGER NOT NULL CHECK (amount > 0),
    used     INTEGER NOT NULL CHECK (used BETWEEN 0 AND amount), -- what was told to have been paid under it
    presents INTEGER NOT NULL CHECK (presents >= 0),       -- present nonces that came back, a bit each
    granted  INTEGER NOT NULL,                             -- when
    closed   INTEGER NOT NULL CHECK (closed IN (0, 1)),    -- 1: superseded, and its use told
    PRIMARY KEY (machine, nonce)
) STRICT, WITHOUT ROWID;

-- When a card was last served at a terminal. What a terminal tells of others charges and credits nobody.
CREATE TABLE visits (
    machine INTEGER NOT NULL REFERENCES machines (number),
    card    INTEGER NOT NULL REFERENCES cards (id),
    at      INTEGER NOT NULL,
    PRIMARY KEY (machine, card)
) STRICT, WITHOUT ROWID;

-- What cards' holders are to be told at their next log-in at a terminal: stored transfers that were refused.
CREATE TABLE notices (
    id       INTEGER PRIMARY KEY,
    card     INTEGER NOT NULL REFERENCES cards (id),
    at       INTEGER NOT NULL,                             -- when it was asked for, by the terminal's clock
    amount   INTEGER NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    target   TEXT NOT NULL,                                -- as it was told: perhaps no such account is there
    code     TEXT NOT NULL,                                -- the refusal's code
    told     INTEGER NOT NULL CHECK (told IN (0, 1))
) STRICT;

CREATE INDEX notices_waiting ON notices (card) WHERE told = 0;

-- Policy values of terminals, with their defaults.
UPDATE policies SET settings = settings
    || 'machine_deposit_limit=50000' || char(10)
    || 'offline_balance=hide' || char(10)
    || 'offline_deposit=refuse' || char(10)
    || 'offline_transfer=refuse' || char(10)
    || 'offline_withdrawal=refuse' || char(10)
    || 'offline_card_limit=100' || char(10)
    || 'offline_outage_limit=500' || char(10)
    || 'offline_hot_list_age_s=3600' || char(10)
    || 'offline_lease=500' || char(10)
    || 'offline_fleet_limit=10000' || char(10)
    || 'note_mix=least' || char(10)
    || 'device_errors=3' || char(10)
    || 'customer_wait_s=45' || char(10)
    || 'taking_wait_s=30' || char(10)
    || 'fast_cash=20,50,100,200,300,500' || char(10);
