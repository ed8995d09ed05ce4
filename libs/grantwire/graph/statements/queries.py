"""Statements of the answers. ``$1`` is the tenant.

They read the views ``live_node`` and ``live_edge``: without the rows of retired scopes, and with facets merged into the
resources that they are about.
"""

from typing import Final

REVISION: Final = "SELECT revision FROM tenant WHERE id = $1"

# Owned resources and, behind them, what is only named: an owned row wins. Both halves have the same columns.
_VISIBLE: Final = """
(SELECT n.tenant_id, n.id, n.kind, n.account, n.native_id, n.name, n.attributes, true AS owned FROM live_node n
 UNION ALL
 SELECT h.tenant_id, h.id, h.kind, h.account, h.native_id, h.name, h.attributes, false FROM shared_node h
 WHERE NOT EXISTS (SELECT FROM live_node n WHERE n.tenant_id = h.tenant_id AND n.id = h.id)) AS v"""
_COLUMNS: Final = "v.id, v.kind, v.account, v.native_id, v.name, v.attributes, v.owned"

NODES: Final = f"SELECT {_COLUMNS} FROM {_VISIBLE} WHERE v.tenant_id = $1 AND v.id = ANY($2::uuid[])"

# By name, whatever its letter case. $3 limits the kinds.
BY_NAME: Final = f"""
SELECT {_COLUMNS} FROM {_VISIBLE}
WHERE v.tenant_id = $1 AND lower(v.name) = lower($2) AND v.kind = ANY($3::smallint[]) ORDER BY v.kind, v.native_id"""

# By the unique id, through the lineage that is derived from it.
BY_LINEAGE: Final = """
SELECT id, kind, account, native_id, name, attributes, true AS owned FROM live_node
WHERE tenant_id = $1 AND lineage = ANY($2::uuid[]) AND kind = ANY($3::smallint[]) ORDER BY kind, native_id"""

# What answers to another name than its own, facets included: those are rows of their own.
_FOUND: Final = """
SELECT n.id, n.kind, n.name FROM node n JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id
WHERE n.tenant_id = $1 AND s.retired_at IS NULL"""
BY_DISPLAY_NAME: Final = f"{_FOUND} AND lower(n.attributes->>'display_name') = lower($2)"
BY_EMAIL: Final = f"""{_FOUND}
  AND n.attributes ?| array['email', 'emails'] AND emails_of(n.attributes) @> ARRAY[lower($2)]"""

# Names to compare a misspelt one with.
SOME_NAMES: Final = """
SELECT DISTINCT name FROM live_node WHERE tenant_id = $1 AND kind = ANY($2::smallint[]) ORDER BY name LIMIT 20000"""

# One step along memberships and trusts: from many at once.
STEPS_FROM: Final = """
SELECT src, kind, dst, attributes FROM live_edge
WHERE tenant_id = $1 AND src = ANY($2::uuid[]) AND kind = ANY($3::smallint[])"""

# The same, backwards.
STEPS_TO: Final = """
SELECT src, kind, dst, attributes FROM live_edge
WHERE tenant_id = $1 AND dst = ANY($2::uuid[]) AND kind = ANY($3::smallint[])"""

# Everybody in an account who could use a trust of the whole account.
PRINCIPALS_OF: Final = """
SELECT id, kind, native_id, account FROM live_node
WHERE tenant_id = $1 AND account = ANY($2::text[]) AND kind = ANY($3::smallint[])"""

# What is shown as a resource: owned, or named as one by some relation.
_SHOWN: Final = """
(v.owned OR EXISTS (SELECT FROM shared_node h WHERE h.tenant_id = $1 AND h.id = v.id AND h.mentioned
                    AND (EXISTS (SELECT FROM live_edge e WHERE e.tenant_id = $1 AND e.src = h.id)
                         OR EXISTS (SELECT FROM live_edge e WHERE e.tenant_id = $1 AND e.dst = h.id))))"""

# As many as the export has lines.
NODE_COUNTS: Final = f"""
SELECT v.kind, count(*) AS n FROM {_VISIBLE} WHERE v.tenant_id = $1 AND {_SHOWN} GROUP BY v.kind"""
EDGE_COUNTS: Final = "SELECT kind, count(*) AS n FROM live_edge WHERE tenant_id = $1 GROUP BY kind"

# The accounts of this tenant, and whether an organization says that these are all.
ACCOUNTS: Final = """
SELECT account FROM scope WHERE tenant_id = $1 AND account IS NOT NULL AND retired_at IS NULL
UNION SELECT native_id FROM live_node WHERE tenant_id = $1 AND kind = $2"""
HAS_ORGANIZATION: Final = "SELECT EXISTS (SELECT FROM live_node WHERE tenant_id = $1 AND kind = $2)"

# Resources in the order of their exported lines. JSON text is compared as bytes, as the lines will be.
EXPORT_NODES: Final = f"""
SELECT k.name AS kind, v.native_id, v.account, v.name, v.attributes
FROM {_VISIBLE} JOIN unnest($2::smallint[], $3::text[]) AS k(code, name) ON k.code = v.kind
WHERE v.tenant_id = $1 AND {_SHOWN}
ORDER BY k.name COLLATE "C", to_json(v.native_id)::text COLLATE "C" """

# Relations in the order of their exported lines. A name is read off whatever row has it, retired or not: an id has one.
EXPORT_EDGES: Final = """
WITH name AS (
    SELECT id, kind, native_id FROM node WHERE tenant_id = $1
    UNION ALL
    SELECT h.id, h.kind, h.native_id FROM shared_node h
    WHERE h.tenant_id = $1 AND NOT EXISTS (SELECT FROM node n WHERE n.tenant_id = $1 AND n.id = h.id))
SELECT r.name AS kind, s.native_id AS source, sk.name AS source_kind,
       t.native_id AS target, tk.name AS target_kind, e.attributes
FROM live_edge e
JOIN unnest($4::smallint[], $5::text[]) AS r(code, name) ON r.code = e.kind
JOIN name s ON s.id = e.src JOIN unnest($2::smallint[], $3::text[]) AS sk(code, name) ON sk.code = s.kind
JOIN name t ON t.id = e.dst JOIN unnest($2::smallint[], $3::text[]) AS tk(code, name) ON tk.code = t.kind
WHERE e.tenant_id = $1
ORDER BY r.name COLLATE "C", to_json(s.native_id)::text COLLATE "C", sk.name COLLATE "C",
         to_json(t.native_id)::text COLLATE "C", tk.name COLLATE "C" """

# Principals that another account's trust calls by their ARN.
PRINCIPALS_CALLED: Final = """
SELECT id, kind, native_id, account FROM live_node
WHERE tenant_id = $1 AND id = ANY($2::uuid[])"""
