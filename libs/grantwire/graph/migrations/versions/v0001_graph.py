"""The access graph, connectors, runs, history, change log and outbox.

Statuses are text and kinds are smallint, never Postgres enums: those cannot be changed inside a transaction that uses
them. There are no foreign keys between relations and resources: a relation may arrive before its ends.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    """CREATE TABLE tenant (
        id integer NOT NULL,
        revision bigint NOT NULL DEFAULT 0,
        CONSTRAINT pk_tenant PRIMARY KEY (id)
    )""",
    "INSERT INTO tenant (id) VALUES (1)",
    "CREATE SEQUENCE apply_seq",
    """CREATE TABLE connector (
        tenant_id integer NOT NULL,
        id text NOT NULL,
        version integer NOT NULL,
        settings jsonb NOT NULL,
        account text,
        state text NOT NULL,
        reason text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_connector PRIMARY KEY (tenant_id, id)
    )""",
    "CREATE UNIQUE INDEX uq_connector_account ON connector (tenant_id, account)",
    """CREATE TABLE connector_version (
        tenant_id integer NOT NULL,
        connector text NOT NULL,
        version integer NOT NULL,
        settings jsonb NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_connector_version PRIMARY KEY (tenant_id, connector, version)
    )""",
    """CREATE TABLE connector_log (
        tenant_id integer NOT NULL,
        id bigint GENERATED ALWAYS AS IDENTITY,
        connector text NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        level text NOT NULL,
        text text NOT NULL,
        CONSTRAINT pk_connector_log PRIMARY KEY (tenant_id, id)
    )""",
    "CREATE INDEX ix_connector_log_connector ON connector_log (tenant_id, connector, id)",
    # fillfactor: an unchanged snapshot touches this row and nothing else, and the update stays on its page.
    """CREATE TABLE scope (
        tenant_id integer NOT NULL,
        id integer GENERATED ALWAYS AS IDENTITY,
        key text NOT NULL,
        connector text NOT NULL,
        source text NOT NULL,
        account text,
        began bigint NOT NULL DEFAULT 0,
        digest text,
        snapshot text,
        state text NOT NULL DEFAULT 'new',
        reason jsonb,
        rows integer NOT NULL DEFAULT 0,
        conflicts integer NOT NULL DEFAULT 0,
        resync boolean NOT NULL DEFAULT false,
        held jsonb,
        held_set uuid,
        allowed_set uuid,
        observed_at timestamptz,
        loaded_at timestamptz,
        full_at timestamptz,
        revision bigint,
        plan text,
        unread jsonb NOT NULL DEFAULT '[]',
        covers jsonb NOT NULL DEFAULT '[]',
        calls jsonb NOT NULL DEFAULT '{}',
        throttled integer NOT NULL DEFAULT 0,
        seconds double precision NOT NULL DEFAULT 0,
        CONSTRAINT pk_scope PRIMARY KEY (tenant_id, id),
        CONSTRAINT uq_scope_key UNIQUE (tenant_id, key)
    ) WITH (fillfactor = 50)""",
    """CREATE TABLE run (
        tenant_id integer NOT NULL,
        id uuid NOT NULL,
        connector text NOT NULL,
        cause text NOT NULL,
        whole boolean NOT NULL DEFAULT false,
        traceparent text,
        requested_at timestamptz NOT NULL,
        CONSTRAINT pk_run PRIMARY KEY (tenant_id, id)
    )""",
    "CREATE INDEX ix_run_connector ON run (tenant_id, connector, requested_at)",
    """CREATE TABLE run_scope (
        tenant_id integer NOT NULL,
        run uuid NOT NULL,
        scope text NOT NULL,
        connector text NOT NULL,
        settings_version integer NOT NULL,
        state text NOT NULL DEFAULT 'requested',
        reason jsonb,
        requested_at timestamptz NOT NULL,
        published_at timestamptz,
        finished_at timestamptz,
        calls jsonb NOT NULL DEFAULT '{}',
        throttled integer NOT NULL DEFAULT 0,
        seconds double precision NOT NULL DEFAULT 0,
        unread jsonb NOT NULL DEFAULT '[]',
        inserted integer NOT NULL DEFAULT 0,
        changed integer NOT NULL DEFAULT 0,
        removed integer NOT NULL DEFAULT 0,
        revision bigint,
        CONSTRAINT pk_run_scope PRIMARY KEY (tenant_id, run, scope)
    )""",
    "CREATE INDEX ix_run_scope_open ON run_scope (tenant_id, requested_at) WHERE finished_at IS NULL",
    """CREATE TABLE node (
        tenant_id integer NOT NULL,
        id uuid NOT NULL,
        scope_id integer NOT NULL,
        kind smallint NOT NULL,
        account text,
        native_id text NOT NULL,
        name text NOT NULL,
        attributes jsonb NOT NULL,
        hash uuid NOT NULL,
        lineage uuid NOT NULL,
        apply_id bigint NOT NULL,
        since timestamptz NOT NULL,
        CONSTRAINT pk_node PRIMARY KEY (tenant_id, id)
    )""",
    "CREATE INDEX ix_node_scope ON node (tenant_id, scope_id)",
    "CREATE INDEX ix_node_account ON node (tenant_id, account, kind)",
    "CREATE INDEX ix_node_name ON node (tenant_id, lower(name))",
    "CREATE INDEX ix_node_lineage ON node (tenant_id, lineage)",
    """CREATE TABLE edge (
        tenant_id integer NOT NULL,
        src uuid NOT NULL,
        kind smallint NOT NULL,
        dst uuid NOT NULL,
        scope_id integer NOT NULL,
        attributes jsonb NOT NULL,
        hash uuid NOT NULL,
        apply_id bigint NOT NULL,
        since timestamptz NOT NULL,
        CONSTRAINT pk_edge PRIMARY KEY (tenant_id, src, kind, dst)
    )""",
    "CREATE INDEX ix_edge_reverse ON edge (tenant_id, dst, kind, src)",
    "CREATE INDEX ix_edge_scope ON edge (tenant_id, scope_id)",
    """CREATE TABLE node_history (
        tenant_id integer NOT NULL,
        id uuid NOT NULL,
        scope_id integer NOT NULL,
        kind smallint NOT NULL,
        account text,
        native_id text NOT NULL,
        name text NOT NULL,
        attributes jsonb NOT NULL,
        hash uuid NOT NULL,
        lineage uuid NOT NULL,
        apply_id bigint NOT NULL,
        since timestamptz NOT NULL,
        closed_by bigint NOT NULL,
        until timestamptz NOT NULL,
        CONSTRAINT pk_node_history PRIMARY KEY (tenant_id, id, closed_by)
    )""",
    "CREATE INDEX ix_node_history_lineage ON node_history (tenant_id, lineage, since)",
    """CREATE TABLE edge_history (
        tenant_id integer NOT NULL,
        src uuid NOT NULL,
        kind smallint NOT NULL,
        dst uuid NOT NULL,
        scope_id integer NOT NULL,
        attributes jsonb NOT NULL,
        hash uuid NOT NULL,
        apply_id bigint NOT NULL,
        since timestamptz NOT NULL,
        closed_by bigint NOT NULL,
        until timestamptz NOT NULL,
        CONSTRAINT pk_edge_history PRIMARY KEY (tenant_id, src, kind, dst, closed_by)
    )""",
    # What scopes name without owning it. Never deleted: it is shown while a relation names it.
    """CREATE TABLE shared_node (
        tenant_id integer NOT NULL,
        id uuid NOT NULL,
        kind smallint NOT NULL,
        native_id text NOT NULL,
        account text,
        name text NOT NULL,
        attributes jsonb NOT NULL,
        mentioned boolean NOT NULL,
        first_seen timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_shared_node PRIMARY KEY (tenant_id, id)
    )""",
    "CREATE INDEX ix_shared_node_name ON shared_node (tenant_id, lower(name))",
    """CREATE TABLE apply (
        tenant_id integer NOT NULL,
        apply_id bigint NOT NULL,
        revision bigint NOT NULL,
        scope_id integer NOT NULL,
        snapshot text NOT NULL,
        inserted integer NOT NULL,
        changed integer NOT NULL,
        removed integer NOT NULL,
        conflicts integer NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT pk_apply PRIMARY KEY (tenant_id, revision),
        CONSTRAINT uq_apply_apply_id UNIQUE (tenant_id, apply_id)
    )""",
    """CREATE TABLE change_log (
        tenant_id integer NOT NULL,
        apply_id bigint NOT NULL,
        n integer NOT NULL,
        op text NOT NULL,
        entity text NOT NULL,
        kind smallint NOT NULL,
        id uuid NOT NULL,
        dst uuid,
        previous uuid,
        previous_dst uuid,
        mark text,
        CONSTRAINT pk_change_log PRIMARY KEY (tenant_id, apply_id, n)
    )""",
    """CREATE TABLE outbox (
        tenant_id integer NOT NULL,
        revision bigint NOT NULL,
        n integer NOT NULL,
        subject text NOT NULL,
        type text NOT NULL,
        source text NOT NULL,
        body bytea NOT NULL,
        traceparent text,
        at timestamptz NOT NULL,
        CONSTRAINT pk_outbox PRIMARY KEY (tenant_id, revision, n)
    )""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("There is nothing before this: restore the backup taken before the upgrade.")
