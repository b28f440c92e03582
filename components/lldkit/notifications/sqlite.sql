-- The tables and statements of SQLiteStore. A row waits in its lane until it is `due`, or is `leased` until then; times
-- in microseconds since 1970. {rows} are the rows as they are read.
-- : migration rows
CREATE TABLE notifications_rows (
    kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, grp TEXT NOT NULL, lane TEXT NOT NULL,
    due INTEGER, leased INTEGER, value TEXT NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID
-- : migration groups
CREATE INDEX notifications_groups ON notifications_rows (kind, grp, id) WHERE grp <> ''
-- : migration due
CREATE INDEX notifications_due ON notifications_rows (lane, due, id) WHERE due IS NOT NULL
-- : migration leased
CREATE INDEX notifications_leased ON notifications_rows (lane, leased, id) WHERE leased IS NOT NULL
-- : by_key
{rows} WHERE kind = ? AND id = ?
-- : by_keys
{rows} WHERE kind = ? AND id IN (SELECT value FROM json_each(?))
-- : by_kind
{rows} WHERE kind = ? AND id > ? ORDER BY id LIMIT ?
-- : by_group
{rows} WHERE kind = ? AND id > ? AND grp = ? AND grp <> '' ORDER BY id LIMIT ?
-- : by_due
{rows} WHERE lane = ? AND due <= ? ORDER BY due, id LIMIT ?
-- : by_lease
{rows} WHERE lane = ? AND leased <= ? ORDER BY leased, id LIMIT ?
-- : insert
INSERT INTO notifications_rows VALUES (?, ?, 1, ?, ?, ?, ?, ?)
-- : update
UPDATE notifications_rows SET version = version + 1, grp = ?, lane = ?, due = ?, leased = ?, value = ?
WHERE kind = ? AND id = ? AND version = ?
-- : lease
UPDATE notifications_rows SET version = version + 1, due = NULL, leased = ? WHERE kind = ? AND id = ?
-- : delete
DELETE FROM notifications_rows WHERE kind = ? AND id = ? AND version = ?
