"""Patches: which parts of a scope a command changed, and which readings began before it did."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    # One relation kind of one holder. ``of_kind`` is the kind of its sources, 0 for any. What the part holds is in the
    # graph; that it holds nothing more is what this remembers.
    """CREATE TABLE part_fence (
        tenant_id integer NOT NULL,
        scope_id integer NOT NULL,
        relation smallint NOT NULL,
        holder uuid NOT NULL,
        of_kind smallint NOT NULL,
        began bigint NOT NULL,
        cause text NOT NULL,
        patched_at timestamptz NOT NULL,
        disputed boolean NOT NULL DEFAULT false,
        CONSTRAINT pk_part_fence PRIMARY KEY (tenant_id, scope_id, relation, holder, of_kind)
    )""",
    # Between which sequences of the stream the last whole reading asked AWS, and the newest patch that found nothing
    # to be applied to.
    "ALTER TABLE scope ADD COLUMN whole_began bigint NOT NULL DEFAULT 0",
    "ALTER TABLE scope ADD COLUMN whole_read bigint NOT NULL DEFAULT 0",
    "ALTER TABLE scope ADD COLUMN missed_patch bigint NOT NULL DEFAULT 0",
    "UPDATE scope SET whole_began = began, whole_read = began",
    # A reading that is asked for now and wanted later.
    "ALTER TABLE run_scope ADD COLUMN not_before timestamptz",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup taken before the upgrade.")
