-- History that was taken out of the hot tables, schema version 3, for PostgreSQL. Conventions as in version 1.
--
-- Why it is moved and not partitioned stands in docs/adr/0016-old-history-is-moved.md. The two tables have the columns, checks and
-- keys of those that they take rows from, and no foreign keys: what they refer to was checked when it was written, and nothing
-- that is referred to is ever deleted. Whoever changes a hot table changes its archive and the view too.

CREATE TABLE archived_transfers (LIKE transfers INCLUDING ALL);
COMMENT ON TABLE archived_transfers IS 'Transfers of months that are over, once `cashpoint archive` has taken them out of transfers. Rows are only ever added, and none is in both.';

CREATE TABLE archived_events (LIKE events INCLUDING ALL);
COMMENT ON TABLE archived_events IS 'Events of months that are over, once `cashpoint archive` has taken them out of events. Rows are only ever added, and none is in both.';

CREATE VIEW all_transfers AS SELECT * FROM transfers UNION ALL SELECT * FROM archived_transfers;
COMMENT ON VIEW all_transfers IS 'Every transfer, wherever it is. What reads history reads this; what writes it writes transfers.';

CREATE VIEW all_events AS SELECT * FROM events UNION ALL SELECT * FROM archived_events;
COMMENT ON VIEW all_events IS 'Every event, wherever it is. What reads history reads this; what writes it writes events.';
