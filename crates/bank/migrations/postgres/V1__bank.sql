-- The bank, schema version 1, for PostgreSQL and what speaks like it. What each column holds is said by its comment, which the
-- database keeps too (`\d+ TABLE` shows it).
--
-- Conventions
--   * Tables and columns are those of the SQLite schema, wherever several writers do not ask for something else.
--   * Whole numbers are `bigint` throughout: nothing that the core can hold is ever refused for its width, and between
--     columns that are aligned to 8 bytes a narrower one saves next to nothing. No column draws its value from a sequence.
--   * Instants are microseconds since the Unix epoch, UTC. Dates are days since 1970-01-01. Durations are seconds.
--   * Money is whole minor units of the row's currency (ISO 4217 code).
--   * What has exactly 16 bytes (transfers' ids, halves of digests) is a `uuid`: fixed width, compared as bytes. Whatever else
--     is bytes is `bytea`.
--   * (writer, seq, idx) is a row's commit and its place among the rows that the commit added.
--   * Foreign keys are left out where the writer has looked the target up, or written it, in the same transaction; whose money
--     and whose event it is, is checked.
--   * No index is there but those of primary keys and of what must be unique, and two partial ones that are nearly empty.

CREATE TABLE bank (
    id      bigint PRIMARY KEY CHECK (id = 1),
    sandbox boolean NOT NULL,
    program text NOT NULL
);
COMMENT ON TABLE bank IS 'One row: what this database is.';
COMMENT ON COLUMN bank.id IS 'Always 1.';
COMMENT ON COLUMN bank.sandbox IS 'True: play money, for ever; no credentials are asked for.';
COMMENT ON COLUMN bank.program IS 'What made it, for people.';

CREATE TABLE writers (
    id      bigint PRIMARY KEY CHECK (id >= 1),
    program text NOT NULL
);
COMMENT ON TABLE writers IS 'Every incarnation of a bank worker that wrote here.';
COMMENT ON COLUMN writers.id IS '1, 2, 3 … in the order in which they came.';
COMMENT ON COLUMN writers.program IS 'Which program it was, for people.';

CREATE TABLE policies (
    version  bigint PRIMARY KEY CHECK (version >= 1),
    at       bigint,
    settings text NOT NULL
);
COMMENT ON TABLE policies IS 'Versions of the operator''s policy. The highest is in force.';
COMMENT ON COLUMN policies.version IS '1, 2, 3 …';
COMMENT ON COLUMN policies.at IS 'When it came into force; NULL: with the database.';
COMMENT ON COLUMN policies.settings IS 'One `name=value` a line, every value of the policy.';

CREATE TABLE commits (
    writer         bigint NOT NULL REFERENCES writers (id),
    seq            bigint NOT NULL CHECK (seq >= 1),
    now            bigint NOT NULL,
    business_date  bigint NOT NULL,
    policy_version bigint NOT NULL REFERENCES policies (version),
    void           boolean NOT NULL,
    PRIMARY KEY (writer, seq)
);
COMMENT ON TABLE commits IS 'One row per group of commands that was made durable together.';
COMMENT ON COLUMN commits.writer IS 'Who wrote it.';
COMMENT ON COLUMN commits.seq IS '1, 2, 3 … without gaps within the writer.';
COMMENT ON COLUMN commits.now IS 'When the group was decided, by the server''s clock; never falls within a writer, and is later than that of every commit whose rows the group read.';
COMMENT ON COLUMN commits.business_date IS 'The bank''s day that it counts on.';
COMMENT ON COLUMN commits.policy_version IS 'The policy that it was decided under.';
COMMENT ON COLUMN commits.void IS 'True: the place was given up because nobody knew whether its commit had succeeded; nothing belongs to it.';

CREATE TABLE business_day (
    id           bigint PRIMARY KEY CHECK (id = 1),
    date         bigint NOT NULL,
    next_cutover bigint NOT NULL
);
COMMENT ON TABLE business_day IS 'At most one row: the bank''s day. It only moves forwards.';
COMMENT ON COLUMN business_day.id IS 'Always 1.';
COMMENT ON COLUMN business_day.date IS 'The day in force.';
COMMENT ON COLUMN business_day.next_cutover IS 'The first group at or after this instant moves it.';

CREATE TABLE customers (
    id               bigint PRIMARY KEY,
    name             text NOT NULL,
    data_key_version bigint NOT NULL,
    data_key         bytea NOT NULL,
    email            bytea,
    email_index      bytea,
    phone            bytea,
    address          bytea,
    since            bigint NOT NULL,
    password_version bigint CHECK (password_version >= 1),
    password_hash    text,
    CHECK ((email IS NULL) = (email_index IS NULL)),
    CHECK ((password_version IS NULL) = (password_hash IS NULL))
);
COMMENT ON TABLE customers IS 'Customers: identity and personal data. Everything but the name is sealed under the customer''s own data key.';
COMMENT ON COLUMN customers.id IS 'As the bank made it.';
COMMENT ON COLUMN customers.name IS 'In clear, for search.';
COMMENT ON COLUMN customers.data_key_version IS 'Version of the key that wraps the data key.';
COMMENT ON COLUMN customers.data_key IS 'The customer''s data key, wrapped.';
COMMENT ON COLUMN customers.email IS 'Sealed email address.';
COMMENT ON COLUMN customers.email_index IS 'Keyed digest of the address, see emails.';
COMMENT ON COLUMN customers.phone IS 'Sealed telephone number.';
COMMENT ON COLUMN customers.address IS 'Sealed postal address.';
COMMENT ON COLUMN customers.since IS 'When the customer came.';
COMMENT ON COLUMN customers.password_version IS 'Counts passwords.';
COMMENT ON COLUMN customers.password_hash IS 'Argon2id, PHC format.';

CREATE TABLE customer_states (
    id               bigint PRIMARY KEY REFERENCES customers (id),
    events           bigint NOT NULL CHECK (events >= 0),
    generation       bigint NOT NULL CHECK (generation >= 1),
    password_version bigint NOT NULL CHECK (password_version >= 0),
    last_event       bigint,
    used_on          bigint,
    used_currency    text CHECK (length(used_currency) = 3),
    used_withdrawn   bigint CHECK (used_withdrawn >= 0),
    used_deposited   bigint CHECK (used_deposited >= 0),
    used_transferred bigint CHECK (used_transferred >= 0),
    CHECK ((used_on IS NULL) = (used_currency IS NULL)),
    CHECK ((used_on IS NULL) = (used_withdrawn IS NULL)),
    CHECK ((used_on IS NULL) = (used_deposited IS NULL)),
    CHECK ((used_on IS NULL) = (used_transferred IS NULL))
);
COMMENT ON TABLE customer_states IS 'What changes about a customer with every event. Whoever holds this row''s lock may add events of the customer, and change their daily use.';
COMMENT ON COLUMN customer_states.id IS 'customers.id';
COMMENT ON COLUMN customer_states.events IS 'How many events; the number of the last.';
COMMENT ON COLUMN customer_states.generation IS 'Online sessions of an older one are dead.';
COMMENT ON COLUMN customer_states.password_version IS '0: no password.';
COMMENT ON COLUMN customer_states.last_event IS 'Head of the chain of events: events.id (no foreign key: events refer to this table).';
COMMENT ON COLUMN customer_states.used_on IS 'The newest date on which allowances were used; NULL: nothing was ever used.';
COMMENT ON COLUMN customer_states.used_currency IS 'The currency first used on it, …';
COMMENT ON COLUMN customer_states.used_withdrawn IS '… and, in it, what was withdrawn,';
COMMENT ON COLUMN customer_states.used_deposited IS 'deposited,';
COMMENT ON COLUMN customer_states.used_transferred IS 'transferred; minor units.';

CREATE TABLE emails (
    email_index bytea PRIMARY KEY CHECK (length(email_index) = 32),
    customer    bigint NOT NULL REFERENCES customers (id)
);
COMMENT ON TABLE emails IS 'Finds a customer by email address. An address that is given up loses its row.';
COMMENT ON COLUMN emails.email_index IS 'Keyed digest of the address.';
COMMENT ON COLUMN emails.customer IS 'Whose it is.';

CREATE TABLE tries (
    identity bytea PRIMARY KEY CHECK (length(identity) = 32),
    arrival  bigint NOT NULL
);
COMMENT ON TABLE tries IS 'Tries that identities (email or operator name, as a keyed digest) have left, by the generic cell rate algorithm.';
COMMENT ON COLUMN tries.identity IS 'The keyed digest.';
COMMENT ON COLUMN tries.arrival IS 'Theoretical arrival time of the next try.';

CREATE TABLE operators (
    id               bigint PRIMARY KEY,
    name             text NOT NULL UNIQUE,
    role             text NOT NULL CHECK (role IN ('admin', 'clerk', 'custodian', 'auditor')),
    password_version bigint NOT NULL CHECK (password_version >= 1),
    password_hash    text NOT NULL
);
COMMENT ON TABLE operators IS 'Staff.';
COMMENT ON COLUMN operators.id IS 'As the bank made it.';
COMMENT ON COLUMN operators.name IS 'Log-in name.';
COMMENT ON COLUMN operators.role IS 'What they may do.';
COMMENT ON COLUMN operators.password_version IS 'Counts passwords.';
COMMENT ON COLUMN operators.password_hash IS 'Argon2id, PHC format.';

CREATE TABLE machines (
    number   bigint PRIMARY KEY CHECK (number >= 1),
    id       text NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 31),
    kind     text NOT NULL CHECK (kind IN ('api', 'terminal', 'counter')),
    currency text CHECK (length(currency) = 3),
    secret   bytea NOT NULL CHECK (length(secret) = 32),
    CHECK ((kind = 'counter') = (currency IS NULL))
);
COMMENT ON TABLE machines IS 'Machines and counters: places where cash stands. Never changes.';
COMMENT ON COLUMN machines.number IS 'What other tables refer to it by; never leaves the store.';
COMMENT ON COLUMN machines.id IS 'Its name.';
COMMENT ON COLUMN machines.kind IS 'Which sort it is.';
COMMENT ON COLUMN machines.currency IS 'What its notes are; NULL: a counter takes any.';
COMMENT ON COLUMN machines.secret IS 'SHA-256 of its channel credential or enrolment code.';

CREATE TABLE machine_states (
    machine  bigint PRIMARY KEY REFERENCES machines (number),
    location text NOT NULL,
    status   text NOT NULL CHECK (status IN ('active', 'inactive')),
    session  bigint
);
COMMENT ON TABLE machine_states IS 'What staff and log-ins change about a machine.';
COMMENT ON COLUMN machine_states.machine IS 'machines.number';
COMMENT ON COLUMN machine_states.location IS 'For people.';
COMMENT ON COLUMN machine_states.status IS 'Whether it serves.';
COMMENT ON COLUMN machine_states.session IS 'The only card session here that may live: sessions.id (no foreign key: each of the two rows is written first sometimes).';

CREATE TABLE holdings (
    machine       bigint PRIMARY KEY REFERENCES machines (number),
    cassettes     text NOT NULL,
    deposit_bin   bigint NOT NULL CHECK (deposit_bin >= 0),
    reject_bin    bigint NOT NULL CHECK (reject_bin >= 0),
    retract_bin   bigint NOT NULL CHECK (retract_bin >= 0),
    last_transfer uuid
);
COMMENT ON TABLE holdings IS 'The cash of a machine, in minor units of its currency, and the head of the chain of its transfers. Whoever holds this row''s lock may add transfers of the machine.';
COMMENT ON COLUMN holdings.machine IS 'machines.number';
COMMENT ON COLUMN holdings.cassettes IS 'By position: notes x value of one: `98x5000 200x2000`.';
COMMENT ON COLUMN holdings.deposit_bin IS 'In the bin for deposits.';
COMMENT ON COLUMN holdings.reject_bin IS 'In the bin for rejected notes.';
COMMENT ON COLUMN holdings.retract_bin IS 'In the bin for retracted notes.';
COMMENT ON COLUMN holdings.last_transfer IS 'The last at this machine: transfers.id (no foreign key: it is of the same commit).';

CREATE TABLE accounts (
    id       bigint PRIMARY KEY CHECK (id <> 0),
    code     text,
    currency text NOT NULL CHECK (length(currency) = 3),
    debits   bigint NOT NULL CHECK (debits >= 0),
    credits  bigint NOT NULL CHECK (credits >= 0),
    customer bigint REFERENCES customers (id),
    ordinal  bigint CHECK (ordinal >= 1),
    product  text CHECK (product IN ('checking', 'savings')),
    opened   bigint,
    entries  bigint CHECK (entries >= 0),
    head     uuid,
    closed   bigint,
    UNIQUE (customer, ordinal),
    CHECK ((id > 0) = (customer IS NOT NULL)),
    CHECK ((customer IS NULL) = (code IS NOT NULL)),
    CHECK ((customer IS NULL) = (ordinal IS NULL)),
    CHECK ((customer IS NULL) = (product IS NULL)),
    CHECK ((customer IS NULL) = (opened IS NULL)),
    CHECK ((customer IS NULL) = (entries IS NULL)),
    CHECK ((coalesce(entries, 0) = 0) = (head IS NULL)),
    CHECK (closed IS NULL OR closed >= opened)
);
CREATE UNIQUE INDEX accounts_code ON accounts (code) WHERE code IS NOT NULL;
COMMENT ON TABLE accounts IS 'The chart of accounts: one row per ledger account. Customers'' accounts have their account number as id, internal ones (`atm:*`, `bank:*`) a negative id. Balance = credits - debits.';
COMMENT ON COLUMN accounts.id IS 'The account''s number, or a negative number.';
COMMENT ON COLUMN accounts.code IS 'Internal accounts: `atm:ATM1:cash:USD`, `bank:vault:USD`; NULL: its number says all.';
COMMENT ON COLUMN accounts.currency IS 'Its one currency.';
COMMENT ON COLUMN accounts.debits IS 'Sum of all transfers that debit it; `bank:*`: always 0, see bank_totals.';
COMMENT ON COLUMN accounts.credits IS 'Sum of all transfers that credit it; `bank:*`: always 0, see bank_totals.';
COMMENT ON COLUMN accounts.customer IS 'Owner.';
COMMENT ON COLUMN accounts.ordinal IS 'The owner''s 1st, 2nd, 3rd … account.';
COMMENT ON COLUMN accounts.product IS 'Which sort it is.';
COMMENT ON COLUMN accounts.opened IS 'When.';
COMMENT ON COLUMN accounts.entries IS 'Entries in its history; the number of the last.';
COMMENT ON COLUMN accounts.head IS 'The transfer that holds the last entry (no foreign key: transfers refer to this table).';
COMMENT ON COLUMN accounts.closed IS 'When, if it is.';

CREATE TABLE bank_totals (
    account bigint NOT NULL REFERENCES accounts (id) CHECK (account < 0),
    writer  bigint NOT NULL REFERENCES writers (id),
    debits  bigint NOT NULL CHECK (debits >= 0),
    credits bigint NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (account, writer)
);
COMMENT ON TABLE bank_totals IS 'Totals of the bank''s own accounts and of counters'', which no decision reads: a row for each writer, so that no two writers wait for each other. Readers add them up.';
COMMENT ON COLUMN bank_totals.account IS 'The account.';
COMMENT ON COLUMN bank_totals.writer IS 'Who posted.';
COMMENT ON COLUMN bank_totals.debits IS 'Sum of this writer''s transfers that debit the account.';
COMMENT ON COLUMN bank_totals.credits IS 'Sum of this writer''s transfers that credit the account.';

CREATE TABLE cards (
    id       bigint PRIMARY KEY,
    customer bigint NOT NULL REFERENCES customers (id),
    expires  bigint NOT NULL,
    number   bytea NOT NULL
);
COMMENT ON TABLE cards IS 'Cards. The number stands here only sealed.';
COMMENT ON COLUMN cards.id IS 'As the bank made it.';
COMMENT ON COLUMN cards.customer IS 'Holder.';
COMMENT ON COLUMN cards.expires IS 'First instant at which it is no longer valid.';
COMMENT ON COLUMN cards.number IS 'The sealed card number.';

CREATE TABLE card_accounts (
    card     bigint NOT NULL REFERENCES cards (id),
    position bigint NOT NULL CHECK (position >= 0),
    account  bigint NOT NULL REFERENCES accounts (id) CHECK (account > 0),
    PRIMARY KEY (card, position),
    UNIQUE (card, account)
);
COMMENT ON TABLE card_accounts IS 'The accounts that a card reaches.';
COMMENT ON COLUMN card_accounts.card IS 'The card.';
COMMENT ON COLUMN card_accounts.position IS '0 is the primary one.';
COMMENT ON COLUMN card_accounts.account IS 'The account.';

CREATE TABLE card_states (
    id               bigint PRIMARY KEY REFERENCES cards (id),
    state            text NOT NULL CHECK (state IN ('active', 'lost', 'stolen', 'removed')),
    verifier_version bigint NOT NULL,
    verifier         bytea NOT NULL CHECK (length(verifier) = 32),
    session          bigint
);
COMMENT ON TABLE card_states IS 'What changes about a card.';
COMMENT ON COLUMN card_states.id IS 'cards.id';
COMMENT ON COLUMN card_states.state IS 'Whether it may be used.';
COMMENT ON COLUMN card_states.verifier_version IS 'Version of the key that made the verifier.';
COMMENT ON COLUMN card_states.verifier IS 'Keyed digest of card and PIN.';
COMMENT ON COLUMN card_states.session IS 'Its only session that may live: sessions.id (no foreign key, as in machine_states).';

CREATE TABLE card_numbers (
    number_index bytea PRIMARY KEY CHECK (length(number_index) = 32),
    card         bigint NOT NULL REFERENCES cards (id)
);
COMMENT ON TABLE card_numbers IS 'Finds a card by its number.';
COMMENT ON COLUMN card_numbers.number_index IS 'Keyed digest of the number.';
COMMENT ON COLUMN card_numbers.card IS 'The card.';

CREATE TABLE card_pins (
    card   bigint PRIMARY KEY REFERENCES cards (id),
    state  text NOT NULL CHECK (state IN ('open', 'blocked', 'locked')),
    wrong  bigint CHECK (wrong BETWEEN 0 AND 255),
    blocks bigint CHECK (blocks BETWEEN 0 AND 255),
    until  bigint,
    CHECK ((state = 'open') = (wrong IS NOT NULL)),
    CHECK ((state = 'locked') = (blocks IS NULL)),
    CHECK ((state = 'blocked') = (until IS NOT NULL))
);
COMMENT ON TABLE card_pins IS 'Counts of wrong PINs of cards.';
COMMENT ON COLUMN card_pins.card IS 'The card.';
COMMENT ON COLUMN card_pins.state IS 'Whether a PIN is looked at.';
COMMENT ON COLUMN card_pins.wrong IS 'Open: wrong ones in a row.';
COMMENT ON COLUMN card_pins.blocks IS 'Open, blocked: blocks since the last right one.';
COMMENT ON COLUMN card_pins.until IS 'Blocked: when it lifts by itself.';

CREATE TABLE unknown_pins (
    number_index bytea PRIMARY KEY CHECK (length(number_index) = 32),
    state        text NOT NULL CHECK (state IN ('open', 'blocked', 'locked')),
    wrong        bigint CHECK (wrong BETWEEN 0 AND 255),
    blocks       bigint CHECK (blocks BETWEEN 0 AND 255),
    until        bigint,
    CHECK ((state = 'open') = (wrong IS NOT NULL)),
    CHECK ((state = 'locked') = (blocks IS NULL)),
    CHECK ((state = 'blocked') = (until IS NOT NULL))
);
COMMENT ON TABLE unknown_pins IS 'Counts of wrong PINs for numbers that no card has.';
COMMENT ON COLUMN unknown_pins.number_index IS 'Keyed digest of the number.';
COMMENT ON COLUMN unknown_pins.state IS 'As in card_pins.';
COMMENT ON COLUMN unknown_pins.wrong IS 'As in card_pins.';
COMMENT ON COLUMN unknown_pins.blocks IS 'As in card_pins.';
COMMENT ON COLUMN unknown_pins.until IS 'As in card_pins.';

CREATE TABLE sessions (
    id       bigint PRIMARY KEY,
    token    bytea NOT NULL UNIQUE CHECK (length(token) = 32),
    kind     text NOT NULL CHECK (kind IN ('card', 'online', 'operator')),
    customer bigint REFERENCES customers (id),
    card     bigint REFERENCES cards (id),
    machine  bigint REFERENCES machines (number),
    operator bigint REFERENCES operators (id),
    role     text CHECK (role IN ('admin', 'clerk', 'custodian', 'auditor')),
    began    bigint NOT NULL,
    idle_s   bigint NOT NULL CHECK (idle_s >= 0),
    ends     bigint,
    CHECK ((kind = 'operator') = (customer IS NULL)),
    CHECK ((kind = 'card') = (card IS NOT NULL)),
    CHECK ((kind = 'card') = (machine IS NOT NULL)),
    CHECK ((kind = 'operator') = (operator IS NOT NULL)),
    CHECK ((kind = 'operator') = (role IS NOT NULL))
);
COMMENT ON TABLE sessions IS 'Sessions: what never changes.';
COMMENT ON COLUMN sessions.id IS 'As the bank made it.';
COMMENT ON COLUMN sessions.token IS 'SHA-256 of the token.';
COMMENT ON COLUMN sessions.kind IS 'Which sort it is.';
COMMENT ON COLUMN sessions.customer IS 'Card, online: whose.';
COMMENT ON COLUMN sessions.card IS 'Card: with which.';
COMMENT ON COLUMN sessions.machine IS 'Card: where it is.';
COMMENT ON COLUMN sessions.operator IS 'Operator: whose.';
COMMENT ON COLUMN sessions.role IS 'Operator: what they may do.';
COMMENT ON COLUMN sessions.began IS 'When.';
COMMENT ON COLUMN sessions.idle_s IS 'Ends after so long without activity.';
COMMENT ON COLUMN sessions.ends IS 'Ends at this instant whatever happens.';

CREATE TABLE session_states (
    id         bigint PRIMARY KEY REFERENCES sessions (id),
    active     bigint NOT NULL,
    generation bigint NOT NULL CHECK (generation >= 0),
    ended      bigint,
    why        text CHECK (why IN ('logged_out', 'card_reported')),
    CHECK ((ended IS NULL) = (why IS NULL))
);
COMMENT ON TABLE session_states IS 'What changes about a session.';
COMMENT ON COLUMN session_states.id IS 'sessions.id';
COMMENT ON COLUMN session_states.active IS 'Last command or touch, as far as that was written.';
COMMENT ON COLUMN session_states.generation IS 'The customer''s session generation that it belongs to.';
COMMENT ON COLUMN session_states.ended IS 'Ended early: when …';
COMMENT ON COLUMN session_states.why IS '… and why.';

CREATE TABLE transfer_kinds (
    code bigint PRIMARY KEY,
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE transfer_kinds IS 'What the numbers in transfers.kind mean.';
COMMENT ON COLUMN transfer_kinds.code IS 'The number.';
COMMENT ON COLUMN transfer_kinds.name IS 'The kind.';
INSERT INTO transfer_kinds (code, name) VALUES
    (1, 'opening'), (2, 'withdrawal'), (3, 'withdrawal_approved'), (4, 'withdrawal_completed'), (5, 'reversal'),
    (6, 'overdraft_fee'), (7, 'fee_return'), (8, 'suspect_paid'), (9, 'suspect_not_paid'), (10, 'deposit'),
    (11, 'transfer'), (12, 'replenishment'), (13, 'removal'), (14, 'shortage'), (15, 'surplus'),
    (16, 'offline_withdrawal'), (17, 'offline_suspect'), (18, 'deposit_held'), (19, 'deposit_released'), (20, 'deposit_paid_out'),
    (21, 'deposit_refuted'), (22, 'withdrawal_owed'), (23, 'withdrawal_refuted');

CREATE TABLE transfers (
    id               uuid PRIMARY KEY,
    kind             bigint NOT NULL,
    debit            bigint NOT NULL REFERENCES accounts (id),
    credit           bigint NOT NULL REFERENCES accounts (id),
    amount           bigint NOT NULL CHECK (amount > 0),
    debit_entry      bigint CHECK (debit_entry >= 1),
    debit_previous   uuid,
    debit_balance    bigint,
    credit_entry     bigint CHECK (credit_entry >= 1),
    credit_previous  uuid,
    credit_balance   bigint,
    at               bigint NOT NULL,
    business_date    bigint NOT NULL,
    machine          bigint,
    machine_previous uuid,
    card             bigint REFERENCES cards (id),
    concerns         uuid,
    writer           bigint NOT NULL,
    seq              bigint NOT NULL,
    idx              bigint NOT NULL CHECK (idx >= 0),
    CHECK (debit <> credit),
    CHECK ((debit > 0) = (debit_entry IS NOT NULL)),
    CHECK ((debit > 0) = (debit_balance IS NOT NULL)),
    CHECK (coalesce(debit_entry > 1, false) = (debit_previous IS NOT NULL)),
    CHECK ((credit > 0) = (credit_entry IS NOT NULL)),
    CHECK ((credit > 0) = (credit_balance IS NOT NULL)),
    CHECK (coalesce(credit_entry > 1, false) = (credit_previous IS NOT NULL)),
    CHECK (machine IS NOT NULL OR machine_previous IS NULL)
);
COMMENT ON TABLE transfers IS 'The ledger: money moving from the account that is debited to the account that is credited. Rows are only ever added; a correction is a new row that concerns the one it corrects. Both accounts have the same currency, which is the transfer''s. Nothing refers to a transfer by foreign key, so that months of history can be taken out.';
COMMENT ON COLUMN transfers.id IS 'UUID version 7: begins with the time, so new rows go to the right edge.';
COMMENT ON COLUMN transfers.kind IS 'transfer_kinds.code';
COMMENT ON COLUMN transfers.debit IS 'The account that is debited.';
COMMENT ON COLUMN transfers.credit IS 'The account that is credited.';
COMMENT ON COLUMN transfers.amount IS 'How much, minor units.';
COMMENT ON COLUMN transfers.debit_entry IS 'A customer''s side: its number in that account''s history,';
COMMENT ON COLUMN transfers.debit_previous IS 'the transfer that holds the entry before,';
COMMENT ON COLUMN transfers.debit_balance IS 'and the balance after it.';
COMMENT ON COLUMN transfers.credit_entry IS 'Likewise.';
COMMENT ON COLUMN transfers.credit_previous IS 'Likewise.';
COMMENT ON COLUMN transfers.credit_balance IS 'Likewise.';
COMMENT ON COLUMN transfers.at IS 'When it was decided.';
COMMENT ON COLUMN transfers.business_date IS 'The bank''s day on which it counts.';
COMMENT ON COLUMN transfers.machine IS 'The machine or counter concerned: machines.number';
COMMENT ON COLUMN transfers.machine_previous IS 'The transfer before it at that machine.';
COMMENT ON COLUMN transfers.card IS 'The card that asked for it.';
COMMENT ON COLUMN transfers.concerns IS 'What it completes, corrects, or is the fee of: transfers.id';
COMMENT ON COLUMN transfers.writer IS 'Its commit: commits.writer, …';
COMMENT ON COLUMN transfers.seq IS '… commits.seq,';
COMMENT ON COLUMN transfers.idx IS 'and its place among what the commit added.';

CREATE TABLE requests (
    key     uuid PRIMARY KEY,
    content uuid NOT NULL,
    outcome bytea NOT NULL,
    writer  bigint NOT NULL,
    seq     bigint NOT NULL,
    idx     bigint NOT NULL CHECK (idx >= 0)
);
COMMENT ON TABLE requests IS 'Answered requests, kept for ever: same request, same answer. The key is the one random place on the money path: with several writers only the schema can refuse it twice.';
COMMENT ON COLUMN requests.key IS '16 bytes of a digest of scope and idempotency key.';
COMMENT ON COLUMN requests.content IS '16 bytes of a digest of what was asked for.';
COMMENT ON COLUMN requests.outcome IS 'The answer, in the store''s own versioned encoding.';
COMMENT ON COLUMN requests.writer IS 'Its commit: commits.writer, …';
COMMENT ON COLUMN requests.seq IS '… commits.seq,';
COMMENT ON COLUMN requests.idx IS 'and its place among what the commit added.';

CREATE TABLE daily_use (
    date        bigint NOT NULL,
    customer    bigint NOT NULL REFERENCES customer_states (id),
    currency    text NOT NULL CHECK (length(currency) = 3),
    withdrawn   bigint NOT NULL CHECK (withdrawn >= 0),
    deposited   bigint NOT NULL CHECK (deposited >= 0),
    transferred bigint NOT NULL CHECK (transferred >= 0),
    PRIMARY KEY (date, customer, currency)
);
COMMENT ON TABLE daily_use IS 'What customers used of days'' allowances that does not stand in customer_states: older dates, and further currencies. Minor units.';
COMMENT ON COLUMN daily_use.date IS 'The bank''s day.';
COMMENT ON COLUMN daily_use.customer IS 'Who.';
COMMENT ON COLUMN daily_use.currency IS 'In which currency.';
COMMENT ON COLUMN daily_use.withdrawn IS 'What was withdrawn.';
COMMENT ON COLUMN daily_use.deposited IS 'What was deposited.';
COMMENT ON COLUMN daily_use.transferred IS 'What was transferred.';

CREATE TABLE withdrawals (
    id             uuid PRIMARY KEY,
    request        uuid NOT NULL UNIQUE,
    account        bigint NOT NULL REFERENCES accounts (id) CHECK (account > 0),
    customer       bigint NOT NULL REFERENCES customers (id),
    machine        bigint NOT NULL REFERENCES machines (number),
    amount         bigint NOT NULL CHECK (amount > 0),
    currency       text NOT NULL CHECK (length(currency) = 3),
    fee_transfer   uuid,
    fee            bigint CHECK (fee > 0),
    balance_before bigint NOT NULL,
    counted_on     bigint NOT NULL,
    nonce          bytea CHECK (length(nonce) = 16),
    CHECK ((fee_transfer IS NULL) = (fee IS NULL))
);
COMMENT ON TABLE withdrawals IS 'Withdrawals approved for a terminal: what never changes.';
COMMENT ON COLUMN withdrawals.id IS 'The transfer that approved it.';
COMMENT ON COLUMN withdrawals.request IS 'Key of the request that it answered.';
COMMENT ON COLUMN withdrawals.account IS 'The account that is charged.';
COMMENT ON COLUMN withdrawals.customer IS 'Its owner.';
COMMENT ON COLUMN withdrawals.machine IS 'The machine that was to pay.';
COMMENT ON COLUMN withdrawals.amount IS 'What was approved.';
COMMENT ON COLUMN withdrawals.currency IS 'Of what.';
COMMENT ON COLUMN withdrawals.fee_transfer IS 'Its overdraft fee: the transfer …';
COMMENT ON COLUMN withdrawals.fee IS '… and how much.';
COMMENT ON COLUMN withdrawals.balance_before IS 'The account''s balance just before the approval.';
COMMENT ON COLUMN withdrawals.counted_on IS 'The date whose daily use it counts on.';
COMMENT ON COLUMN withdrawals.nonce IS 'The dispenser''s nonce that leave was given for.';

CREATE TABLE cases (
    id       bigint PRIMARY KEY,
    matter   text NOT NULL CHECK (matter IN ('suspect', 'offline_suspect', 'deposit_unclear', 'over_ceiling', 'deposit_unclaimed', 'withdrawal_unclaimed', 'withdrawal_unclear')),
    transfer uuid UNIQUE,
    machine  bigint NOT NULL REFERENCES machines (number),
    account  text NOT NULL,
    card     bigint,
    amount   bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (length(currency) = 3),
    opened   bigint,
    evidence text NOT NULL,
    resolved bigint CHECK (resolved BETWEEN 0 AND amount),
    CHECK ((transfer IS NULL) = (matter IN ('deposit_unclear', 'withdrawal_unclear')))
);
CREATE INDEX cases_open ON cases (id) WHERE resolved IS NULL;
COMMENT ON TABLE cases IS 'Open questions about cash.';
COMMENT ON COLUMN cases.id IS 'As the bank made it.';
COMMENT ON COLUMN cases.matter IS 'What is in question.';
COMMENT ON COLUMN cases.transfer IS 'What waits in flight or in suspense: transfers.id';
COMMENT ON COLUMN cases.machine IS 'Where.';
COMMENT ON COLUMN cases.account IS 'As it was told: perhaps no such account is there.';
COMMENT ON COLUMN cases.card IS 'As it was told.';
COMMENT ON COLUMN cases.amount IS 'What is unresolved.';
COMMENT ON COLUMN cases.currency IS 'Of what.';
COMMENT ON COLUMN cases.opened IS 'When.';
COMMENT ON COLUMN cases.evidence IS 'What is known, for people.';
COMMENT ON COLUMN cases.resolved IS 'What turned out paid, or paid in; NULL: not resolved.';

CREATE TABLE withdrawal_states (
    id      uuid PRIMARY KEY REFERENCES withdrawals (id),
    state   text NOT NULL CHECK (state IN ('approved', 'completed', 'partial', 'reversed', 'suspect')),
    paid    bigint CHECK (paid > 0),
    case_id bigint REFERENCES cases (id),
    CHECK ((state = 'partial') = (paid IS NOT NULL)),
    CHECK ((state = 'suspect') = (case_id IS NOT NULL))
);
COMMENT ON TABLE withdrawal_states IS 'How approved withdrawals stand.';
COMMENT ON COLUMN withdrawal_states.id IS 'withdrawals.id';
COMMENT ON COLUMN withdrawal_states.state IS 'How.';
COMMENT ON COLUMN withdrawal_states.paid IS 'Partial: what was paid.';
COMMENT ON COLUMN withdrawal_states.case_id IS 'Suspect: the case.';

CREATE TABLE event_kinds (
    code bigint PRIMARY KEY,
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE event_kinds IS 'What the numbers in events.kind mean.';
COMMENT ON COLUMN event_kinds.code IS 'The number.';
COMMENT ON COLUMN event_kinds.name IS 'The kind.';
INSERT INTO event_kinds (code, name) VALUES
    (1, 'log_in'), (2, 'log_out'), (3, 'card_blocked'), (4, 'card_locked'), (5, 'card_unblocked'),
    (6, 'card_issued'), (7, 'card_reported'), (8, 'card_removed'), (9, 'pin_changed'), (10, 'password_changed'),
    (11, 'profile_changed'), (12, 'account_opened'), (13, 'account_closed'), (14, 'balance'), (15, 'withdrawal'),
    (16, 'deposit'), (17, 'transfer_in'), (18, 'transfer_out'), (19, 'fee'), (20, 'reversal'),
    (21, 'suspect'), (22, 'refused'), (23, 'overdrawn'), (24, 'deposit_held'), (25, 'card_retained');

CREATE TABLE events (
    id       bigint PRIMARY KEY,
    customer bigint NOT NULL REFERENCES customer_states (id),
    number   bigint NOT NULL CHECK (number >= 1),
    previous bigint,
    kind     bigint NOT NULL,
    at       bigint NOT NULL,
    account  bigint,
    amount   bigint,
    currency text CHECK (length(currency) = 3),
    transfer uuid,
    machine  bigint,
    card     bigint,
    code     text,
    writer   bigint NOT NULL,
    seq      bigint NOT NULL,
    idx      bigint NOT NULL CHECK (idx >= 0),
    CHECK ((number = 1) = (previous IS NULL)),
    CHECK ((amount IS NULL) = (currency IS NULL))
);
COMMENT ON TABLE events IS 'What happened to customers. Ids only, never personal data. A customer''s events are a chain from customer_states.last_event backwards.';
COMMENT ON COLUMN events.id IS 'Writer x 2^42 + the writer''s own count: each writer appends at its own place, in the order of its commits.';
COMMENT ON COLUMN events.customer IS 'Whose.';
COMMENT ON COLUMN events.number IS '1, 2, 3 … without gaps within the customer.';
COMMENT ON COLUMN events.previous IS 'The customer''s event before: events.id (no foreign key: it is old, its page would have to be read).';
COMMENT ON COLUMN events.kind IS 'event_kinds.code';
COMMENT ON COLUMN events.at IS 'When.';
COMMENT ON COLUMN events.account IS 'The customer''s account.';
COMMENT ON COLUMN events.amount IS 'How much, minor units.';
COMMENT ON COLUMN events.currency IS 'Of what.';
COMMENT ON COLUMN events.transfer IS 'transfers.id; of the same commit or shortly before.';
COMMENT ON COLUMN events.machine IS 'Where: machines.number';
COMMENT ON COLUMN events.card IS 'With which card.';
COMMENT ON COLUMN events.code IS 'The code of the refusal.';
COMMENT ON COLUMN events.writer IS 'Its commit: commits.writer, …';
COMMENT ON COLUMN events.seq IS '… commits.seq,';
COMMENT ON COLUMN events.idx IS 'and its place among what the commit added.';

CREATE TABLE audit (
    writer  bigint NOT NULL,
    seq     bigint NOT NULL,
    idx     bigint NOT NULL CHECK (idx >= 0),
    actor   text NOT NULL,
    kind    text NOT NULL,
    subject text NOT NULL,
    detail  text NOT NULL,
    at      bigint NOT NULL,
    PRIMARY KEY (writer, seq, idx),
    FOREIGN KEY (writer, seq) REFERENCES commits (writer, seq)
);
COMMENT ON TABLE audit IS 'The audit trail of security events, for the operator. Nothing secret, no personal data.';
COMMENT ON COLUMN audit.writer IS 'Its commit: commits.writer, …';
COMMENT ON COLUMN audit.seq IS '… commits.seq,';
COMMENT ON COLUMN audit.idx IS 'and its place among what the commit added.';
COMMENT ON COLUMN audit.actor IS '`unknown`, `console`, `customer:ID`, `operator:ID`, `machine:ID`.';
COMMENT ON COLUMN audit.kind IS 'What.';
COMMENT ON COLUMN audit.subject IS 'To what: an id.';
COMMENT ON COLUMN audit.detail IS 'The particulars, for people.';
COMMENT ON COLUMN audit.at IS 'When.';

CREATE TABLE feeds (
    channel text PRIMARY KEY CHECK (length(channel) BETWEEN 1 AND 15),
    holder  bigint NOT NULL,
    until   bigint NOT NULL
);
COMMENT ON TABLE feeds IS 'Who delivers a channel''s feed. A feed whose time is over may be taken by another.';
COMMENT ON COLUMN feeds.channel IS 'The channel.';
COMMENT ON COLUMN feeds.holder IS 'One incarnation of somebody who delivers.';
COMMENT ON COLUMN feeds.until IS 'An instant.';

CREATE TABLE feed_cursors (
    channel text NOT NULL REFERENCES feeds (channel),
    stream  bigint NOT NULL CHECK (stream >= 0),
    place   bigint NOT NULL CHECK (place >= 0),
    PRIMARY KEY (channel, stream)
);
COMMENT ON TABLE feed_cursors IS 'How far a feed got in the events of each writer. Everything up to here was delivered, was not wanted, or belongs to a customer with a row in feed_waiting.';
COMMENT ON COLUMN feed_cursors.channel IS 'The channel.';
COMMENT ON COLUMN feed_cursors.stream IS 'The writer whose events are meant: writers.id';
COMMENT ON COLUMN feed_cursors.place IS 'The writer''s own count of events, as in events.id.';

CREATE TABLE feed_waiting (
    channel  text NOT NULL REFERENCES feeds (channel),
    customer bigint NOT NULL REFERENCES customer_states (id),
    number   bigint NOT NULL CHECK (number >= 1),
    attempts bigint NOT NULL CHECK (attempts >= 0),
    since    bigint NOT NULL,
    due      bigint NOT NULL,
    why      text NOT NULL,
    PRIMARY KEY (channel, customer)
);
COMMENT ON TABLE feed_waiting IS 'Customers with a delivery that failed and is tried again; their later events wait behind it.';
COMMENT ON COLUMN feed_waiting.channel IS 'The channel.';
COMMENT ON COLUMN feed_waiting.customer IS 'Whose.';
COMMENT ON COLUMN feed_waiting.number IS 'events.number of the one that is tried.';
COMMENT ON COLUMN feed_waiting.attempts IS 'How often it was.';
COMMENT ON COLUMN feed_waiting.since IS 'When it failed first, or became the one.';
COMMENT ON COLUMN feed_waiting.due IS 'When it is tried again.';
COMMENT ON COLUMN feed_waiting.why IS 'What went wrong last, for people.';

CREATE TABLE dead_letters (
    id       bigint PRIMARY KEY CHECK (id >= 1),
    channel  text NOT NULL REFERENCES feeds (channel),
    customer bigint NOT NULL REFERENCES customer_states (id),
    number   bigint NOT NULL CHECK (number >= 1),
    kind     bigint NOT NULL REFERENCES event_kinds (code),
    at       bigint NOT NULL,
    writer   bigint NOT NULL,
    seq      bigint NOT NULL,
    idx      bigint NOT NULL CHECK (idx >= 0),
    attempts bigint NOT NULL CHECK (attempts >= 1),
    given_up bigint NOT NULL,
    why      text NOT NULL,
    UNIQUE (channel, customer, number)
);
COMMENT ON TABLE dead_letters IS 'Deliveries that were given up. Rows are only ever added.';
COMMENT ON COLUMN dead_letters.id IS 'Order of being given up; numbers may be missing.';
COMMENT ON COLUMN dead_letters.channel IS 'The channel.';
COMMENT ON COLUMN dead_letters.customer IS 'Whose.';
COMMENT ON COLUMN dead_letters.number IS 'events.number';
COMMENT ON COLUMN dead_letters.kind IS 'What had happened.';
COMMENT ON COLUMN dead_letters.at IS 'When it had happened.';
COMMENT ON COLUMN dead_letters.writer IS 'The event''s commit …';
COMMENT ON COLUMN dead_letters.seq IS '(its number)';
COMMENT ON COLUMN dead_letters.idx IS '… and its place in it.';
COMMENT ON COLUMN dead_letters.attempts IS 'How often it was tried.';
COMMENT ON COLUMN dead_letters.given_up IS 'When.';
COMMENT ON COLUMN dead_letters.why IS 'What went wrong last, for people.';

CREATE TABLE wishes (
    customer bigint NOT NULL REFERENCES customers (id),
    channel  text NOT NULL CHECK (length(channel) BETWEEN 1 AND 15),
    kinds    text NOT NULL,
    PRIMARY KEY (customer, channel)
);
COMMENT ON TABLE wishes IS 'What customers want to be told of on a channel. No row: whatever the channel usually tells.';
COMMENT ON COLUMN wishes.customer IS 'Who.';
COMMENT ON COLUMN wishes.channel IS 'On which channel.';
COMMENT ON COLUMN wishes.kinds IS '`all`, `none`, or names of event kinds with commas between.';

CREATE TABLE terminals (
    machine           bigint PRIMARY KEY REFERENCES machines (number),
    key               bytea NOT NULL CHECK (length(key) = 32),
    enrolled          bigint NOT NULL,
    number_online     bigint NOT NULL CHECK (number_online >= 0),
    number_advice     bigint NOT NULL CHECK (number_advice >= 0),
    number_heartbeat  bigint NOT NULL CHECK (number_heartbeat >= 0),
    trust             text NOT NULL CHECK (trust IN ('open', 'kept', 'doubted')),
    head              bigint CHECK (head >= 0),
    head_mac          bytea CHECK (length(head_mac) = 32),
    seen              bigint NOT NULL,
    partition_policy  text,
    partition_changes bigint NOT NULL CHECK (partition_changes >= 0),
    order_number      bigint CHECK (order_number >= 1),
    order_kind        text CHECK (order_kind IN ('close', 'open')),
    deposited_on      bigint NOT NULL,
    deposited         bigint NOT NULL CHECK (deposited >= 0),
    CHECK ((trust = 'open') = (head IS NULL)),
    CHECK ((head IS NULL) = (head_mac IS NULL)),
    CHECK ((order_number IS NULL) = (order_kind IS NULL))
);
COMMENT ON TABLE terminals IS 'Terminals that were enrolled. Whoever holds this row''s lock may change the leases.';
COMMENT ON COLUMN terminals.machine IS 'machines.number';
COMMENT ON COLUMN terminals.key IS 'Its public key (Ed25519).';
COMMENT ON COLUMN terminals.enrolled IS 'When.';
COMMENT ON COLUMN terminals.number_online IS 'Of the last message taken from it, by lane.';
COMMENT ON COLUMN terminals.number_advice IS 'Likewise.';
COMMENT ON COLUMN terminals.number_heartbeat IS 'Likewise.';
COMMENT ON COLUMN terminals.trust IS 'Its journal: any, this far, no more.';
COMMENT ON COLUMN terminals.head IS 'Last record of its journal that is known: number …';
COMMENT ON COLUMN terminals.head_mac IS '… and MAC.';
COMMENT ON COLUMN terminals.seen IS 'When it was last heard of, as far as that was kept.';
COMMENT ON COLUMN terminals.partition_policy IS 'What staff chose for it; NULL: as the policy says.';
COMMENT ON COLUMN terminals.partition_changes IS 'How often.';
COMMENT ON COLUMN terminals.order_number IS 'What staff want of it: number …';
COMMENT ON COLUMN terminals.order_kind IS '… and what.';
COMMENT ON COLUMN terminals.deposited_on IS 'A date …';
COMMENT ON COLUMN terminals.deposited IS '… and what its deposits credited on it, minor units.';

CREATE TABLE terminal_keys (
    machine          bigint PRIMARY KEY REFERENCES machines (number),
    data_key_version bigint NOT NULL,
    data_key         bytea NOT NULL,
    secrets          bytea NOT NULL
);
COMMENT ON TABLE terminal_keys IS 'Terminals'' secrets, sealed: those of their devices, and those that the host made for them.';
COMMENT ON COLUMN terminal_keys.machine IS 'machines.number';
COMMENT ON COLUMN terminal_keys.data_key_version IS 'Version of the key that wraps the data key.';
COMMENT ON COLUMN terminal_keys.data_key IS 'The data key, wrapped.';
COMMENT ON COLUMN terminal_keys.secrets IS 'The secrets, sealed under it.';

CREATE TABLE leases (
    machine  bigint NOT NULL REFERENCES terminals (machine),
    nonce    bytea NOT NULL CHECK (length(nonce) = 16),
    amount   bigint NOT NULL CHECK (amount > 0),
    used     bigint NOT NULL CHECK (used BETWEEN 0 AND amount),
    presents bigint NOT NULL CHECK (presents >= 0),
    granted  bigint NOT NULL,
    closed   boolean NOT NULL,
    PRIMARY KEY (machine, nonce)
);
COMMENT ON TABLE leases IS 'Leave that terminals have, or had, to pay cash while the host is away. Amounts in the machine''s currency.';
COMMENT ON COLUMN leases.machine IS 'Whose.';
COMMENT ON COLUMN leases.nonce IS 'Of the dispenser.';
COMMENT ON COLUMN leases.amount IS 'How much.';
COMMENT ON COLUMN leases.used IS 'What was told to have been paid under it.';
COMMENT ON COLUMN leases.presents IS 'Present nonces that came back, a bit each.';
COMMENT ON COLUMN leases.granted IS 'When.';
COMMENT ON COLUMN leases.closed IS 'True: superseded, and its use told.';

CREATE TABLE visits (
    machine bigint NOT NULL REFERENCES machines (number),
    card    bigint NOT NULL REFERENCES cards (id),
    at      bigint NOT NULL,
    PRIMARY KEY (machine, card)
);
COMMENT ON TABLE visits IS 'When a card was last served at a terminal. What a terminal tells of others charges and credits nobody.';
COMMENT ON COLUMN visits.machine IS 'Where.';
COMMENT ON COLUMN visits.card IS 'The card.';
COMMENT ON COLUMN visits.at IS 'When.';

CREATE TABLE notices (
    card     bigint NOT NULL REFERENCES cards (id),
    id       bigint NOT NULL CHECK (id >= 1),
    at       bigint NOT NULL,
    amount   bigint NOT NULL,
    currency text NOT NULL CHECK (length(currency) = 3),
    target   text NOT NULL,
    code     text NOT NULL,
    told     boolean NOT NULL,
    PRIMARY KEY (card, id)
);
COMMENT ON TABLE notices IS 'What cards'' holders are to be told at their next log-in at a terminal: stored transfers that were refused.';
COMMENT ON COLUMN notices.card IS 'Whose.';
COMMENT ON COLUMN notices.id IS '1, 2, 3 … for each card: whoever was told up to one was told those before.';
COMMENT ON COLUMN notices.at IS 'When it was asked for, by the terminal''s clock.';
COMMENT ON COLUMN notices.amount IS 'How much, minor units.';
COMMENT ON COLUMN notices.currency IS 'Of what.';
COMMENT ON COLUMN notices.target IS 'As it was told: perhaps no such account is there.';
COMMENT ON COLUMN notices.code IS 'The refusal''s code.';
COMMENT ON COLUMN notices.told IS 'Whether it was.';
