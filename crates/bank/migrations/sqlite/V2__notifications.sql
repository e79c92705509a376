-- Notifications, schema version 2, for SQLite. Conventions as in version 1.
--
-- The outbox is the table `events`; nothing is copied out of it. A channel's feed keeps its place there. Only for
-- customers with a delivery that failed is there a row, whatever the number of events behind it.

-- Who delivers a channel's feed. A feed whose time is over may be taken by another.
CREATE TABLE feeds (
    channel TEXT PRIMARY KEY CHECK (length(channel) BETWEEN 1 AND 15),
    holder  INTEGER NOT NULL,                              -- one incarnation of somebody who delivers
    until   INTEGER NOT NULL                               -- an instant
) STRICT, WITHOUT ROWID;

-- How far a feed got. Everything up to here was delivered, was not wanted, or belongs to a customer with a row below.
CREATE TABLE feed_cursors (
    channel TEXT NOT NULL REFERENCES feeds (channel),
    stream  INTEGER NOT NULL CHECK (stream >= 0),          -- always 0: a file has one writer at a time
    place   INTEGER NOT NULL CHECK (place >= 0),           -- events.id
    PRIMARY KEY (channel, stream)
) STRICT, WITHOUT ROWID;

-- Customers with a delivery that failed and is tried again; their later events wait behind it.
CREATE TABLE feed_waiting (
    channel  TEXT NOT NULL REFERENCES feeds (channel),
    customer INTEGER NOT NULL REFERENCES customer_states (id),
    number   INTEGER NOT NULL CHECK (number >= 1),         -- events.number of the one that is tried
    attempts INTEGER NOT NULL CHECK (attempts >= 0),       -- how often it was
    since    INTEGER NOT NULL,                             -- when it failed first, or became the one
    due      INTEGER NOT NULL,                             -- when it is tried again
    why      TEXT NOT NULL,                                -- what went wrong last, for people
    PRIMARY KEY (channel, customer)
) STRICT, WITHOUT ROWID;

-- Deliveries that were given up. Rows are only ever added.
CREATE TABLE dead_letters (
    id       INTEGER PRIMARY KEY,                          -- order of being given up
    channel  TEXT NOT NULL REFERENCES feeds (channel),
    customer INTEGER NOT NULL REFERENCES customer_states (id),
    number   INTEGER NOT NULL CHECK (number >= 1),         -- events.number
    kind     INTEGER NOT NULL REFERENCES event_kinds (code),
    at       INTEGER NOT NULL,                             -- when it had happened
    writer   INTEGER NOT NULL,                             -- the event's commit …
    seq      INTEGER NOT NULL,
    idx      INTEGER NOT NULL CHECK (idx >= 0),            -- … and its place in it
    attempts INTEGER NOT NULL CHECK (attempts >= 1),
    given_up INTEGER NOT NULL,                             -- an instant
    why      TEXT NOT NULL,                                -- what went wrong last, for people
    UNIQUE (channel, customer, number),
    FOREIGN KEY (writer, seq) REFERENCES commits (writer, seq)
) STRICT;

-- What customers want to be told of on a channel. No row: whatever the channel usually tells.
CREATE TABLE wishes (
    customer INTEGER NOT NULL REFERENCES customers (id),
    channel  TEXT NOT NULL CHECK (length(channel) BETWEEN 1 AND 15),
    kinds    TEXT NOT NULL,                                -- `all`, `none`, or names of event kinds with commas between
    PRIMARY KEY (customer, channel)
) STRICT, WITHOUT ROWID;
