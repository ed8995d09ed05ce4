"""Statements that compare rows with what was applied. ``$1`` is the tenant, ``$2`` the scope's id."""

from typing import Final

# Retired ones too: their rows may be wanted again.
SCOPES: Final = "SELECT id FROM scope WHERE tenant_id = $1 AND loaded_at IS NOT NULL ORDER BY key"
SCOPE: Final = "SELECT key, connector, digest, rows_digest FROM scope WHERE tenant_id = $1 AND id = $2"

NODES: Final = """
SELECT id, kind, account, native_id, name, attributes, hash, lineage FROM node
WHERE tenant_id = $1 AND scope_id = $2 ORDER BY id"""

# Without those that no snapshot brings (realized_as, mirrors).
EDGES: Final = """
SELECT src, kind, dst, attributes, hash,
       EXISTS (SELECT FROM node n WHERE n.tenant_id = $1 AND n.id = e.src)
           OR EXISTS (SELECT FROM shared_node h WHERE h.tenant_id = $1 AND h.id = e.src) AS source_named,
       EXISTS (SELECT FROM node n WHERE n.tenant_id = $1 AND n.id = e.dst)
           OR EXISTS (SELECT FROM shared_node h WHERE h.tenant_id = $1 AND h.id = e.dst) AS target_named
FROM edge e WHERE tenant_id = $1 AND scope_id = $2 AND kind NOT IN (10, 11) ORDER BY src, kind, dst"""

# The next job brings the whole body; what it adds is counted from what is there.
READ_WHOLE: Final = """
UPDATE scope s SET digest = NULL, rows_digest = NULL, resync = true,
    rows = (SELECT count(*) FROM node n WHERE n.tenant_id = $1 AND n.scope_id = s.id AND n.kind <> 16)
         + (SELECT count(*) FROM edge e WHERE e.tenant_id = $1 AND e.scope_id = s.id)
WHERE s.tenant_id = $1 AND s.key = $2"""

# A hash that no content has: whatever the next body says of these rows, they are written.
SPOIL_NODES: Final = """
UPDATE node SET hash = '00000000-0000-0000-0000-000000000000' WHERE tenant_id = $1 AND id = ANY($2::uuid[])"""
SPOIL_EDGES: Final = """
UPDATE edge e SET hash = '00000000-0000-0000-0000-000000000000'
FROM unnest($2::uuid[], $3::smallint[], $4::uuid[]) AS u(src, kind, dst)
WHERE e.tenant_id = $1 AND e.src = u.src AND e.kind = u.kind AND e.dst = u.dst"""
