"""Statements of the inventory of secrets. ``$1`` is the tenant.

Times are RFC 3339 text in UTC without fractions, so they are compared as text: a garbled one is never an error.
"""

from typing import Final

from grantwire.contracts.resources import KIND_CODES, RELATION_CODES, Kind, RelationKind

_KEY, _USER, _ACCOUNT = KIND_CODES[Kind.ACCESS_KEY], KIND_CODES[Kind.IAM_USER], KIND_CODES[Kind.ACCOUNT]
_CREATED: Final = """(coalesce(k.own->>'created_at', '')) COLLATE "C" """

# Access keys, those of unknown age first, then the oldest first: a page after ($9, $10). $2 account, $3 owners, $4
# status in small letters, $5 created before, $6 unused since, $7 never used.
KEYS: Final = f"""
SELECT k.native_id, k.account, k.own AS attributes, o.src AS owner
FROM live_node k
LEFT JOIN LATERAL (SELECT e.src FROM live_edge e
                   WHERE e.tenant_id = k.tenant_id AND e.dst = k.id AND e.kind = {RELATION_CODES[RelationKind.OWNS]}
                   ORDER BY e.src LIMIT 1) o ON true
WHERE k.tenant_id = $1 AND k.kind = {_KEY}
  AND ($2::text IS NULL OR k.account = $2)
  AND ($3::uuid[] IS NULL OR o.src = ANY($3))
  AND ($4::text IS NULL OR lower(k.own->>'status') = $4)
  AND ($5::text IS NULL OR k.own->>'created_at' <= $5)
  AND ($6::text IS NULL OR k.own ? 'last_used_at' AND coalesce(k.own->>'last_used_at', k.own->>'created_at') <= $6)
  AND (NOT $7::boolean OR k.own ? 'last_used_at' AND k.own->>'last_used_at' IS NULL)
  AND ({_CREATED}, k.native_id COLLATE "C") > ($9::text, $10::text)
ORDER BY {_CREATED}, k.native_id COLLATE "C" LIMIT $8"""

# Root users, of account $2 or of all.
ROOTS: Final = f"""
SELECT id, native_id, account, attributes FROM live_node
WHERE tenant_id = $1 AND kind = {_USER} AND lower(name) = 'root' AND own->>'is_root' = 'true'
  AND ($2::text IS NULL OR account = $2)
ORDER BY account"""

# What accounts $2 are called.
ACCOUNT_NAMES: Final = f"""
SELECT native_id, name FROM live_node WHERE tenant_id = $1 AND kind = {_ACCOUNT} AND id = ANY($2::uuid[])"""

# The settings of connectors that decide whether credentials are read.
CONNECTORS: Final = """
SELECT id, account, coalesce((settings->>'sync_secrets')::boolean, false) AS sync_secrets,
       coalesce((settings->>'child_iam')::boolean, true) AS child_iam
FROM connector WHERE tenant_id = $1 ORDER BY id"""
