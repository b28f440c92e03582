-- The tables and statements of PostgresStore. A row waits in its lane until it is `due`, or is `leased` until then; times
-- in microseconds since 1970. {now} is the caller's time, or the server's; {rows} are the rows as they are read.
-- : migration rows
CREATE TABLE notifications_rows (
    kind text NOT NULL, id text COLLATE "C" NOT NULL, version bigint NOT NULL, grp text NOT NULL,
    lane text NOT NULL, due bigint, leased bigint, value text NOT NULL, PRIMARY KEY (kind, id)
)
-- : migration groups
CREATE INDEX notifications_groups ON notifications_rows (kind, grp, id) WHERE grp <> ''
-- : migration due
CREATE INDEX notifications_due ON notifications_rows (lane, due, id) WHERE due IS NOT NULL
-- : migration leased
CREATE INDEX notifications_leased ON notifications_rows (lane, leased, id) WHERE leased IS NOT NULL
-- : by_keys
{rows} WHERE (kind, id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
-- : by_kind
{rows} WHERE kind = %(kind)s AND id > %(after)s ORDER BY id LIMIT %(limit)s
-- : by_group
{rows} WHERE kind = %(kind)s AND id > %(after)s AND grp = %(group)s AND grp <> '' ORDER BY id LIMIT %(limit)s
-- : by_lane
(SELECT * FROM ({rows} WHERE lane = %(lane)s AND due <= %(due)s ORDER BY due, id LIMIT %(limit)s) AS waiting)
UNION ALL
(SELECT * FROM ({rows} WHERE lane = %(lane)s AND leased <= %(due)s ORDER BY leased, id LIMIT %(limit)s) AS held)
ORDER BY 5, 2 LIMIT %(limit)s
-- : claim
WITH lost AS (
    SELECT kind, id, 0 AS turn, leased AS at FROM notifications_rows WHERE lane = %(lane)s AND leased <= {now}
    ORDER BY leased, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
), ready AS (
    SELECT kind, id, 1 AS turn, due AS at FROM notifications_rows WHERE lane = %(lane)s AND due <= %(calendar)s
    ORDER BY due, id LIMIT %(most)s - (SELECT count(*) FROM lost) FOR UPDATE SKIP LOCKED
), picked AS (SELECT * FROM lost UNION ALL SELECT * FROM ready), claimed AS (
    UPDATE notifications_rows AS r SET version = r.version + 1, due = NULL, leased = {now} + %(lease)s
    FROM picked WHERE r.kind = picked.kind AND r.id = picked.id
    RETURNING r.kind, r.id, r.value, r.version, r.leased, picked.turn, picked.at
)
SELECT kind, id, value, version, leased FROM claimed ORDER BY turn, at, id
-- : insert
INSERT INTO notifications_rows VALUES (
    %(kind)s, %(id)s, 1, %(group)s, %(lane)s, %(due)s, {now} + %(lease)s::bigint, %(value)s
) ON CONFLICT DO NOTHING
-- : update
UPDATE notifications_rows SET version = version + 1, grp = %(group)s, lane = %(lane)s, due = %(due)s,
    leased = {now} + %(lease)s::bigint, value = %(value)s
WHERE kind = %(kind)s AND id = %(id)s AND version = %(expected)s
-- : delete
DELETE FROM notifications_rows WHERE kind = %(kind)s AND id = %(id)s AND version = %(expected)s
-- : notify
SELECT pg_notify('lldkit_notifications', %s)
