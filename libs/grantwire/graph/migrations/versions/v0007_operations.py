"""Commands: the inbox, how far each of them is, what is told of them, and who did what.

``told`` is the outbox of outcomes. Its order is its own: changes are ordered by revision, and an outcome has none.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    # One row for each command, for ever. ``sequence`` is its place in COMMANDS, ``intent`` what it is about: the
    # newest of an intent is the one that counts. ``resource`` is what only one of them changes at a time, while
    # ``holding``. ``watch`` rows look again at what somebody may have written too late; nobody is told of them.
    """CREATE TABLE operation (
        tenant_id integer NOT NULL,
        team text NOT NULL,
        id uuid NOT NULL,
        sequence bigint NOT NULL,
        verb text NOT NULL,
        watch boolean NOT NULL DEFAULT false,
        command jsonb NOT NULL,
        body_hash uuid NOT NULL,
        connector text NOT NULL,
        account text NOT NULL,
        intent uuid NOT NULL,
        resource text NOT NULL,
        dry_run boolean NOT NULL DEFAULT false,
        traceparent text,
        published_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        valid_until timestamptz,
        step text NOT NULL DEFAULT 'queued',
        step_since timestamptz NOT NULL DEFAULT clock_timestamp(),
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        progress jsonb NOT NULL DEFAULT '{}',
        holding boolean NOT NULL DEFAULT false,
        claim uuid,
        claim_until timestamptz,
        taken_over integer NOT NULL DEFAULT 0,
        cancelled_by text,
        state text NOT NULL DEFAULT 'accepted',
        told integer NOT NULL DEFAULT 0,
        outcome jsonb,
        final_at timestamptz,
        CONSTRAINT pk_operation PRIMARY KEY (tenant_id, team, id)
    ) WITH (fillfactor = 70)""",
    "CREATE UNIQUE INDEX uq_operation_holding ON operation (tenant_id, resource) WHERE holding",
    "CREATE INDEX ix_operation_open ON operation (tenant_id, sequence) WHERE final_at IS NULL",
    "CREATE INDEX ix_operation_intent ON operation (tenant_id, intent, sequence)",
    "CREATE INDEX ix_operation_resource ON operation (tenant_id, resource, sequence) WHERE final_at IS NULL",
    "CREATE INDEX ix_operation_received ON operation (tenant_id, received_at)",
    """CREATE TABLE told (
        tenant_id integer NOT NULL,
        id bigint GENERATED ALWAYS AS IDENTITY,
        message_id text NOT NULL,
        subject text NOT NULL,
        type text NOT NULL,
        source text NOT NULL,
        body bytea NOT NULL,
        traceparent text,
        at timestamptz NOT NULL,
        CONSTRAINT pk_told PRIMARY KEY (tenant_id, id)
    )""",
    """CREATE TABLE audit (
        tenant_id integer NOT NULL,
        id bigint GENERATED ALWAYS AS IDENTITY,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        team text NOT NULL,
        command uuid,
        connector text,
        account text,
        what text NOT NULL,
        detail jsonb NOT NULL DEFAULT '{}',
        CONSTRAINT pk_audit PRIMARY KEY (tenant_id, id)
    )""",
    "CREATE INDEX ix_audit_command ON audit (tenant_id, team, command, id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup taken before the upgrade.")
