"""Statements about runs. ``$1`` is the tenant."""

from typing import Final

# The connector whose scopes a run reads.
CONNECTOR: Final = """
SELECT id, version, account, organization, settings, state FROM connector WHERE tenant_id = $1 AND id = $2"""

# $7: all of its parts are known.
REQUEST: Final = """
INSERT INTO run (tenant_id, id, connector, cause, whole, traceparent, requested_at, expanded_at)
VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp(), CASE WHEN $7 THEN clock_timestamp() END)"""

# Whether the connector has other scopes than $3: what they are is for the expansion to judge.
HAS_OTHERS: Final = """
SELECT EXISTS (SELECT FROM scope WHERE tenant_id = $1 AND connector = $2 AND key <> $3 AND retired_at IS NULL)"""

REQUEST_SCOPE: Final = """
INSERT INTO run_scope (tenant_id, run, scope, connector, settings_version, requested_at)
VALUES ($1, $2, $3, $4, $5, clock_timestamp())"""

# Jobs that nobody answered: their stream was lost. Otherwise a run would never end.
ABANDON: Final = """
UPDATE run_scope SET state = 'failed', finished_at = clock_timestamp(), reason = $4
WHERE tenant_id = $1 AND connector = $2 AND finished_at IS NULL AND state = 'published'
  AND published_at < clock_timestamp() - $3::interval"""

# What must still be put on the bus. No digest is named when the body is wanted whatever it is.
#
# Connectors take turns, and none has more than $2 jobs on the bus, so that one with thousands of accounts holds up no
# other; a job published longer ago than $3 no longer counts, it may be lost with its stream. What waits for an earlier
# job of its own scope comes last; what a paused connector is asked for meanwhile waits until it runs again.
PENDING: Final = """
WITH unfinished AS (
    SELECT r.run, r.scope, r.connector, r.settings_version, r.requested_at, r.reason,
           r.state = 'requested' AND coalesce(r.not_before <= now(), true) AS waits,
           r.published_at > now() - $3::interval AS under_way,
           bool_or(r.state = 'published') OVER (PARTITION BY r.connector, r.scope) AS busy
    FROM run_scope r WHERE r.tenant_id = $1 AND r.finished_at IS NULL),
waiting AS (
    SELECT *, count(*) FILTER (WHERE under_way) OVER (PARTITION BY connector)
              + row_number() OVER (PARTITION BY connector, waits ORDER BY busy, requested_at, run, scope) AS place
    FROM unfinished)
SELECT w.run, w.connector, w.settings_version, s.source, w.scope, s.account, run.traceparent, c.organization,
       c.identity_center,
       CASE WHEN b.whole THEN NULL ELSE s.digest END AS known_digest, b.whole,
       (w.reason->>'since')::timestamptz AS refused_since, (c.settings->>'interval')::interval AS interval, now() AS now
FROM waiting w
JOIN run ON run.tenant_id = $1 AND run.id = w.run
JOIN scope s ON s.tenant_id = $1 AND s.key = w.scope
LEFT JOIN connector c ON c.tenant_id = $1 AND c.id = w.connector
CROSS JOIN LATERAL (
    SELECT run.whole OR s.resync OR s.digest IS NULL OR s.full_at < now() - interval '1 day') AS b(whole)
WHERE w.waits AND w.place <= $2 AND c.state IS DISTINCT FROM 'paused'
ORDER BY w.place, w.requested_at, w.run, w.scope"""

# A quick answer may overtake this, so it never takes a finished one back.
PUBLISHED: Final = """
UPDATE run_scope SET state = 'published', published_at = clock_timestamp(), reason = NULL
WHERE tenant_id = $1 AND run = $2 AND scope = $3 AND state = 'requested'"""

# The bus does not take it yet; since when is noted once.
REFUSED: Final = """
UPDATE run_scope SET reason = $4::jsonb || jsonb_build_object('since', clock_timestamp())
WHERE tenant_id = $1 AND run = $2 AND scope = $3 AND state = 'requested' AND reason IS NULL"""

# It was refused too long, since $4: whoever notes this first clears the way, and waits anew should that not help.
CLEAR: Final = """
UPDATE run_scope SET reason = reason || jsonb_build_object('since', clock_timestamp())
WHERE tenant_id = $1 AND run = $2 AND scope = $3 AND state = 'requested' AND (reason->>'since')::timestamptz = $4
RETURNING run"""

# The parts of other runs that wait for the job that is thrown away.
CLEARED: Final = """
UPDATE run_scope SET state = 'failed', reason = $4, finished_at = clock_timestamp()
WHERE tenant_id = $1 AND connector = $2 AND scope = $3 AND state = 'published' AND finished_at IS NULL"""

# How one scope's part of a run ended. Only its first end counts.
FINISH: Final = """
UPDATE run_scope SET state = $4, reason = $5, calls = $6, throttled = $7, seconds = $8, unread = $9,
                     inserted = $10, changed = $11, removed = $12, revision = $13, messages = $14,
                     finished_at = clock_timestamp()
WHERE tenant_id = $1 AND run = $2 AND scope = $3 AND finished_at IS NULL
RETURNING connector"""

# A whole body was asked for: by the same connector, for the same cause, as a run of its own. $5: all of
# its parts are known.
REQUEST_AGAIN: Final = """
INSERT INTO run (tenant_id, id, connector, cause, whole, traceparent, requested_at, expanded_at)
SELECT tenant_id, $3, connector, cause, true, $4, clock_timestamp(), CASE WHEN $5 THEN clock_timestamp() END
FROM run WHERE tenant_id = $1 AND id = $2"""

# $5: not put on the bus before that.
REQUEST_SCOPE_AGAIN: Final = """
INSERT INTO run_scope (tenant_id, run, scope, connector, settings_version, requested_at, not_before)
SELECT tenant_id, $4, scope, connector, settings_version, clock_timestamp(), $5 FROM run_scope
WHERE tenant_id = $1 AND run = $2 AND scope = $3"""

FAIL: Final = """
UPDATE run_scope SET state = 'failed', reason = $4, finished_at = clock_timestamp()
WHERE tenant_id = $1 AND run = $2 AND scope = $3 AND finished_at IS NULL RETURNING connector"""

# Everything of a connector that was not finished when it was removed.
END_PARTS: Final = """
UPDATE run_scope SET state = 'failed', reason = $3, finished_at = clock_timestamp()
WHERE tenant_id = $1 AND connector = $2 AND finished_at IS NULL"""
END_RUNS: Final = """
UPDATE run SET expanded_at = clock_timestamp() WHERE tenant_id = $1 AND connector = $2 AND expanded_at IS NULL"""

# One at a time decides whether a connector is due; the other need not wait to hear that it was.
TRY_DUE: Final = "SELECT pg_try_advisory_xact_lock($1, hashtext('due/' || $2))"

LAST_BEGUN: Final = "SELECT max(requested_at) FROM run WHERE tenant_id = $1 AND connector = $2"

# One line per connector that may run by itself: when it was last asked to, and whether that still goes on. A job that
# nobody answers goes on no longer than $3; one that is wanted later does not go on yet.
TIMETABLE: Final = """
WITH running AS (
    SELECT connector FROM run_scope
    WHERE tenant_id = $1 AND finished_at IS NULL
      AND (published_at IS NULL AND coalesce(not_before <= $2, true) OR published_at > $2::timestamptz - $3::interval)
    UNION
    SELECT r.connector FROM run r
    WHERE r.tenant_id = $1 AND r.expanded_at IS NULL
      AND NOT EXISTS (SELECT FROM run_scope p
                      WHERE p.tenant_id = r.tenant_id AND p.run = r.id AND p.finished_at IS NULL))
SELECT c.id, (c.settings->>'interval')::interval AS interval,
       (SELECT max(requested_at) FROM run WHERE run.tenant_id = c.tenant_id AND run.connector = c.id) AS last_begun,
       EXISTS (SELECT FROM running WHERE running.connector = c.id) AS running
FROM connector c WHERE c.tenant_id = $1 AND c.state NOT IN ('draft', 'failed', 'paused') ORDER BY c.id"""
