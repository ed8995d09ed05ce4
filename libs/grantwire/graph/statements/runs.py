"""Statements about runs. ``$1`` is the tenant."""

from typing import Final

# The connector whose scopes a run reads.
CONNECTOR: Final = "SELECT id, version, account, settings FROM connector WHERE tenant_id = $1 AND id = $2"

REQUEST: Final = """
INSERT INTO run (tenant_id, id, connector, cause, whole, traceparent, requested_at)
VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())"""

REQUEST_SCOPE: Final = """
INSERT INTO run_scope (tenant_id, run, scope, connector, settings_version, requested_at)
VALUES ($1, $2, $3, $4, $5, clock_timestamp())"""

# Jobs that nobody answered: their stream was lost. Otherwise a run would never end.
ABANDON: Final = """
UPDATE run_scope SET state = 'failed', finished_at = clock_timestamp(), reason = $4
WHERE tenant_id = $1 AND connector = $2 AND finished_at IS NULL AND state = 'published'
  AND published_at < clock_timestamp() - $3::interval"""

# What must still be put on the bus. No digest is named when the body is wanted whatever it is.
PENDING: Final = """
SELECT r.run, r.connector, r.settings_version, s.source, r.scope, s.account, run.traceparent,
       CASE WHEN w.whole THEN NULL ELSE s.digest END AS known_digest, w.whole
FROM run_scope r
JOIN run ON run.tenant_id = r.tenant_id AND run.id = r.run
JOIN scope s ON s.tenant_id = r.tenant_id AND s.key = r.scope
CROSS JOIN LATERAL (
    SELECT run.whole OR s.resync OR s.digest IS NULL OR s.full_at < now() - interval '1 day') AS w(whole)
WHERE r.tenant_id = $1 AND r.state = 'requested' AND r.finished_at IS NULL
ORDER BY r.requested_at, r.run, r.scope"""

# A quick answer may overtake this, so it never takes a finished one back.
PUBLISHED: Final = """
UPDATE run_scope SET state = 'published', published_at = clock_timestamp()
WHERE tenant_id = $1 AND run = $2 AND scope = $3 AND state = 'requested'"""

# How one scope's part of a run ended. Only its first end counts.
FINISH: Final = """
UPDATE run_scope SET state = $4, reason = $5, calls = $6, throttled = $7, seconds = $8, unread = $9,
                     inserted = $10, changed = $11, removed = $12, revision = $13, messages = $14,
                     finished_at = clock_timestamp()
WHERE tenant_id = $1 AND run = $2 AND scope = $3 AND finished_at IS NULL
RETURNING connector"""

# A whole body was asked for: by the same connector, for the same cause, as a run of its own.
REQUEST_AGAIN: Final = """
INSERT INTO run (tenant_id, id, connector, cause, whole, traceparent, requested_at)
SELECT tenant_id, $3, connector, cause, true, $4, clock_timestamp() FROM run WHERE tenant_id = $1 AND id = $2"""

REQUEST_SCOPE_AGAIN: Final = """
INSERT INTO run_scope (tenant_id, run, scope, connector, settings_version, requested_at)
SELECT tenant_id, $4, scope, connector, settings_version, clock_timestamp() FROM run_scope
WHERE tenant_id = $1 AND run = $2 AND scope = $3"""

FAIL: Final = """
UPDATE run_scope SET state = 'failed', reason = $4, finished_at = clock_timestamp()
WHERE tenant_id = $1 AND run = $2 AND scope = $3 AND finished_at IS NULL RETURNING connector"""

RUN: Final = "SELECT id, connector, cause, whole, requested_at FROM run WHERE tenant_id = $1 AND id = $2"

RUN_SCOPES: Final = """
SELECT run, scope, state, reason, calls, throttled, seconds, unread, inserted, changed, removed, messages, revision,
       requested_at, published_at, finished_at
FROM run_scope WHERE tenant_id = $1 AND run = ANY($2::uuid[]) ORDER BY scope"""

# The newest run of every connector that has one.
LATEST: Final = """
SELECT r.id, r.connector, r.cause, r.whole, r.requested_at FROM connector c
CROSS JOIN LATERAL (SELECT id, connector, cause, whole, requested_at FROM run
                    WHERE run.tenant_id = c.tenant_id AND run.connector = c.id
                    ORDER BY requested_at DESC LIMIT 1) r
WHERE c.tenant_id = $1 ORDER BY c.id"""

# One line per connector that may run by itself: when it was last asked to, and whether that still goes on.
TIMETABLE: Final = """
SELECT c.id, c.settings, c.state,
       (SELECT max(requested_at) FROM run WHERE run.tenant_id = c.tenant_id AND run.connector = c.id) AS last_begun,
       EXISTS (SELECT FROM run_scope r WHERE r.tenant_id = c.tenant_id AND r.connector = c.id AND r.finished_at IS NULL
               AND (r.published_at IS NULL OR r.published_at > $2::timestamptz - $3::interval)) AS running
FROM connector c WHERE c.tenant_id = $1 AND c.state NOT IN ('draft', 'paused') ORDER BY c.id"""
