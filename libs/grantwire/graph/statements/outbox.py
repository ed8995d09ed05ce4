"""Statements of the relay."""

from typing import Final

# One relay at a time publishes, or the order would be lost. Waits; ends with the session.
LEAD: Final = "SELECT pg_advisory_lock($1)"
RESIGN: Final = "SELECT pg_advisory_unlock($1)"

# What both outboxes hold, oldest first, for the session that holds that lock, and no row for any other: after failover
# or a cut connection another relay may lead. Revisions become visible in their own order and without gaps, so reading
# from the lowest misses none.
FETCH: Final = """
SELECT ARRAY(SELECT t FROM (
           SELECT id, tenant_id, message_id, subject, type, source, body, traceparent, at
           FROM told ORDER BY tenant_id, id LIMIT $2) t) AS told,
       ARRAY(SELECT o FROM (
           SELECT tenant_id, revision, n, subject, type, source, body, traceparent, at
           FROM outbox ORDER BY tenant_id, revision, n LIMIT $2) o) AS changes
WHERE EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
              AND objsubid = 1 AND (classid::bigint << 32) + objid::bigint = $1)"""

# The first revision that the bus does not have completely; null when it has all.
OLDEST: Final = "SELECT min(revision) FROM outbox WHERE tenant_id = $1"

# Not waiting until the disk has it: what a crash of the server brings back is sent again under the same ids.
DELETE: Final = """
WITH told AS (DELETE FROM told t USING unnest($1::int[], $2::bigint[]) AS u(tenant_id, id)
              WHERE t.tenant_id = u.tenant_id AND t.id = u.id),
     changes AS (DELETE FROM outbox o USING unnest($3::int[], $4::bigint[], $5::int[]) AS u(tenant_id, revision, n)
                 WHERE o.tenant_id = u.tenant_id AND o.revision = u.revision AND o.n = u.n)
SELECT set_config('synchronous_commit', 'off', true)"""
