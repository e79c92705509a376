-- What goes back to an account that was closed meanwhile has a case, schema version 6, for SQLite. Conventions as in version 1.

INSERT INTO transfer_kinds (code, name) VALUES (26, 'return_paid_out'), (27, 'return_refuted');

-- (The table is made anew under its name; those who refer to it wait.)
PRAGMA defer_foreign_keys = ON;
CREATE TABLE cases_before AS SELECT * FROM cases;
DROP TABLE cases;

-- Open questions about cash.
CREATE TABLE cases (
    id       INTEGER PRIMARY KEY,
    matter   TEXT NOT NULL CHECK (matter IN ('suspect', 'offline_suspect', 'deposit_unclear', 'over_ceiling',
                                             'deposit_unclaimed', 'withdrawal_unclaimed', 'withdrawal_unclear',
                                             'return_unclaimed')),
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
SELECT id, matter, transfer, machine, account, card, amount, currency, opened, evidence, short, resolved
FROM cases_before;
DROP TABLE cases_before;

CREATE INDEX cases_open ON cases (id) WHERE resolved IS NULL;

-- What lay in suspense like that until now gets its case: a withdrawal's rest, and its fee if that went back with it. Ids are as
-- the bank makes them: milliseconds since 2020 and 20 bits. (The index keeps it from reading every transfer for each of them; 7 is
-- 'fee_return', which an index must have as a number.)
CREATE INDEX fees_back ON transfers (concerns) WHERE kind = 7;
INSERT INTO cases (id, matter, transfer, machine, account, card, amount, currency, opened, evidence, short, resolved)
SELECT ((back.at / 1000 - 1577836800000) << 20) + row_number() OVER (ORDER BY back.at, back.id), 'return_unclaimed', back.id,
       withdrawals.machine, withdrawals.account, NULL, back.amount + coalesce(fee.amount, 0), withdrawals.currency, back.at,
       '', 0, NULL
FROM transfers AS back
JOIN accounts AS suspense ON suspense.id = back.credit AND suspense.code LIKE 'bank:suspense:%'
JOIN withdrawals ON withdrawals.id = back.concerns
LEFT JOIN transfers AS fee ON fee.concerns = withdrawals.fee_transfer AND fee.credit = back.credit AND fee.kind = 7
WHERE back.kind IN (SELECT code FROM transfer_kinds WHERE name IN ('reversal', 'suspect_not_paid'));
DROP INDEX fees_back;
