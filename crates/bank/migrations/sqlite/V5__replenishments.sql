-- Exchanges of terminals' cassettes, schema version 5, for SQLite. Conventions as in version 1.

INSERT INTO transfer_kinds (code, name) VALUES (24, 'shortage_held'), (25, 'shortage_resolved');

-- A case may be about a deposit of which not even the amount is known, and holds what counts found missing because of it.
-- (The table is made anew under its name; those who refer to it wait.)
PRAGMA defer_foreign_keys = ON;
CREATE TABLE cases_before AS SELECT * FROM cases;
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
    amount   INTEGER NOT NULL CHECK (amount >= 0),         -- what is unresolved; 0: a deposit of unknown amount
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    opened   INTEGER,                                      -- when; NULL: before version 4
    evidence TEXT NOT NULL,                                -- what is known, for people
    short    INTEGER NOT NULL CHECK (short BETWEEN 0 AND amount), -- what counts found missing: it waits in suspense
    resolved INTEGER CHECK (resolved >= 0),                -- what turned out paid, or paid in; NULL: not resolved
    CHECK ((transfer IS NULL) = (matter IN ('deposit_unclear', 'withdrawal_unclear'))),
    CHECK (amount > 0 OR matter = 'deposit_unclear'),
    CHECK (amount = 0 OR resolved IS NULL OR resolved <= amount),
    CHECK (short = 0 OR matter IN ('suspect', 'offline_suspect'))
) STRICT;

INSERT INTO cases (id, matter, transfer, machine, account, card, amount, currency, opened, evidence, short, resolved)
SELECT id, matter, transfer, machine, account, card, amount, currency, opened, evidence, 0, resolved FROM cases_before;
DROP TABLE cases_before;

CREATE INDEX cases_open ON cases (id) WHERE resolved IS NULL;

-- Orders to exchange a terminal's cassettes. Amounts in minor units of the machine's currency.
CREATE TABLE replenishments (
    machine     INTEGER NOT NULL REFERENCES terminals (machine),
    number      INTEGER NOT NULL CHECK (number >= 1),      -- 1, 2, 3 … within the terminal
    operator    INTEGER NOT NULL REFERENCES operators (id),-- who ordered it
    ordered     INTEGER NOT NULL,                          -- when
    cassettes   TEXT,                                      -- as counted: position:out:in with spaces; NULL: not counted
    deposit_bin INTEGER CHECK (deposit_bin >= 0),          -- as counted; NULL: not opened
    reject_bin  INTEGER CHECK (reject_bin >= 0),
    retract_bin INTEGER CHECK (retract_bin >= 0),
    posted      INTEGER,                                   -- when; NULL: the terminal has not told that it is done
    cash        INTEGER,                                   -- what the machine holds since
    difference  INTEGER,                                   -- counted less expected
    held        INTEGER CHECK (held >= 0),                 -- of a shortage, what is evidence in cases
    found       TEXT,                                      -- the dispenser's own counters before, for people
    PRIMARY KEY (machine, number),
    CHECK (cassettes IS NOT NULL OR coalesce(deposit_bin, reject_bin, retract_bin, posted) IS NULL),
    CHECK ((posted IS NULL) = (cash IS NULL)),
    CHECK ((posted IS NULL) = (difference IS NULL)),
    CHECK ((posted IS NULL) = (held IS NULL)),
    CHECK ((posted IS NULL) = (found IS NULL))
) STRICT, WITHOUT ROWID;
