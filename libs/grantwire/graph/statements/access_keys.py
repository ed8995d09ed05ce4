"""Statements about access keys. ``$1`` is the tenant."""

from typing import Final

# The keys (kind $3) of a scope with their owners (relation $4), who may be seen by no other scope yet.
KEYS: Final = """
SELECT k.native_id AS id, k.attributes, coalesce(o.native_id, m.native_id) AS owner
FROM scope s
JOIN node k ON k.tenant_id = s.tenant_id AND k.scope_id = s.id AND k.kind = $3
LEFT JOIN edge e ON e.tenant_id = s.tenant_id AND e.dst = k.id AND e.kind = $4 AND e.scope_id = s.id
LEFT JOIN node o ON o.tenant_id = s.tenant_id AND o.id = e.src
LEFT JOIN shared_node m ON m.tenant_id = s.tenant_id AND m.id = e.src
WHERE s.tenant_id = $1 AND s.key = $2 ORDER BY k.native_id"""
