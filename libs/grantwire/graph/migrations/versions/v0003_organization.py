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
    # Every turn of the scheduler asks for those that are not expanded, history for the newest of all.
    "CREATE INDEX ix_run_unexpanded ON run (tenant_id, requested_at) WHERE expanded_at IS NULL",
    "CREATE INDEX ix_run_requested ON run (tenant_id, requested_at)",
    # A retired scope's rows stay where they are; whoever reads the graph leaves them out.
    "ALTER TABLE scope ADD COLUMN retired_at timestamptz",
    "ALTER TABLE scope ADD COLUMN retired_why text",
    # How often in a row reading did not become whole, and when it was last tried: for backing off.
    "ALTER TABLE scope ADD COLUMN failures integer NOT NULL DEFAULT 0",
    "ALTER TABLE scope ADD COLUMN tried_at timestamptz",
    "CREATE INDEX ix_scope_retired ON scope (tenant_id, retired_at) WHERE retired_at IS NOT NULL",
    # Attributes that one scope tells of another's resource, found by the resource they are about.
    "CREATE INDEX ix_node_facet ON node (tenant_id, name) WHERE kind = 16",
    # What the digest vouches for, in the rows' own terms: a body cannot be rebuilt from rows, its mentions are shared.
    "ALTER TABLE scope ADD COLUMN rows_digest text",
    # For purging a scope with its past.
    "CREATE INDEX ix_node_history_scope ON node_history (tenant_id, scope_id)",
    "CREATE INDEX ix_edge_history_scope ON edge_history (tenant_id, scope_id)",
    # What readers see. Joined, not "not retired": that estimate is right however few scopes there are.
    """CREATE VIEW live_facet AS
    SELECT f.tenant_id, f.id, f.scope_id, f.name, f.native_id, f.attributes
    FROM node f JOIN scope s ON s.tenant_id = f.tenant_id AND s.id = f.scope_id
    WHERE f.kind = 16 AND s.retired_at IS NULL""",
    """CREATE VIEW live_node AS
    SELECT n.tenant_id, n.id, n.scope_id, n.kind, n.account, n.native_id, n.name, n.lineage, n.attributes AS own,
           n.attributes || coalesce((
               SELECT jsonb_object_agg(a.key, a.value ORDER BY f.native_id)
               FROM live_facet f CROSS JOIN LATERAL jsonb_each(f.attributes) AS a
               WHERE f.tenant_id = n.tenant_id AND f.name = n.kind || ':' || n.native_id), '{}') AS attributes
    FROM node n JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id
    WHERE n.kind <> 16 AND s.retired_at IS NULL""",
    """CREATE VIEW live_edge AS
    SELECT e.tenant_id, e.src, e.kind, e.dst, e.scope_id, e.attributes
    FROM edge e JOIN scope s ON s.tenant_id = e.tenant_id AND s.id = e.scope_id
    WHERE s.retired_at IS NULL""",
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
