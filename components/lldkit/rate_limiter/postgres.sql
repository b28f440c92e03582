-- The statements of PostgresStore, each under its name. Whole numbers are numeric where ticks may exceed 2^63.

-- : create table
-- `state` is the core's state as JSON, null while a new bucket is being decided; GCRA's is [TAT, [scale, unit]].
-- No index on `idle_at`, so that an update touches no index and its dead row is reused at once (HOT).
CREATE TABLE lldkit_rate_limits (
    bucket bytea PRIMARY KEY,
    state jsonb NOT NULL,
    idle_at numeric NOT NULL
) WITH (fillfactor = 80)

-- : create tat
-- When the bucket will be empty, in ticks of the quota's rate: a TAT counted in another rate is recounted, and one in
-- the past is now. `state` is null for a new bucket.
CREATE FUNCTION lldkit_gcra_tat(state jsonb, now numeric, scale numeric, unit numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN state IS NULL THEN now * scale
        WHEN (state #> '{1,0}')::numeric = scale AND (state #> '{1,1}')::numeric = unit
            THEN greatest((state -> 0)::numeric, now * scale)
        ELSE now * scale + div(
            greatest((state -> 0)::numeric - now * (state #> '{1,0}')::numeric, 0) * unit
                + (state #> '{1,1}')::numeric - 1,
            (state #> '{1,1}')::numeric
        )
    END
$$

-- : gcra
-- The whole decision. ON CONFLICT locks the row and decides about its latest version; a refusal changes nothing, and
-- its figures are those of the version that this statement saw when it began.
WITH asked AS MATERIALIZED (
    SELECT
        coalesce(%(now)s::bigint, floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint)::numeric AS now,
        %(bucket)s::bytea AS bucket,
        %(scale)s::numeric AS scale,
        %(unit)s::numeric AS unit,
        %(taken)s::numeric AS taken,
        %(most)s::numeric AS most
), granted AS (
    INSERT INTO lldkit_rate_limits AS held (bucket, state, idle_at)
    SELECT bucket, jsonb_build_array(now * scale + taken, jsonb_build_array(scale, unit)),
           div(now * scale + taken + scale - 1, scale)
    FROM asked
    ON CONFLICT (bucket) DO UPDATE SET (state, idle_at) = (
        SELECT jsonb_build_array(tat + taken, jsonb_build_array(scale, unit)), div(tat + taken + scale - 1, scale)
        FROM (SELECT *, lldkit_gcra_tat(held.state, now, scale, unit) AS tat FROM asked) AS known
    )
    WHERE (
        SELECT lldkit_gcra_tat(held.state, now, scale, unit) + taken <= now * scale + most
        FROM asked
    )
    RETURNING (state -> 0)::numeric AS tat
)
SELECT asked.now::bigint, granted.tat::text, seen.state::text
FROM asked
LEFT JOIN granted ON true
LEFT JOIN lldkit_rate_limits AS seen ON seen.bucket = asked.bucket

-- : lock
-- Lock the rows in the order of their names, new ones too, so that no two calls wait for each other.
INSERT INTO lldkit_rate_limits (bucket, state, idle_at)
SELECT bucket, 'null', 0 FROM unnest(%(buckets)s::bytea[]) AS bucket ORDER BY bucket
ON CONFLICT (bucket) DO UPDATE SET state = 'null' WHERE false

-- : read
SELECT coalesce(%(now)s::bigint, floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint),
       array_agg(held.state::text ORDER BY asked.place)
FROM unnest(%(buckets)s::bytea[]) WITH ORDINALITY AS asked (bucket, place)
LEFT JOIN lldkit_rate_limits AS held USING (bucket)

-- : write
UPDATE lldkit_rate_limits AS held SET state = after.state::jsonb, idle_at = after.idle_at::numeric
FROM unnest(%(buckets)s::bytea[], %(states)s::text[], %(idle_ats)s::text[]) AS after (bucket, state, idle_at)
WHERE held.bucket = after.bucket

-- : forget
DELETE FROM lldkit_rate_limits WHERE bucket = ANY (%(buckets)s::bytea[])

-- : evict
-- Examine the next rows of a round over all of them, and delete the idle ones that nobody is using just now.
WITH next AS MATERIALIZED (
    SELECT bucket FROM lldkit_rate_limits WHERE bucket > %(after)s::bytea ORDER BY bucket LIMIT %(most)s
), idle AS MATERIALIZED (
    SELECT held.bucket FROM lldkit_rate_limits AS held JOIN next USING (bucket)
    WHERE held.idle_at <= %(now)s
    FOR UPDATE OF held SKIP LOCKED
), gone AS (
    DELETE FROM lldkit_rate_limits AS held USING idle WHERE held.bucket = idle.bucket RETURNING held.bucket
)
SELECT (SELECT bucket FROM next ORDER BY bucket DESC LIMIT 1), (SELECT count(*) FROM gone)
