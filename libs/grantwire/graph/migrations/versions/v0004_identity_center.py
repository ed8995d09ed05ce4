"""Identity Center: which instance a connector reads."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    # The instance as found when the connector was saved: ARN, identity store, region, owner.
    "ALTER TABLE connector ADD COLUMN identity_center jsonb",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup taken before the upgrade.")
