"""Indexes of commands that a planner without statistics cannot choose wrongly.

To a table that was never analyzed, every index whose first column is the tenant looks the same: one row, whichever the
others are. The smallest was taken, and every command of the tenant looked at. The column that finds the row stands
first here, so that an index serves no query but its own.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    "DROP INDEX ix_operation_received",  # nothing asks for it
    "ALTER TABLE operation DROP CONSTRAINT pk_operation, ADD CONSTRAINT pk_operation PRIMARY KEY (id, team, tenant_id)",
    "DROP INDEX ix_operation_open",
    "CREATE INDEX ix_operation_open ON operation (sequence) WHERE final_at IS NULL",
    "DROP INDEX ix_operation_intent",
    "CREATE INDEX ix_operation_intent ON operation (intent, tenant_id, sequence)",
    "CREATE INDEX ix_operation_unended ON operation (intent, tenant_id, sequence) WHERE final_at IS NULL",
    "DROP INDEX ix_operation_resource",
    "CREATE INDEX ix_operation_resource ON operation (resource, tenant_id, sequence) WHERE final_at IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup taken before the upgrade.")
