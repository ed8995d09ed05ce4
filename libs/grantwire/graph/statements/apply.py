"""Statements of one apply, in the order in which they run. ``$1`` is the tenant, ``$2`` the scope's id."""

from typing import Final

# One apply of a scope at a time. Two scopes whose keys hash alike wait for each other, which harms nobody.
LOCK: Final = "SELECT pg_advisory_xact_lock($1, hashtext($2))"

# Whether the seal answers a job for a scope that was purged while it ran.
IS_PURGED: Final = """
SELECT EXISTS (SELECT FROM run_scope r WHERE r.tenant_id = $1 AND r.run = $2 AND r.scope = $3
               AND r.reason->>'code' = 'retired')
   AND NOT EXISTS (SELECT FROM scope s WHERE s.tenant_id = $1 AND s.key = $3)"""

# Scopes come into being when they are asked for, or with their first seal.
ENSURE_SCOPE: Final = """
INSERT INTO scope (tenant_id, key, connector, source, account) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, key) DO NOTHING"""

# The scope under the lock. The clock is read after waiting for the lock, so versions of a row never overlap.
SCOPE: Final = """
SELECT id, began, digest, state, rows, resync, held_set, allowed_set, loaded_at,
       retired_at, retired_why, rows_digest, account, whole_began, covers, missed_patch, clock_timestamp() AS at
FROM scope WHERE tenant_id = $1 AND key = $2"""

NEXT_APPLY: Final = "SELECT nextval('apply_seq')"

# Which of the scope's resources differ from the snapshot's (id, hash): stored columns are null for new ones.
NODE_DIFFERENCES: Final = """
SELECT coalesce(s.id, n.id) AS id, n.kind, n.account, n.native_id, n.name, n.attributes, n.hash, n.lineage
FROM unnest($3::uuid[], $4::uuid[]) AS s(id, hash)
FULL JOIN (SELECT id, kind, account, native_id, name, attributes, hash, lineage
           FROM node WHERE tenant_id = $1 AND scope_id = $2) n ON n.id = s.id
WHERE n.hash IS DISTINCT FROM s.hash"""

# The same for relations, but for those that no snapshot brings (realized_as, mirrors).
EDGE_DIFFERENCES: Final = """
SELECT coalesce(s.src, e.src) AS src, coalesce(s.kind, e.kind) AS kind, coalesce(s.dst, e.dst) AS dst,
       e.attributes, e.hash
FROM unnest($3::uuid[], $4::smallint[], $5::uuid[], $6::uuid[]) AS s(src, kind, dst, hash)
FULL JOIN (SELECT src, kind, dst, attributes, hash
           FROM edge WHERE tenant_id = $1 AND scope_id = $2 AND kind NOT IN (10, 11)) e
       ON e.src = s.src AND e.kind = s.kind AND e.dst = s.dst
WHERE e.hash IS DISTINCT FROM s.hash"""

NODES_OF: Final = """
SELECT id, kind, account, native_id, name, attributes, hash, lineage FROM node WHERE tenant_id = $1 AND scope_id = $2"""

# The scope's relations that name one of $3.
EDGES_OF: Final = """
SELECT src, kind, dst, attributes, hash FROM edge
WHERE tenant_id = $1 AND scope_id = $2 AND kind NOT IN (10, 11)
  AND (src = ANY($3::uuid[]) OR dst = ANY($3::uuid[]))"""

# What ids are called, owned or shared. Read before anything is deleted.
NAMES: Final = """
SELECT id, kind, native_id FROM node WHERE tenant_id = $1 AND id = ANY($2::uuid[])
UNION
SELECT id, kind, native_id FROM shared_node WHERE tenant_id = $1 AND id = ANY($2::uuid[])"""

# How many rows of each kind the scope holds; what the removal guard measures losses against.
NODE_COUNTS: Final = "SELECT kind, count(*) AS n FROM node WHERE tenant_id = $1 AND scope_id = $2 GROUP BY kind"
EDGE_COUNTS: Final = "SELECT kind, count(*) AS n FROM edge WHERE tenant_id = $1 AND scope_id = $2 GROUP BY kind"

# How many relations of kind $3 the scope holds, by the kind of their source.
EDGE_COUNTS_BY_SOURCE: Final = """
SELECT coalesce(n.kind, h.kind) AS source_kind, count(*) AS n FROM edge e
LEFT JOIN node n ON n.tenant_id = e.tenant_id AND n.id = e.src
LEFT JOIN shared_node h ON h.tenant_id = e.tenant_id AND h.id = e.src
WHERE e.tenant_id = $1 AND e.scope_id = $2 AND e.kind = $3 GROUP BY 1"""

# The versions that end, kept for ever.
CLOSE_NODES: Final = """
INSERT INTO node_history (tenant_id, id, scope_id, kind, account, native_id, name, attributes, hash, lineage, apply_id,
                          since, closed_by, until)
SELECT tenant_id, id, scope_id, kind, account, native_id, name, attributes, hash, lineage, apply_id, since, $4, $5
FROM node WHERE tenant_id = $1 AND scope_id = $2 AND id = ANY($3::uuid[])"""

CLOSE_EDGES: Final = """
INSERT INTO edge_history (tenant_id, src, kind, dst, scope_id, attributes, hash, apply_id, since, closed_by, until)
SELECT e.tenant_id, e.src, e.kind, e.dst, e.scope_id, e.attributes, e.hash, e.apply_id, e.since, $6, $7
FROM unnest($3::uuid[], $4::smallint[], $5::uuid[]) AS u(src, kind, dst)
JOIN edge e ON e.tenant_id = $1 AND e.scope_id = $2 AND e.src = u.src AND e.kind = u.kind AND e.dst = u.dst"""

# Only ever rows of this scope: another scope's row of the same key is not ours to remove.
DELETE_NODES: Final = "DELETE FROM node WHERE tenant_id = $1 AND scope_id = $2 AND id = ANY($3::uuid[])"

# Relations are closed by the same statement.
REMOVE_EDGES: Final = """
WITH gone AS (
    DELETE FROM edge e USING unnest($3::uuid[], $4::smallint[], $5::uuid[]) AS u(src, kind, dst)
    WHERE e.tenant_id = $1 AND e.scope_id = $2 AND e.src = u.src AND e.kind = u.kind AND e.dst = u.dst
    RETURNING e.tenant_id, e.src, e.kind, e.dst, e.scope_id, e.attributes, e.hash, e.apply_id, e.since)
INSERT INTO edge_history (tenant_id, src, kind, dst, scope_id, attributes, hash, apply_id, since, closed_by, until)
SELECT gone.*, $6, $7 FROM gone"""

# A relation elsewhere may still name what is gone; its name must stay readable.
REMEMBER_NAMES: Final = """
INSERT INTO shared_node (tenant_id, id, kind, native_id, account, name, attributes, mentioned)
SELECT tenant_id, id, kind, native_id, account, name, '{}', false FROM node n
WHERE n.tenant_id = $1 AND n.scope_id = $2 AND n.id = ANY($3::uuid[])
  AND (EXISTS (SELECT FROM edge e WHERE e.tenant_id = $1 AND e.src = n.id)
       OR EXISTS (SELECT FROM edge e WHERE e.tenant_id = $1 AND e.dst = n.id))
ORDER BY n.id
ON CONFLICT (tenant_id, id) DO NOTHING"""

# Kind and native id follow from the id; they are written again in case somebody else wrote them.
UPDATE_NODES: Final = """
UPDATE node n SET kind = u.kind, account = u.account, native_id = u.native_id, name = u.name,
                  attributes = u.attributes, hash = u.hash, lineage = u.lineage, apply_id = $11, since = $12
FROM unnest($3::uuid[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::uuid[], $10::uuid[])
     AS u(id, kind, account, native_id, name, attributes, hash, lineage)
WHERE n.tenant_id = $1 AND n.scope_id = $2 AND n.id = u.id"""

UPDATE_EDGES: Final = """
UPDATE edge e SET attributes = u.attributes, hash = u.hash, apply_id = $8, since = $9
FROM unnest($3::uuid[], $4::smallint[], $5::uuid[], $6::jsonb[], $7::uuid[]) AS u(src, kind, dst, attributes, hash)
WHERE e.tenant_id = $1 AND e.scope_id = $2 AND e.src = u.src AND e.kind = u.kind AND e.dst = u.dst"""

# What the scope's digest vouches for.
VOUCH: Final = "UPDATE scope SET rows_digest = $3 WHERE tenant_id = $1 AND id = $2"

NODE_COLUMNS: Final = (
    "tenant_id", "id", "scope_id", "kind", "account", "native_id", "name", "attributes", "hash", "lineage", "apply_id",
    "since",
)  # fmt: skip
EDGE_COLUMNS: Final = ("tenant_id", "src", "kind", "dst", "scope_id", "attributes", "hash", "apply_id", "since")

# The way in for a few rows, and for many when COPY met one that another scope owns. Returns what was ours to insert.
INSERT_NODES: Final = """
INSERT INTO node (tenant_id, id, scope_id, kind, account, native_id, name, attributes, hash, lineage, apply_id, since)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::int[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::jsonb[],
                     $9::uuid[], $10::uuid[], $11::bigint[], $12::timestamptz[])
ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id"""

INSERT_EDGES: Final = """
INSERT INTO edge (tenant_id, src, kind, dst, scope_id, attributes, hash, apply_id, since)
SELECT * FROM unnest($1::int[], $2::uuid[], $3::smallint[], $4::uuid[], $5::int[], $6::jsonb[], $7::uuid[],
                     $8::bigint[], $9::timestamptz[])
ON CONFLICT (tenant_id, src, kind, dst) DO NOTHING RETURNING src, kind, dst"""

# Who owns a row that this scope may not have.
OWNER_OF_NODE: Final = """
SELECT s.key, s.connector FROM node n JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id
WHERE n.tenant_id = $1 AND n.id = $2"""
OWNER_OF_EDGE: Final = """
SELECT s.key, s.connector FROM edge e JOIN scope s ON s.tenant_id = e.tenant_id AND s.id = e.scope_id
WHERE e.tenant_id = $1 AND e.src = $2 AND e.kind = $3 AND e.dst = $4"""

LOG_COLUMNS: Final = (
    "tenant_id", "apply_id", "n", "op", "entity", "kind", "id", "dst", "previous", "previous_dst", "mark",
)  # fmt: skip

# The last lock of an apply, held for milliseconds: so the order of revisions is the order of commits.
NEXT_REVISION: Final = "UPDATE tenant SET revision = revision + 1 WHERE id = $1 RETURNING revision"

OUTBOX_COLUMNS: Final = ("tenant_id", "revision", "n", "subject", "type", "source", "body", "traceparent", "at")

# What has a revision has messages: the relay is woken when the transaction ends.
RECORD_APPLY: Final = """
WITH recorded AS (
    INSERT INTO apply (tenant_id, apply_id, revision, scope_id, snapshot, inserted, changed, removed, conflicts, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10))
SELECT pg_notify('grantwire_outbox', '')"""


def telling(besides: str = "", provided: str = "", also: str = "") -> str:
    """All four at once, for a few messages: change log, revision, outbox, record. A message's text begins with its
    revision. ``besides`` is what else is done in the statement, and ``also`` what is looked at after it; both may use
    ``next.revision``. Where ``provided`` finds no row nothing is done and nothing returned."""
    first = f"provided AS MATERIALIZED ({provided}),\n" if provided else ""
    among, only = ("provided, ", " FROM provided WHERE") if provided else ("", " WHERE")
    return f"""
WITH {first}logged AS (
    INSERT INTO change_log ({", ".join(LOG_COLUMNS)})
    SELECT $1, $2, l.* FROM {among}unnest($3::int[], $4::text[], $5::text[], $6::smallint[], $7::uuid[], $8::uuid[],
                                   $9::uuid[], $10::uuid[], $11::text[]) AS l),
next AS ({NEXT_REVISION.replace(" WHERE", only)}),
sent AS (
    INSERT INTO outbox ({", ".join(OUTBOX_COLUMNS)})
    SELECT $1, next.revision, m.n, m.subject, m.type, m.source,
           convert_to('{{"revision":' || next.revision || ',', 'UTF8') || substr(m.text, 2), $12, m.at
    FROM next, unnest($13::int[], $14::text[], $15::text[], $16::text[], $17::bytea[], $18::timestamptz[])
               AS m(n, subject, type, source, text, at)),
recorded AS (
    INSERT INTO apply (tenant_id, apply_id, revision, scope_id, snapshot, inserted, changed, removed, conflicts, at)
    SELECT $1, $2, next.revision, $19, $20, $21, $22, $23, $24, $25 FROM next){"," if besides else ""}
{besides}
SELECT next.revision, pg_notify('grantwire_outbox', ''){also} FROM next"""


TELL: Final = telling()

# What scopes name without owning it. What is there stays as it is, so nothing is locked and nothing rewritten.
MENTION: Final = """
INSERT INTO shared_node (tenant_id, id, kind, native_id, account, name, attributes, mentioned)
SELECT $1, * FROM unnest($2::uuid[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::bool[])
ON CONFLICT (tenant_id, id) DO NOTHING"""

# A name of an end turns out to be a resource.
PROMOTE: Final = """
UPDATE shared_node s SET account = u.account, name = u.name, attributes = u.attributes, mentioned = true
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[]) AS u(id, account, name, attributes)
WHERE s.tenant_id = $1 AND s.id = u.id AND NOT s.mentioned"""
