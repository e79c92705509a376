-- One writer may remember rows, and the ledger is written without looking up what it refers to; schema version 4, for
-- PostgreSQL. Conventions as in version 1.

-- Who remembers, docs/adr/0018-one-writer-that-remembers.md.
CREATE TABLE tenure (
    what   text CONSTRAINT tenure_pkey PRIMARY KEY,
    writer bigint,
    CONSTRAINT tenure_what CHECK (what IN ('held', 'wanted'))
);
INSERT INTO tenure (what, writer) VALUES ('held', NULL), ('wanted', NULL);
COMMENT ON TABLE tenure IS 'Which writer remembers rows from one group to the next. Every group reads `held` under a lock: the writer that remembers must find itself there, any other must find nobody.';
COMMENT ON COLUMN tenure.what IS '`held`: who remembers; `wanted`: who asked for an end of that.';
COMMENT ON COLUMN tenure.writer IS 'writers.id; NULL: nobody.';

-- Every transfer and event had its accounts, card and customer looked up again by the server, under a lock of each: half of
-- what adding one cost. The writer has read those rows in the same transaction, none is ever deleted, and `cashpoint verify`
-- says of each reference whether it leads somewhere. (The names are those that the server gave in version 1.)
ALTER TABLE transfers DROP CONSTRAINT transfers_debit_fkey;
ALTER TABLE transfers DROP CONSTRAINT transfers_credit_fkey;
ALTER TABLE transfers DROP CONSTRAINT transfers_card_fkey;
ALTER TABLE events DROP CONSTRAINT events_customer_fkey;
COMMENT ON COLUMN transfers.debit IS 'The account that is debited: accounts.id (no foreign key: the writer read it).';
COMMENT ON COLUMN transfers.credit IS 'The account that is credited: accounts.id (likewise).';
COMMENT ON COLUMN transfers.card IS 'The card that asked for it: cards.id (likewise).';
COMMENT ON COLUMN events.customer IS 'Whose: customer_states.id (no foreign key: the writer read it).';

-- Room in each page for the next version of a row that changes with every command, so that its indexes need not change.
ALTER TABLE accounts SET (fillfactor = 70);
ALTER TABLE customer_states SET (fillfactor = 70);
ALTER TABLE holdings SET (fillfactor = 50);
ALTER TABLE bank_totals SET (fillfactor = 50);
ALTER TABLE session_states SET (fillfactor = 80);

COMMENT ON INDEX accounts_code IS 'Finds an internal account by its code; customers'' accounts have none.';
COMMENT ON INDEX cases_open IS 'Cases that wait for staff: few of all there are.';
