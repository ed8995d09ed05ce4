"""Statements about what a scope holds. ``$1`` is the tenant, ``$2`` the scope's key."""

from typing import Final

# How many resources of kind $3 it holds.
SIZE: Final = """
SELECT count(*) FROM node n JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id
WHERE n.tenant_id = $1 AND s.key = $2 AND n.kind = $3 AND s.retired_at IS NULL"""

# Resources of kind $3 that it holds and $4 does not name, at most $5: by their hashed ids, so that they are any.
RESOURCES: Final = """
SELECT n.native_id FROM node n JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id
WHERE n.tenant_id = $1 AND s.key = $2 AND n.kind = $3 AND s.retired_at IS NULL AND n.native_id <> ALL($4::text[])
ORDER BY n.id LIMIT $5"""

# Relations of kind $3 that it holds and the sources $4 with the targets $5 do not name, at most $6.
RELATIONS: Final = """
SELECT a.kind AS source_kind, a.native_id AS source, b.native_id AS target
FROM edge e
JOIN scope s ON s.tenant_id = e.tenant_id AND s.id = e.scope_id
JOIN node a ON a.tenant_id = e.tenant_id AND a.id = e.src
JOIN node b ON b.tenant_id = e.tenant_id AND b.id = e.dst
WHERE e.tenant_id = $1 AND s.key = $2 AND e.kind = $3 AND s.retired_at IS NULL
  AND (a.native_id, b.native_id) NOT IN (SELECT u.src, u.dst FROM unnest($4::text[], $5::text[]) AS u(src, dst))
ORDER BY e.src, e.dst LIMIT $6"""
