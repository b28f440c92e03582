-- The tables and statements of PostgresStore. {schema} is its schema, {columns} those of jobs in the order of Record,
-- {lock_timeout} in milliseconds.
-- State: 0 blocked, 1 scheduled, 2 ready, 3 running, 4 succeeded, 5 dead, 6 cancelled.
--
-- Who waits for whom: what ends a job or moves it to another place locks its row FOR UPDATE. Enqueueing a child locks
-- the rows of its parents FOR KEY SHARE, so that none of them ends unseen while heartbeats pass. Workers skip rows that
-- are locked. Each index holds the jobs of some states only, and a lease is in none, so that a heartbeat changes none.
-- : migration schema
CREATE SCHEMA IF NOT EXISTS {schema}
-- : migration jobs
CREATE TABLE {schema}.jobs (
    id text PRIMARY KEY, payload text NOT NULL, unique_key text, parents text, queue text NOT NULL,
    task text NOT NULL, priority integer NOT NULL, head_start bigint NOT NULL, key text, grp text,
    on_parent_failure text NOT NULL, max_attempts bigint NOT NULL, max_crashes bigint NOT NULL, expires bigint,
    seq bigint NOT NULL, state smallint NOT NULL, due bigint NOT NULL, rank bigint NOT NULL,
    enqueued bigint NOT NULL, fence bigint NOT NULL, settled bigint NOT NULL, lease bigint NOT NULL, worker text,
    suspect boolean NOT NULL, beside boolean NOT NULL, cancelling boolean NOT NULL, attempts bigint NOT NULL,
    crashes bigint NOT NULL, backoff bigint NOT NULL, started bigint, finished bigint, reason text, error text,
    result text, progress text
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)
-- : migration indexes
CREATE INDEX jobs_scheduled ON {schema}.jobs (queue, due) WHERE state = 1;
CREATE INDEX jobs_ready ON {schema}.jobs (queue, rank, seq) WHERE state = 2;
CREATE INDEX jobs_running ON {schema}.jobs (queue) WHERE state = 3;
CREATE INDEX jobs_ended ON {schema}.jobs (queue, state, finished) WHERE state > 3;
CREATE INDEX jobs_key ON {schema}.jobs (queue, key, seq) WHERE key IS NOT NULL AND state < 4;
CREATE INDEX jobs_unique ON {schema}.jobs (queue, unique_key) WHERE unique_key IS NOT NULL;
CREATE INDEX jobs_seq ON {schema}.jobs (queue, seq)
-- : migration others
CREATE SEQUENCE {schema}.job_seq;
CREATE TABLE {schema}.job_parents (parent text NOT NULL, child text NOT NULL, PRIMARY KEY (parent, child));
CREATE TABLE {schema}.job_rates (queue text NOT NULL, grp text NOT NULL, state text NOT NULL, PRIMARY KEY (queue, grp));
CREATE TABLE {schema}.schedules (
    queue text NOT NULL, name text NOT NULL, text text NOT NULL, last bigint NOT NULL, paused boolean NOT NULL,
    PRIMARY KEY (queue, name)
)
-- : migration counts
-- Each transaction adds a row of what it has changed, so that nobody waits for a counter; `fold` adds rows up.
CREATE TABLE {schema}.job_counts (
    queue text NOT NULL, blocked bigint NOT NULL DEFAULT 0, scheduled bigint NOT NULL DEFAULT 0,
    ready bigint NOT NULL DEFAULT 0, running bigint NOT NULL DEFAULT 0, succeeded bigint NOT NULL DEFAULT 0,
    dead bigint NOT NULL DEFAULT 0, cancelled bigint NOT NULL DEFAULT 0, claims bigint NOT NULL DEFAULT 0
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
-- : version
SELECT version FROM lldkit_migrations WHERE namespace = %(namespace)s
-- : begin
-- Who waits for a lock for too long is told so by the server, which would else go on waiting when nobody listens.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = {lock_timeout};
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
-- : now
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
-- : joined
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, current_setting('transaction_isolation'),
       to_regclass('{schema}.jobs') IS NOT NULL
-- : lock
SELECT pg_advisory_xact_lock(lock) FROM unnest(%(locks)s::bigint[]) AS lock
-- : try_lock
SELECT pg_try_advisory_xact_lock(%(lock)s)
-- : numbers
SELECT nextval('{schema}.job_seq') FROM generate_series(1, %(count)s)
-- : look
SELECT {columns} FROM {schema}.jobs WHERE id = ANY(%(ids)s) ORDER BY seq
-- : get
SELECT {columns} FROM {schema}.jobs WHERE id = ANY(%(ids)s) ORDER BY seq FOR UPDATE
-- : share
SELECT {columns} FROM {schema}.jobs WHERE id = ANY(%(ids)s) ORDER BY seq FOR KEY SHARE
-- : insert
INSERT INTO {schema}.jobs ({columns})
SELECT {columns} FROM json_populate_recordset(NULL::{schema}.jobs, %(rows)s::json)
-- : copy
COPY {schema}.jobs ({columns}) FROM STDIN
-- : insert_parents
INSERT INTO {schema}.job_parents SELECT * FROM unnest(%(parents)s::text[], %(children)s::text[]) ON CONFLICT DO NOTHING
-- : update
UPDATE {schema}.jobs AS job SET
    payload = new.payload, seq = new.seq, state = new.state, due = new.due, rank = new.rank, enqueued = new.enqueued,
    fence = new.fence, settled = new.settled, lease = new.lease, worker = new.worker, suspect = new.suspect,
    beside = new.beside, cancelling = new.cancelling, attempts = new.attempts, crashes = new.crashes,
    backoff = new.backoff, started = new.started, finished = new.finished, reason = new.reason, error = new.error,
    result = new.result, progress = new.progress
FROM json_populate_recordset(NULL::{schema}.jobs, %(rows)s::json) AS new
WHERE job.id = new.id AND job.id = ANY(%(ids)s)  -- so many rows, as the planner can count
-- : promote
UPDATE {schema}.jobs SET state = 2 WHERE id IN (
    SELECT id FROM {schema}.jobs WHERE state = 1 AND queue = %(queue)s AND due <= %(now)s
    ORDER BY due LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED)
-- : has_lapsed
SELECT EXISTS (SELECT FROM {schema}.jobs WHERE state = 3 AND queue = %(queue)s AND lease <= %(now)s)
-- : lapsed
SELECT {columns} FROM {schema}.jobs WHERE state = 3 AND queue = %(queue)s AND lease <= %(now)s
ORDER BY lease, seq LIMIT 1000 FOR UPDATE SKIP LOCKED
-- : held
SELECT {columns} FROM {schema}.jobs WHERE state = 3 AND worker = %(worker)s ORDER BY seq FOR NO KEY UPDATE
-- : ready
SELECT {columns} FROM {schema}.jobs
WHERE state = 2 AND queue = %(queue)s AND (rank, seq) > (%(rank)s, %(seq)s) AND (grp IS NULL OR grp <> ALL(%(full)s))
ORDER BY rank, seq LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
-- : running_groups
SELECT grp, count(*) FROM {schema}.jobs WHERE state = 3 AND queue = %(queue)s AND grp IS NOT NULL GROUP BY grp
-- : rate
SELECT state FROM {schema}.job_rates WHERE queue = %(queue)s AND grp = %(group)s
-- : set_rate
INSERT INTO {schema}.job_rates VALUES (%(queue)s, %(group)s, %(state)s)
ON CONFLICT (queue, grp) DO UPDATE SET state = excluded.state
-- : renew
-- A row that is locked is in the hands of who ends it or asks it to stop: it keeps its lease, nobody waits.
WITH given AS (
    SELECT * FROM unnest(%(ids)s::text[], %(fences)s::bigint[], %(progress)s::text[]) AS given (id, fence, progress)
), free AS (
    SELECT id FROM {schema}.jobs WHERE id = ANY(%(ids)s) AND state = 3 ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), kept AS (
    UPDATE {schema}.jobs AS job SET lease = %(until)s, progress = coalesce(given.progress, job.progress)
    FROM given JOIN free USING (id) WHERE job.id = given.id AND job.fence = given.fence
)
SELECT job.id, job.fence, job.cancelling FROM {schema}.jobs AS job JOIN given USING (id, fence) WHERE job.state = 3
-- : same
SELECT {columns} FROM {schema}.jobs WHERE queue = %(queue)s AND unique_key = %(unique_key)s ORDER BY seq
-- : live_of_key
SELECT {columns} FROM {schema}.jobs WHERE queue = %(queue)s AND key = %(key)s AND state < 4 ORDER BY seq
-- : first_of_key
SELECT {columns} FROM {schema}.jobs WHERE queue = %(queue)s AND key = %(key)s AND state < 4 ORDER BY seq LIMIT 1
-- : children
SELECT parent, child FROM {schema}.job_parents WHERE parent = ANY(%(parents)s) ORDER BY parent, child
-- : schedules
SELECT name, text, last, paused FROM {schema}.schedules WHERE queue = %(queue)s
-- : set_schedule
INSERT INTO {schema}.schedules VALUES (%(queue)s, %(name)s, %(text)s, %(last)s, %(paused)s)
ON CONFLICT (queue, name) DO UPDATE SET text = excluded.text, last = excluded.last, paused = excluded.paused
-- : forget_schedule
DELETE FROM {schema}.schedules WHERE queue = %(queue)s AND name = %(name)s
-- : add_counts
-- Whoever listens hears of it when it is committed, however many rows there are.
INSERT INTO {schema}.job_counts
SELECT * FROM json_populate_recordset(ROW('', 0, 0, 0, 0, 0, 0, 0, 0)::{schema}.job_counts, %(rows)s::json)
RETURNING pg_notify(%(channel)s, %(sender)s)
-- : counts
SELECT coalesce(sum(blocked), 0)::bigint, coalesce(sum(scheduled), 0)::bigint, coalesce(sum(ready), 0)::bigint,
       coalesce(sum(running), 0)::bigint, coalesce(sum(succeeded), 0)::bigint, coalesce(sum(dead), 0)::bigint,
       coalesce(sum(cancelled), 0)::bigint, coalesce(sum(claims), 0)::bigint
FROM {schema}.job_counts WHERE queue = %(queue)s
-- : fold
WITH old AS (
    DELETE FROM {schema}.job_counts WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM {schema}.job_counts LIMIT 10000 FOR UPDATE SKIP LOCKED))
    RETURNING *
)
INSERT INTO {schema}.job_counts
SELECT queue, sum(blocked), sum(scheduled), sum(ready), sum(running), sum(succeeded), sum(dead), sum(cancelled),
       sum(claims)
FROM old GROUP BY queue
-- : oldest
SELECT id FROM {schema}.jobs WHERE id IN (
    SELECT id FROM (
        SELECT id FROM {schema}.jobs
        WHERE state > 3 AND queue = %(queue)s AND state = %(state)s AND finished < %(before)s
        ORDER BY finished, seq LIMIT %(among)s::bigint
    ) AS job WHERE NOT EXISTS (
        SELECT FROM {schema}.job_parents JOIN {schema}.jobs AS child ON child.id = job_parents.child
        WHERE parent = job.id AND child.state < 3
    ) LIMIT 10000
) FOR UPDATE SKIP LOCKED
-- : delete
DELETE FROM {schema}.jobs WHERE id = ANY(%(ids)s)
-- : delete_parents
DELETE FROM {schema}.job_parents WHERE parent = ANY(%(ids)s)
-- : list
SELECT {columns} FROM {schema}.jobs
WHERE queue = %(queue)s AND state = coalesce(%(state)s::smallint, state) AND task = coalesce(%(task)s::text, task)
AND seq < coalesce(%(before)s::bigint, seq + 1)
ORDER BY seq DESC LIMIT %(limit)s
-- : next_due
SELECT least(
    (SELECT due FROM {schema}.jobs WHERE state = 1 AND queue = %(queue)s ORDER BY due LIMIT 1),
    (SELECT min(lease) FROM {schema}.jobs WHERE state = 3 AND queue = %(queue)s))
