"""Statements about rows that a retired scope still has. ``$1`` is the tenant."""

from typing import Final

OWNERS_OF_NODES: Final = """
SELECT DISTINCT n.scope_id FROM node n JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id
WHERE n.tenant_id = $1 AND n.id = ANY($2::uuid[]) AND s.retired_at IS NOT NULL ORDER BY n.scope_id"""

OWNERS_OF_EDGES: Final = """
SELECT DISTINCT e.scope_id FROM unnest($2::uuid[], $3::smallint[], $4::uuid[]) AS u(src, kind, dst)
JOIN edge e ON e.tenant_id = $1 AND e.src = u.src AND e.kind = u.kind AND e.dst = u.dst
JOIN scope s ON s.tenant_id = e.tenant_id AND s.id = e.scope_id
WHERE s.retired_at IS NOT NULL ORDER BY e.scope_id"""

# Whoever wants to restore such a scope waits for us; one that returned meanwhile keeps its rows.
HOLD: Final = """
UPDATE scope SET digest = NULL, rows_digest = NULL
WHERE tenant_id = $1 AND id = ANY($2::int[]) AND retired_at IS NOT NULL RETURNING id"""
