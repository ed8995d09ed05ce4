"""Statements about relations that follow from the rows of several scopes. ``$1`` is the tenant.

A retired scope keeps the relations that it had; nothing follows from its rows.
"""

from typing import Final

# The scopes $2, by key or by id, that can have such relations now. The clock is read after waiting for the lock.
_OWNERS: Final = """
SELECT id, key, connector, account, clock_timestamp() AS at FROM scope
WHERE tenant_id = $1 AND retired_at IS NULL AND {} ORDER BY key"""
OWNERS_CALLED: Final = _OWNERS.format("key = ANY($2::text[])")
OWNERS: Final = _OWNERS.format("id = ANY($2::int[])")

# The accounts in which a permission set of $2 is. $3 is the relation that says so, $4 what says it.
ACCOUNTS_WITH: Final = """
SELECT DISTINCT p.account FROM edge e JOIN node p ON p.tenant_id = e.tenant_id AND p.id = e.src
WHERE e.tenant_id = $1 AND e.dst = ANY($2::uuid[]) AND e.kind = $3 AND p.kind = $4 AND p.account IS NOT NULL"""

# The permission sets in accounts that the scopes $2 hold, with the sets' names; those of which the name is known.
PAIRS: Final = """
SELECT p.native_id, s.name AS set_name, p.scope_id FROM node p
JOIN live_edge e ON e.tenant_id = p.tenant_id AND e.src = p.id AND e.kind = $3
JOIN live_node s ON s.tenant_id = e.tenant_id AND s.id = e.dst AND s.kind = $5
WHERE p.tenant_id = $1 AND p.scope_id = ANY($2::int[]) AND p.kind = $4 ORDER BY p.native_id"""

# The roles of the accounts $2 below the path $4.
ROLES: Final = """
SELECT native_id, account, name, own->>'path' AS path, own->>'created_at' AS created_at FROM live_node
WHERE tenant_id = $1 AND account = ANY($2::text[]) AND kind = $3 AND starts_with(own->>'path', $4)
ORDER BY native_id"""

# SCIM users of these ids.
SCIM_USERS: Final = """
SELECT n.id, n.kind, n.account, n.native_id, n.name, n.attributes, n.hash, n.lineage, n.scope_id FROM node n
JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id
WHERE n.tenant_id = $1 AND n.id = ANY($2::uuid[]) AND s.retired_at IS NULL"""

# Which of these directory users count, and which have ended: a whole reading lacked what an earlier one had. Of those
# of a retired directory nobody knows.
USERS: Final = """
SELECT u.id, EXISTS (SELECT FROM live_node n WHERE n.tenant_id = $1 AND n.id = u.id) AS live,
       NOT EXISTS (SELECT FROM node n WHERE n.tenant_id = $1 AND n.id = u.id)
           AND EXISTS (SELECT FROM node_history h WHERE h.tenant_id = $1 AND h.id = u.id) AS ended
FROM unnest($2::uuid[]) AS u(id)"""

# Relations of kind $2 that there are: those of the scopes $3, or those from the ids $3. One whose end has no name any
# more is damaged: whoever reads that end again names it.
_STORED: Final = """
SELECT e.src, e.kind, e.dst, e.attributes, e.hash, e.scope_id FROM edge e
JOIN scope s ON s.tenant_id = e.tenant_id AND s.id = e.scope_id
WHERE e.tenant_id = $1 AND e.kind = $2 AND {} AND s.retired_at IS NULL
  AND NOT EXISTS (SELECT FROM unnest(ARRAY[e.src, e.dst]) AS u(id)
                  WHERE NOT EXISTS (SELECT FROM node n WHERE n.tenant_id = $1 AND n.id = u.id)
                    AND NOT EXISTS (SELECT FROM shared_node h WHERE h.tenant_id = $1 AND h.id = u.id))"""
STORED_OF: Final = _STORED.format("e.scope_id = ANY($3::int[])")
STORED_FROM: Final = _STORED.format("e.src = ANY($3::uuid[])")

# What a scope holds of the kinds $3.
NODES_OF: Final = """
SELECT id, kind, account, native_id, name, attributes, hash, lineage FROM node
WHERE tenant_id = $1 AND scope_id = $2 AND kind = ANY($3::smallint[])"""

# How many more rows the scope has. Taken after the revision: an apply of that scope takes its row then, too. Without
# the resources that went ($4) the rows are not what was read any more.
FOLLOWED: Final = """
UPDATE scope SET rows = rows + $3, revision = $5, digest = CASE WHEN $4 THEN NULL ELSE digest END,
                 rows_digest = CASE WHEN $4 THEN NULL ELSE rows_digest END
WHERE tenant_id = $1 AND id = $2"""
