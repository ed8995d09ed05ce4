"""Which rows the removal guard holds, since when; and how many change messages each part of a run told."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    # Keys only: a held row is still in the graph, which knows its name. ``dst`` is null for a resource.
    """CREATE TABLE held_removal (
        tenant_id integer NOT NULL,
        scope_id integer NOT NULL,
        n integer NOT NULL,
        kind smallint NOT NULL,
        id uuid NOT NULL,
        dst uuid,
        CONSTRAINT pk_held_removal PRIMARY KEY (tenant_id, scope_id, n)
    )""",
    "ALTER TABLE scope ADD COLUMN held_since timestamptz",
    # Sets held before this version have no rows noted; the next reading holds and notes them anew.
    "UPDATE scope SET held_set = NULL, allowed_set = NULL WHERE held_set IS NOT NULL",
    "ALTER TABLE run_scope ADD COLUMN messages integer NOT NULL DEFAULT 0",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup taken before the upgrade.")
