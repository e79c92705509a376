-- Fewer pages per command, schema version 3, for SQLite. Conventions as in version 1, but for what it says of `requests`:
-- nothing that a withdrawal writes has a random place any more.

-- Answered requests, kept for ever: same request, same answer. Appended in the order of their commits.
CREATE TABLE requests_by_number (
    n       INTEGER PRIMARY KEY CHECK (n >= 1),            -- 1, 2, 3 … without gaps
    key     BLOB NOT NULL CHECK (length(key) = 16),        -- digest of scope and idempotency key; no two are the same
    content BLOB NOT NULL CHECK (length(content) = 16),    -- digest of what was asked for
    outcome BLOB NOT NULL,                                 -- the answer, in the store's own versioned encoding
    writer  INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    idx     INTEGER NOT NULL CHECK (idx >= 0),
    FOREIGN KEY (writer, seq) REFERENCES commits (writer, seq)
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
