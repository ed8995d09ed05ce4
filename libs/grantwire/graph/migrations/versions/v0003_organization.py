"""Organizations: accounts that leave and return, gaps that a person accepted, budgets of calls."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE connector ADD COLUMN organization text",
    # A run of an organization begins with the organization's own scope; expanded_at is when the accounts' scopes, by
    # what that showed, became part of it.
    "ALTER TABLE run ADD COLUMN expanded_at timestamptz",
    "UPDATE run SET expanded_at = requested_at",
    # A retired scope's rows stay where they are; whoever reads the graph leaves them out.
    "ALTER TABLE scope ADD COLUMN retired_at timestamptz",
    "ALTER TABLE scope ADD COLUMN retired_why text",
    # How often in a row reading did not become whole, and when it was last tried: for backing off.
    "ALTER TABLE scope ADD COLUMN failures integer NOT NULL DEFAULT 0",
    "ALTER TABLE scope ADD COLUMN tried_at timestamptz",
    "CREATE INDEX ix_scope_retired ON scope (tenant_id, retired_at) WHERE retired_at IS NOT NULL",
    # Attributes that one scope tells of another's resource, found by the resource they are about.
    "CREATE INDEX ix_node_facet ON node (tenant_id, name) WHERE kind = 16",
    """CREATE TABLE accepted_gap (
        tenant_id integer NOT NULL,
        connector text NOT NULL,
        account text NOT NULL,
        reason text NOT NULL,
        until timestamptz NOT NULL,
        accepted_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_accepted_gap PRIMARY KEY (tenant_id, connector, account)
    )""",
    # One line of send times for each account and API family, shared by every replica. Rates are calls a second.
    """CREATE TABLE rate_budget (
        tenant_id integer NOT NULL,
        key text NOT NULL,
        rate double precision NOT NULL,
        next_at timestamptz NOT NULL,
        slowed_at timestamptz NOT NULL,
        CONSTRAINT pk_rate_budget PRIMARY KEY (tenant_id, key)
    ) WITH (fillfactor = 50)""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup taken before the upgrade.")
