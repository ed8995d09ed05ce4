"""Statements about patches and their part fences. ``$1`` is the tenant, ``$2`` the scope's id."""

from collections.abc import Mapping
from typing import Final

from grantwire.graph.statements.apply import telling

# The scope under its lock, as ``apply.SCOPE`` gives it, with the number of this apply, and of the relation kinds $3 of
# the holders $4 what is fenced (relation, holder, kind of, began) and what there is, as ``PARTS`` gives it.
LOCKED_PARTS: Final = """
SELECT id, began, digest, state, rows, resync, held_set, allowed_set, loaded_at,
       retired_at, retired_why, rows_digest, account, whole_began, covers, missed_patch, clock_timestamp() AS at,
       nextval('apply_seq') AS apply_id,
       ARRAY(SELECT f FROM fences_now($1, s.id, $3::smallint[], $4::uuid[]) f) AS fences,
       ARRAY(SELECT p FROM parts_now($1, s.id, $3::smallint[], $4::uuid[]) p) AS parts
FROM locked_scope($1, $2) s"""

REVISION: Final = "SELECT revision FROM tenant WHERE id = $1"

# $3 is the time now, $4 for how long a reading that contradicts a patch is not believed.
FENCES: Final = """
SELECT relation, holder, of_kind, began, cause, patched_at, disputed,
       patched_at > $3::timestamptz - $4::interval AS fresh
FROM part_fence WHERE tenant_id = $1 AND scope_id = $2 ORDER BY relation, holder, of_kind"""

# The scope's relations of the kinds $3 that name the holder $4, with what both ends are called.
PARTS: Final = "SELECT * FROM parts_now($1, $2, $3::smallint[], $4::uuid[])"

NODES: Final = """
SELECT id, kind, account, native_id, name, attributes, hash, lineage FROM node
WHERE tenant_id = $1 AND scope_id = $2 AND id = ANY($3::uuid[])"""


def _fence(at: Mapping[str, str]) -> str:
    """A patch of parts that were patched before is newer: the caller compared. The scope's rows are not what any body
    says by then. Its last whole reading began before the patch did; had it not ended by then, nobody knows which of the
    two read the part later."""
    return """fenced AS (
    INSERT INTO part_fence (tenant_id, scope_id, relation, holder, of_kind, began, cause, patched_at)
    SELECT $1, {scope}, u.relation, u.holder, u.of_kind, {began}, {cause}, {now}
    FROM unnest({relations}::smallint[], {holders}::uuid[], {of}::smallint[]) AS u(relation, holder, of_kind)
    ON CONFLICT (tenant_id, scope_id, relation, holder, of_kind) DO UPDATE
    SET began = excluded.began, cause = excluded.cause, patched_at = excluded.patched_at, disputed = false),
noted AS (
    UPDATE scope SET digest = NULL, rows_digest = NULL, resync = resync OR whole_read >= {began},
                     rows = rows + {growth}, revision = coalesce({revision}, revision)
    WHERE tenant_id = $1 AND id = {scope})""".format_map(at)


# $3, $4 and $5 are the parts, $6 the patch's own fence, $7 how many rows more the scope has, $8 what caused it.
_BY_ITSELF: Final = {
    "scope": "$2", "relations": "$3", "holders": "$4", "of": "$5", "began": "$6", "growth": "$7", "cause": "$8",
    "now": "$9", "revision": "$10",
}  # fmt: skip
FENCE: Final = f"WITH {_fence(_BY_ITSELF)} SELECT"

# The same with what is told, of which it knows the rest.
_AFTER_TELLING: Final = {
    "scope": "$19", "relations": "$26", "holders": "$27", "of": "$28", "began": "$29", "growth": "$30", "cause": "$20",
    "now": "$25", "revision": "(SELECT next.revision FROM next)",
}  # fmt: skip
TELL_AND_FENCE: Final = telling(_fence(_AFTER_TELLING))

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
