-- Exchanges of terminals' cassettes, schema version 2, for PostgreSQL. Conventions as in version 1.

INSERT INTO transfer_kinds (code, name) VALUES (24, 'shortage_held'), (25, 'shortage_resolved');

-- A case may be about a deposit of which not even the amount is known, and holds what counts found missing because of it.
-- (The constraints of version 1 have the names that the server gave them.)
ALTER TABLE cases DROP CONSTRAINT cases_amount_check;
ALTER TABLE cases DROP CONSTRAINT cases_check;
ALTER TABLE cases ADD COLUMN short bigint NOT NULL DEFAULT 0;
ALTER TABLE cases ALTER COLUMN short DROP DEFAULT;
ALTER TABLE cases ADD CHECK (amount >= 0);
ALTER TABLE cases ADD CHECK (short BETWEEN 0 AND amount);
ALTER TABLE cases ADD CHECK (resolved >= 0);
ALTER TABLE cases ADD CHECK (amount > 0 OR matter = 'deposit_unclear');
ALTER TABLE cases ADD CHECK (amount = 0 OR resolved IS NULL OR resolved <= amount);
ALTER TABLE cases ADD CHECK (short = 0 OR matter IN ('suspect', 'offline_suspect'));
COMMENT ON COLUMN cases.amount IS 'What is unresolved; 0: a deposit of unknown amount.';
COMMENT ON COLUMN cases.short IS 'What counts found missing: it waits in suspense.';

CREATE TABLE replenishments (
    machine     bigint NOT NULL REFERENCES terminals (machine),
    number      bigint NOT NULL CHECK (number >= 1),
    operator    bigint NOT NULL REFERENCES operators (id),
    ordered     bigint NOT NULL,
    cassettes   text,
    deposit_bin bigint CHECK (deposit_bin >= 0),
    reject_bin  bigint CHECK (reject_bin >= 0),
    retract_bin bigint CHECK (retract_bin >= 0),
    posted      bigint,
    cash        bigint,
    difference  bigint,
    held        bigint CHECK (held >= 0),
    found       text,
    PRIMARY KEY (machine, number),
    CHECK (cassettes IS NOT NULL OR coalesce(deposit_bin, reject_bin, retract_bin, posted) IS NULL),
    CHECK ((posted IS NULL) = (cash IS NULL)),
    CHECK ((posted IS NULL) = (difference IS NULL)),
    CHECK ((posted IS NULL) = (held IS NULL)),
    CHECK ((posted IS NULL) = (found IS NULL))
);
COMMENT ON TABLE replenishments IS 'Orders to exchange a terminal''s cassettes. Amounts in minor units of the machine''s currency.';
COMMENT ON COLUMN replenishments.machine IS 'Whose.';
COMMENT ON COLUMN replenishments.number IS '1, 2, 3 … within the terminal.';
COMMENT ON COLUMN replenishments.operator IS 'Who ordered it.';
COMMENT ON COLUMN replenishments.ordered IS 'When.';
COMMENT ON COLUMN replenishments.cassettes IS 'As counted: position:out:in with spaces; NULL: not counted.';
COMMENT ON COLUMN replenishments.deposit_bin IS 'As counted; NULL: not opened.';
COMMENT ON COLUMN replenishments.reject_bin IS 'As counted; NULL: not opened.';
COMMENT ON COLUMN replenishments.retract_bin IS 'As counted; NULL: not opened.';
COMMENT ON COLUMN replenishments.posted IS 'When; NULL: the terminal has not told that it is done.';
COMMENT ON COLUMN replenishments.cash IS 'What the machine holds since.';
COMMENT ON COLUMN replenishments.difference IS 'Counted less expected.';
COMMENT ON COLUMN replenishments.held IS 'Of a shortage, what is evidence in cases.';
COMMENT ON COLUMN replenishments.found IS 'The dispenser''s own counters before, for people.';
