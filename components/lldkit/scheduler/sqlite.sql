-- The tables of SQLiteStore. Columns of lldkit_jobs stand in the order of NewJob and Record.
-- State: 0 blocked, 1 scheduled, 2 ready, 3 running, 4 succeeded, 5 dead, 6 cancelled.
-- Each index holds the jobs of some states only, so that what has ended costs nothing.
CREATE TABLE lldkit_jobs (
    id TEXT NOT NULL UNIQUE, payload TEXT NOT NULL, unique_key TEXT, parents TEXT, queue TEXT NOT NULL,
    task TEXT NOT NULL, priority INTEGER NOT NULL, head_start INTEGER NOT NULL, key TEXT, grp TEXT,
    on_parent_failure TEXT NOT NULL, max_attempts INTEGER NOT NULL, max_crashes INTEGER NOT NULL, expires INTEGER,
    seq INTEGER PRIMARY KEY, state INTEGER NOT NULL, due INTEGER NOT NULL, rank INTEGER NOT NULL,
    enqueued INTEGER NOT NULL, fence INTEGER NOT NULL, settled INTEGER NOT NULL, lease INTEGER NOT NULL, worker TEXT,
    suspect INTEGER NOT NULL, beside INTEGER NOT NULL, cancelling INTEGER NOT NULL, attempts INTEGER NOT NULL,
    crashes INTEGER NOT NULL, backoff INTEGER NOT NULL, started INTEGER, finished INTEGER, reason TEXT, error TEXT,
    result TEXT, progress TEXT
);
CREATE INDEX lldkit_jobs_scheduled ON lldkit_jobs (queue, due) WHERE state = 1;
CREATE INDEX lldkit_jobs_ready ON lldkit_jobs (queue, rank) WHERE state = 2;
CREATE INDEX lldkit_jobs_running ON lldkit_jobs (queue, lease) WHERE state = 3;
CREATE INDEX lldkit_jobs_ended ON lldkit_jobs (queue, state, finished) WHERE finished IS NOT NULL;
CREATE INDEX lldkit_jobs_key ON lldkit_jobs (queue, key) WHERE key IS NOT NULL AND state < 4;
CREATE INDEX lldkit_jobs_unique ON lldkit_jobs (queue, unique_key) WHERE unique_key IS NOT NULL;
CREATE TABLE lldkit_job_parents (parent TEXT NOT NULL, child TEXT NOT NULL, PRIMARY KEY (parent, child)) WITHOUT ROWID;
CREATE TABLE lldkit_job_counts (
    queue TEXT NOT NULL, what TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (queue, what)
) WITHOUT ROWID;
CREATE TABLE lldkit_job_rates (
    queue TEXT NOT NULL, grp TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (queue, grp)
) WITHOUT ROWID;
CREATE TABLE lldkit_schedules (
    queue TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, last INTEGER NOT NULL, paused INTEGER NOT NULL,
    PRIMARY KEY (queue, name)
) WITHOUT ROWID;
