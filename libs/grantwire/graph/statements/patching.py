"""Statements about patches and their part fences. ``$1`` is the tenant, ``$2`` the scope's id."""

from typing import Final

# The scope under its lock, as ``apply.SCOPE`` gives it, with the number of this apply.
LOCKED_SCOPE: Final = """
SELECT id, began, digest, state, rows, resync, held_set, allowed_set, loaded_at,
       retired_at, retired_why, rows_digest, account, whole_began, covers, missed_patch, clock_timestamp() AS at,
       nextval('apply_seq') AS apply_id
FROM locked_scope($1, $2)"""

REVISION: Final = "SELECT revision FROM tenant WHERE id = $1"

# $3 is the time now, $4 for how long a reading that contradicts a patch is not believed.
FENCES: Final = """
SELECT relation, holder, of_kind, began, cause, patched_at, disputed,
       patched_at > $3::timestamptz - $4::interval AS fresh
FROM part_fence WHERE tenant_id = $1 AND scope_id = $2 ORDER BY relation, holder, of_kind"""

# The scope's relations of the kinds $3 that name the holder $4. A holder is the same end of all relations of a kind, so
# one of the two halves is empty; each goes by its own index. With what both ends are called, owned or shared.
_PARTS: Final = """
SELECT e.src, e.kind, e.dst, e.attributes, e.hash FROM unnest($3::smallint[], $4::uuid[]) AS u(relation, holder)
JOIN edge e ON e.tenant_id = $1 AND e.{} = u.holder AND e.kind = u.relation WHERE e.scope_id = $2"""
_NAMED: Final = """
CROSS JOIN LATERAL (SELECT kind, native_id FROM node WHERE tenant_id = $1 AND id = e.{end}
                    UNION ALL
                    SELECT kind, native_id FROM shared_node WHERE tenant_id = $1 AND id = e.{end} LIMIT 1) {end}"""
PARTS: Final = f"""
SELECT e.*, src.kind AS source_kind, src.native_id AS source, dst.kind AS target_kind, dst.native_id AS target
FROM ({_PARTS.format("src")} UNION ALL {_PARTS.format("dst")}) e
{_NAMED.format(end="src")}{_NAMED.format(end="dst")}"""

NODES: Final = """
SELECT id, kind, account, native_id, name, attributes, hash, lineage FROM node
WHERE tenant_id = $1 AND scope_id = $2 AND id = ANY($3::uuid[])"""

# A patch of parts that were patched before is newer: the caller compared. The scope's rows are not what any body says
# by then. Its last whole reading began before the patch did, at $6; had it not ended by then, nobody knows which of the
# two read the part later.
FENCE: Final = """
WITH fenced AS (
    INSERT INTO part_fence (tenant_id, scope_id, relation, holder, of_kind, began, cause, patched_at)
    SELECT $1, $2, u.relation, u.holder, u.of_kind, $6, $7, $8
    FROM unnest($3::smallint[], $4::uuid[], $5::smallint[]) AS u(relation, holder, of_kind)
    ON CONFLICT (tenant_id, scope_id, relation, holder, of_kind) DO UPDATE
    SET began = excluded.began, cause = excluded.cause, patched_at = excluded.patched_at, disputed = false)
UPDATE scope SET digest = NULL, rows_digest = NULL, resync = resync OR whole_read >= $6, rows = rows + $9,
                 revision = coalesce($10, revision)
WHERE tenant_id = $1 AND id = $2"""

DISPUTE: Final = """
UPDATE part_fence f SET disputed = true
FROM unnest($3::smallint[], $4::uuid[], $5::smallint[]) AS u(relation, holder, of_kind)
WHERE f.tenant_id = $1 AND f.scope_id = $2
  AND f.relation = u.relation AND f.holder = u.holder AND f.of_kind = u.of_kind"""

# A whole reading that began at $3 was applied, which shows relations of the kinds $6. What AWS may still contradict
# stays, $4 and $5 as above.
SETTLE: Final = """
DELETE FROM part_fence
WHERE tenant_id = $1 AND scope_id = $2 AND began < $3 AND patched_at <= $4::timestamptz - $5::interval
  AND relation = ANY($6::smallint[])"""

FORGET: Final = "DELETE FROM part_fence WHERE tenant_id = $1 AND scope_id = $2"

# Readings that began before $3 do not know what a command changed, and nothing holds it for them.
MISSED: Final = """
UPDATE scope SET missed_patch = greatest(missed_patch, $3) WHERE tenant_id = $1 AND id = $2"""
