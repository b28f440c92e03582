-- : versions
CREATE TABLE config_version (
    namespace text NOT NULL, version bigint NOT NULL, origin text NOT NULL, body jsonb NOT NULL,
    author text NOT NULL, reason text NOT NULL, parent bigint, created_at timestamptz NOT NULL,
    PRIMARY KEY (namespace, version)
)
-- : heads
CREATE TABLE config_head (namespace text PRIMARY KEY, origin text NOT NULL, version bigint NOT NULL)
-- : begin
INSERT INTO config_head VALUES (%(namespace)s, %(origin)s, 0) ON CONFLICT DO NOTHING
-- : advance
-- Waits for a publication under way, and then looks at the head that it has left.
UPDATE config_head SET version = version + 1 WHERE namespace = %(namespace)s AND version = %(expected)s
RETURNING origin
-- : head
SELECT version FROM config_head WHERE namespace = %(namespace)s
-- : insert
INSERT INTO config_version (namespace, version, origin, body, author, reason, parent, created_at)
VALUES (%(namespace)s, %(expected)s + 1, %(origin)s, %(body)s, %(author)s, %(reason)s,
        nullif(%(expected)s, 0), now())
RETURNING body, version, origin, author, reason, parent, created_at
-- : prune
DELETE FROM config_version WHERE namespace = %(namespace)s AND version <= %(expected)s + 1 - %(history_limit)s
-- : notify
SELECT pg_notify('lldkit_snapshot', %(namespace)s || ':' || %(expected)s + 1)
-- : newest
SELECT body, version, origin, author, reason, parent, created_at FROM config_version
WHERE namespace = %(namespace)s ORDER BY version DESC LIMIT %(limit)s
-- : one
SELECT body, version, origin, author, reason, parent, created_at FROM config_version
WHERE namespace = %(namespace)s AND version = %(version)s
-- : bounds
SELECT coalesce(min(version), 0), coalesce(max(version), 0) FROM config_version WHERE namespace = %(namespace)s
