"""Finding people by what they are called, and access keys by their age."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    # One field (an account), a list of text (IAM), or a list of objects (the directory); in small letters.
    """CREATE FUNCTION emails_of(attributes jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(lower(found.email)), '{}')
    FROM (SELECT attributes->>'email' AS email
          UNION ALL
          SELECT coalesce(e->>'value', e #>> '{}')
          FROM jsonb_array_elements(
              CASE jsonb_typeof(attributes->'emails') WHEN 'array' THEN attributes->'emails' ELSE '[]' END) AS e
         ) AS found
    WHERE found.email IS NOT NULL $$""",
    """CREATE INDEX ix_node_emails ON node USING gin (emails_of(attributes))
    WHERE attributes ?| array['email', 'emails']""",
    """CREATE INDEX ix_node_display_name ON node (tenant_id, lower(attributes->>'display_name'))
    WHERE attributes->>'display_name' IS NOT NULL""",
    # Access keys in the order in which they are listed.
    """CREATE INDEX ix_node_access_key ON node (tenant_id, (coalesce(attributes->>'created_at', '')) COLLATE "C",
    native_id COLLATE "C") WHERE kind = 9""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup taken before the upgrade.")
