"""What a scope holds of some parts, as it is when it is asked for: for a statement that has locked the scope itself."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    # The fences of these parts, by relation kind and holder.
    """CREATE FUNCTION fences_now(its_tenant integer, its_scope integer, relations smallint[], holders uuid[])
    RETURNS TABLE (relation smallint, holder uuid, of_kind smallint, began bigint)
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        RETURN QUERY
        SELECT f.relation, f.holder, f.of_kind, f.began FROM part_fence f
        WHERE f.tenant_id = its_tenant AND f.scope_id = its_scope
          AND (f.relation, f.holder) IN (SELECT * FROM unnest(relations, holders));
    END $$""",
    # The scope's relations of these kinds that name the holder. A holder is the same end of all relations of a kind, so
    # one of the two halves is empty; each goes by its own index. With what both ends are called, owned or shared.
    """CREATE FUNCTION parts_now(its_tenant integer, its_scope integer, relations smallint[], holders uuid[])
    RETURNS TABLE (src uuid, kind smallint, dst uuid, attributes jsonb, hash uuid,
                   source_kind smallint, source text, target_kind smallint, target text)
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        RETURN QUERY
        SELECT e.src, e.kind, e.dst, e.attributes, e.hash, s.kind, s.native_id, t.kind, t.native_id
        FROM (SELECT o.src, o.kind, o.dst, o.attributes, o.hash
              FROM unnest(relations, holders) AS u(relation, holder)
              JOIN edge o ON o.tenant_id = its_tenant AND o.src = u.holder AND o.kind = u.relation
              WHERE o.scope_id = its_scope
              UNION ALL
              SELECT i.src, i.kind, i.dst, i.attributes, i.hash
              FROM unnest(relations, holders) AS u(relation, holder)
              JOIN edge i ON i.tenant_id = its_tenant AND i.dst = u.holder AND i.kind = u.relation
              WHERE i.scope_id = its_scope) e
        CROSS JOIN LATERAL (SELECT n.kind, n.native_id FROM node n WHERE n.tenant_id = its_tenant AND n.id = e.src
                            UNION ALL
                            SELECT m.kind, m.native_id FROM shared_node m
                            WHERE m.tenant_id = its_tenant AND m.id = e.src LIMIT 1) s
        CROSS JOIN LATERAL (SELECT n.kind, n.native_id FROM node n WHERE n.tenant_id = its_tenant AND n.id = e.dst
                            UNION ALL
                            SELECT m.kind, m.native_id FROM shared_node m
                            WHERE m.tenant_id = its_tenant AND m.id = e.dst LIMIT 1) t;
    END $$""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup taken before the upgrade.")
