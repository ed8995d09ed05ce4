"""Statements that show runs. ``$1`` is the tenant."""

from typing import Final

_RUN: Final = "id, connector, cause, whole, requested_at, expanded_at"

RUN: Final = f"SELECT {_RUN} FROM run WHERE tenant_id = $1 AND id = $2"

# A run's parts with what they are about. $3 is the code of accounts: their names are known where an organization is.
RUN_SCOPES: Final = """
SELECT r.run, r.scope, s.source, s.account, n.name, r.state, r.reason, r.calls, r.throttled, r.seconds, r.unread,
       r.inserted, r.changed, r.removed, r.messages, r.revision, r.requested_at, r.published_at, r.finished_at
FROM run_scope r
LEFT JOIN scope s ON s.tenant_id = r.tenant_id AND s.key = r.scope
LEFT JOIN node n ON n.tenant_id = r.tenant_id AND n.account = s.account AND n.kind = $3 AND n.native_id = s.account
WHERE r.tenant_id = $1 AND r.run = ANY($2::uuid[]) ORDER BY s.source = 'organization' DESC, r.scope"""

# The newest run of every connector that has one.
LATEST: Final = f"""
SELECT r.* FROM connector c
CROSS JOIN LATERAL (SELECT {_RUN} FROM run WHERE run.tenant_id = c.tenant_id AND run.connector = c.id
                    ORDER BY requested_at DESC LIMIT 1) r
WHERE c.tenant_id = $1 ORDER BY c.id"""

# The newest $3 runs of one connector or of all, with the sums of their parts.
HISTORY: Final = f"""
WITH newest AS (
    SELECT tenant_id, {_RUN} FROM run WHERE tenant_id = $1 AND ($2::text IS NULL OR connector = $2)
    ORDER BY requested_at DESC, id LIMIT $3)
SELECT r.*, p.parts, p.calls, p.throttled, p.finished_at FROM newest r
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(g.state, g.n) AS parts, sum(g.calls)::bigint AS calls,
           sum(g.throttled)::bigint AS throttled,
           CASE WHEN bool_and(g.ended) THEN max(g.finished_at) END AS finished_at
    FROM (SELECT q.state, count(*) AS n, sum(c.calls) AS calls, sum(q.throttled) AS throttled,
                 bool_and(q.finished_at IS NOT NULL) AS ended, max(q.finished_at) AS finished_at
          FROM run_scope q
          CROSS JOIN LATERAL (SELECT coalesce(sum(value::int), 0) AS calls FROM jsonb_each_text(q.calls)) AS c
          WHERE q.tenant_id = r.tenant_id AND q.run = r.id GROUP BY q.state) AS g) AS p
ORDER BY r.requested_at DESC, r.id"""
