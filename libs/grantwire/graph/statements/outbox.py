"""Statements of the relay."""

from typing import Final

# One relay at a time publishes, or the order would be lost. Waits; ends with the session.
LEAD: Final = "SELECT pg_advisory_lock($1)"
RESIGN: Final = "SELECT pg_advisory_unlock($1)"

# Whether this session still holds that lock.
HOLDS: Final = """
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
               AND objsubid = 1 AND (classid::bigint << 32) + objid::bigint = $1)"""

# Both give something only to the session with the lock. Revisions become visible in their own order and without gaps,
# so reading from the lowest misses none.
FETCH: Final = f"""
SELECT tenant_id, revision, n, subject, type, source, body, traceparent, at
FROM outbox WHERE ({HOLDS}) ORDER BY tenant_id, revision, n LIMIT $2"""
FETCH_TOLD: Final = f"""
SELECT id, tenant_id, message_id, subject, type, source, body, traceparent, at
FROM told WHERE ({HOLDS}) ORDER BY tenant_id, id LIMIT $2"""

# The first revision that the bus does not have completely; null when it has all.
OLDEST: Final = "SELECT min(revision) FROM outbox WHERE tenant_id = $1"

# Not waiting until the disk has it: what a crash of the server brings back is sent again under the same ids.
DELETE: Final = """
WITH gone AS (DELETE FROM outbox o USING unnest($1::int[], $2::bigint[], $3::int[]) AS u(tenant_id, revision, n)
              WHERE o.tenant_id = u.tenant_id AND o.revision = u.revision AND o.n = u.n)
SELECT set_config('synchronous_commit', 'off', true)"""
