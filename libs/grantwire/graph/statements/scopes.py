"""Statements about scopes. ``$1`` is the tenant."""

from typing import Final

# A reading that did not become whole: rows stay, the digest no longer vouches for them.
INCOMPLETE: Final = """
UPDATE scope SET began = $3, connector = $4, source = $5, account = $6, snapshot = $7, state = $8, reason = $9,
                 digest = NULL, plan = $10, unread = $11, calls = $12, throttled = $13, seconds = $14,
                 failures = CASE $8 WHEN 'stale' THEN failures + 1 ELSE 0 END, tried_at = now()
WHERE tenant_id = $1 AND id = $2"""

# The same content as stored: only the time of observation moves.
UNCHANGED: Final = """
UPDATE scope SET began = $3, connector = $4, source = $5, account = $6, snapshot = $7, state = $8, reason = $9,
                 plan = $10, unread = $11, calls = $12, throttled = $13, seconds = $14,
                 observed_at = $15, covers = $16, whole_began = $3, whole_read = $17, resync = false, failures = 0,
                 tried_at = now()
WHERE tenant_id = $1 AND id = $2"""

# A whole snapshot was applied. A confirmation of removals was for this reading alone.
APPLIED: Final = """
UPDATE scope SET began = $3, connector = $4, source = $5, account = $6, snapshot = $7, state = $8, reason = $9,
                 plan = $10, unread = $11, calls = $12, throttled = $13, seconds = $14,
                 observed_at = $15, covers = $16, whole_began = $3, whole_read = $24, resync = $25, failures = 0,
                 tried_at = now(),
                 digest = $17, rows = rows + $18, conflicts = $19, held = $20, held_set = $21, allowed_set = NULL,
                 held_since = CASE WHEN $21::uuid IS NULL THEN NULL WHEN held_set = $21 THEN held_since ELSE $22 END,
                 loaded_at = coalesce(loaded_at, $22), full_at = $22, revision = coalesce($23, revision)
WHERE tenant_id = $1 AND id = $2"""

# Ask for the next snapshot with its body: the rows are not what somebody believed.
ASK_AGAIN: Final = "UPDATE scope SET resync = true WHERE tenant_id = $1 AND id = $2"

# A job that no collector could finish.
FAILED: Final = """
UPDATE scope SET state = 'stale', reason = $3, failures = failures + 1, tried_at = now()
WHERE tenant_id = $1 AND key = $2"""

# Scopes $3 that are not read, for the reasons $4: what they hold stays as last known. Only those that did not say so.
UNREACHABLE: Final = """
UPDATE scope s SET state = 'unreachable', reason = u.reason, failures = 0
FROM unnest($3::text[], $4::jsonb[]) AS u(key, reason)
WHERE s.tenant_id = $1 AND s.connector = $2 AND s.key = u.key AND s.retired_at IS NULL
  AND (s.state, s.reason) IS DISTINCT FROM ('unreachable', u.reason)"""

# What must be read again, though it may have been accepted not to be.
REACHABLE: Final = """
UPDATE scope SET state = CASE WHEN loaded_at IS NULL THEN 'new' ELSE 'stale' END, reason = $4
WHERE tenant_id = $1 AND connector = $2 AND key = $3 AND state = 'unreachable'"""

# Of the scopes $3 those that must change hands or come back before connector $2 can read them.
ELSEWHERE: Final = """
SELECT key, retired_at IS NOT NULL AS retired FROM scope
WHERE tenant_id = $1 AND key = ANY($3::text[]) AND (connector <> $2 OR retired_at IS NOT NULL) ORDER BY key"""

PART: Final = "SELECT source, account FROM scope WHERE tenant_id = $1 AND key = $2"

# Scopes come into being when they are asked for; the connector that asks has them from now on.
CLAIM: Final = """
INSERT INTO scope (tenant_id, key, connector, source, account)
SELECT $1, u.key, $2, u.source, u.account FROM unnest($3::text[], $4::text[], $5::text[]) AS u(key, source, account)
ON CONFLICT (tenant_id, key) DO UPDATE SET connector = excluded.connector WHERE scope.connector <> excluded.connector"""

# Scopes that count, with the interval of their connector, and the time at which this was read.
_VIEWS: Final = """
SELECT s.key, s.connector, s.source, s.account, s.state, s.reason, s.rows, s.conflicts, s.resync, s.held, s.observed_at,
       s.loaded_at, s.revision, s.plan, s.unread, s.calls, s.throttled, s.seconds, c.settings, now() AS now
FROM scope s LEFT JOIN connector c ON c.tenant_id = s.tenant_id AND c.id = s.connector
WHERE s.tenant_id = $1 AND s.retired_at IS NULL"""
VIEWS: Final = f"{_VIEWS} ORDER BY s.key"

# The scopes $2, and of the connectors that have one of the scopes $3: what they read of a directory and its permission
# sets, and with $4 the assignments of every account.
VIEWS_OF: Final = f"""{_VIEWS}
  AND (s.key = ANY($2::text[])
       OR s.source = 'identity_center' AND (s.account IS NULL OR $4::boolean)
          AND s.connector IN (SELECT o.connector FROM scope o
                              WHERE o.tenant_id = $1 AND o.key = ANY($3::text[]) AND o.retired_at IS NULL))
ORDER BY s.key"""
