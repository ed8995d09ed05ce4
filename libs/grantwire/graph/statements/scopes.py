"""Statements about scopes. ``$1`` is the tenant."""

from typing import Final

# A reading that did not become whole: rows stay, the digest no longer vouches for them.
INCOMPLETE: Final = """
UPDATE scope SET began = $3, connector = $4, source = $5, account = $6, snapshot = $7, state = $8, reason = $9,
                 digest = NULL, plan = $10, unread = $11, calls = $12, throttled = $13, seconds = $14
WHERE tenant_id = $1 AND id = $2"""

# The same content as stored: only the time of observation moves.
UNCHANGED: Final = """
UPDATE scope SET began = $3, connector = $4, source = $5, account = $6, snapshot = $7, state = $8, reason = $9,
                 plan = $10, unread = $11, calls = $12, throttled = $13, seconds = $14,
                 observed_at = $15, covers = $16, resync = false
WHERE tenant_id = $1 AND id = $2"""

# A whole snapshot was applied. A confirmation of removals was for this reading alone.
APPLIED: Final = """
UPDATE scope SET began = $3, connector = $4, source = $5, account = $6, snapshot = $7, state = $8, reason = $9,
                 plan = $10, unread = $11, calls = $12, throttled = $13, seconds = $14,
                 observed_at = $15, covers = $16, resync = false,
                 digest = $17, rows = rows + $18, conflicts = $19, held = $20, held_set = $21, allowed_set = NULL,
                 held_since = CASE WHEN $21::uuid IS NULL THEN NULL WHEN held_set = $21 THEN held_since ELSE $22 END,
                 loaded_at = coalesce(loaded_at, $22), full_at = $22, revision = coalesce($23, revision)
WHERE tenant_id = $1 AND id = $2"""

# Ask for the next snapshot with its body: the rows are not what somebody believed.
ASK_AGAIN: Final = "UPDATE scope SET resync = true WHERE tenant_id = $1 AND id = $2"

# A job that no collector could finish.
FAILED: Final = "UPDATE scope SET state = 'stale', reason = $3 WHERE tenant_id = $1 AND key = $2"

# All scopes that count, with the interval of their connector, and the time at which this was read.
VIEWS: Final = """
SELECT s.key, s.connector, s.source, s.account, s.state, s.reason, s.rows, s.conflicts, s.resync, s.held, s.observed_at,
       s.loaded_at, s.revision, s.plan, s.unread, s.calls, s.throttled, s.seconds, c.settings, now() AS now
FROM scope s LEFT JOIN connector c ON c.tenant_id = s.tenant_id AND c.id = s.connector
WHERE s.tenant_id = $1 AND s.retired_at IS NULL AND ($2::text[] IS NULL OR s.account = ANY($2)) ORDER BY s.key"""
