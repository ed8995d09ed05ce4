"""Statements about patches and their part fences. ``$1`` is the tenant, ``$2`` the scope's id."""

from collections.abc import Mapping
from typing import Final

from grantwire.graph.statements.apply import telling

# The scope under its lock, as ``apply.SCOPE`` gives it, with the number of this apply, and of the relation kinds $3 of
# the holders $4 what is fenced (relation, holder, kind of, began) and what there is, as ``PARTS`` gives it.
_PARTS_OF: Final = """
SELECT id, began, digest, state, rows, resync, held_set, allowed_set, loaded_at,
       retired_at, retired_why, rows_digest, account, whole_began, covers, missed_patch, clock_timestamp() AS at,
       nextval('apply_seq') AS apply_id, {} AS version,
       ARRAY(SELECT f FROM fences_now($1, s.id, $3::smallint[], $4::uuid[]) f) AS fences,
       ARRAY(SELECT p FROM parts_now($1, s.id, $3::smallint[], $4::uuid[]) p) AS parts
FROM {}"""
LOCKED_PARTS: Final = _PARTS_OF.format("NULL::bigint", "locked_scope($1, $2) s")

# The same without the lock, and the version of the scope's row, which is another one after each apply.
SEEN_PARTS: Final = _PARTS_OF.format("s.xmin::text::bigint", "scope s WHERE s.tenant_id = $1 AND s.key = $2")

REVISION: Final = "SELECT revision FROM tenant WHERE id = $1"

# $3 is when the reading began, $4 for how long a reading that contradicts a patch is not believed.
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
    FROM {among}unnest({relations}::smallint[], {holders}::uuid[], {of}::smallint[]) AS u(relation, holder, of_kind)
    ON CONFLICT (tenant_id, scope_id, relation, holder, of_kind) DO UPDATE
    SET began = excluded.began, cause = excluded.cause, patched_at = excluded.patched_at, disputed = false),
noted AS (
    UPDATE scope SET digest = NULL, rows_digest = NULL, resync = resync OR whole_read >= {began},
                     rows = rows + {growth}, revision = coalesce({revision}, revision)
    WHERE tenant_id = $1 AND id = {scope}{only})""".format_map(at)


# $3, $4 and $5 are the parts, $6 the patch's own fence, $7 how many rows more the scope has, $8 what caused it.
_BY_ITSELF: Final = {
    "scope": "$2", "relations": "$3", "holders": "$4", "of": "$5", "began": "$6", "growth": "$7", "cause": "$8",
    "now": "$9", "revision": "$10", "among": "", "only": "",
}  # fmt: skip
FENCE: Final = f"WITH {_fence(_BY_ITSELF)} SELECT"

# The same with what is told, of which it knows the rest.
_AFTER_TELLING: Final = {
    "scope": "$19", "relations": "$26", "holders": "$27", "of": "$28", "began": "$29", "growth": "$30", "cause": "$20",
    "now": "$25", "revision": "(SELECT next.revision FROM next)", "among": "next, ",
    "only": " AND EXISTS (SELECT FROM next)",
}  # fmt: skip
TELL_AND_FENCE: Final = telling(_fence(_AFTER_TELLING))


def ending(end: str, ended: str) -> str:
    """All of a patch that only takes relations away and adds new ones, and the end of its command, where the scope $31
    is the version $32: those of $33 to $35 go, those of $36 to $40 come. ``end`` are the common table expressions of
    the end, ``ended`` what must hold after them. Returns no row where the scope is another version by now, and fails
    where something is not as it was foreseen."""
    besides = f"""{_fence(_AFTER_TELLING)},
gone AS (
    DELETE FROM edge e USING next, unnest($33::uuid[], $34::smallint[], $35::uuid[]) AS u(src, kind, dst)
    WHERE e.tenant_id = $1 AND e.scope_id = $19 AND e.src = u.src AND e.kind = u.kind AND e.dst = u.dst
    RETURNING e.tenant_id, e.src, e.kind, e.dst, e.scope_id, e.attributes, e.hash, e.apply_id, e.since),
closed AS (
    INSERT INTO edge_history (tenant_id, src, kind, dst, scope_id, attributes, hash, apply_id, since, closed_by, until)
    SELECT gone.*, $2, $25 FROM gone),
came AS (
    INSERT INTO edge (tenant_id, src, kind, dst, scope_id, attributes, hash, apply_id, since)
    SELECT $1, u.src, u.kind, u.dst, $19, u.attributes, u.hash, $2, $25
    FROM next, unnest($36::uuid[], $37::smallint[], $38::uuid[], $39::jsonb[], $40::uuid[])
               AS u(src, kind, dst, attributes, hash)
    ON CONFLICT (tenant_id, src, kind, dst) DO NOTHING RETURNING src),
{end}"""
    provided = """
    SELECT FROM scope s
    WHERE s.tenant_id = $1 AND s.key = $31 AND s.xmin::text::bigint = $32 AND locked_as_seen($1, $31, $32)"""
    so = f"""(SELECT count(*) FROM gone) = cardinality($33) AND (SELECT count(*) FROM came) = cardinality($36)
       AND {ended}"""
    return telling(besides, provided, f",\n       as_foreseen({so})")


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
