"""Functions that look at something under its lock: one way to Postgres instead of two for whoever waits.

A statement sees the database as it was when it began, so one that took the lock itself would look at what was before
it. In a volatile function each statement sees what is there when it begins.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    # Whether a command is known, the newest of its intent, and whether older ones of it are not ended yet: while no
    # other command of the intent is accepted.
    """CREATE FUNCTION met_by(its_tenant integer, its_team text, its_id uuid, its_intent uuid, its_sequence bigint)
    RETURNS TABLE (known boolean, overtakes boolean, newest uuid, newest_sequence bigint)
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(its_tenant, hashtext(its_intent::text));
        RETURN QUERY
        SELECT EXISTS (SELECT FROM operation k WHERE k.tenant_id = its_tenant AND k.team = its_team AND k.id = its_id),
               EXISTS (SELECT FROM operation w WHERE w.tenant_id = its_tenant AND w.intent = its_intent
                                                 AND w.sequence < its_sequence AND w.final_at IS NULL),
               n.id, n.sequence
        FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
            SELECT o.id, o.sequence FROM operation o
            WHERE o.tenant_id = its_tenant AND o.intent = its_intent AND NOT o.dry_run AND NOT o.watch
              AND coalesce(o.state, '') NOT IN ('refused', 'expired')
            ORDER BY o.sequence DESC LIMIT 1) n ON true;
    END $$""",
    # A scope that no apply changes before this transaction ends.
    """CREATE FUNCTION locked_scope(its_tenant integer, its_key text) RETURNS SETOF scope
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(its_tenant, hashtext(its_key));
        RETURN QUERY SELECT * FROM scope s WHERE s.tenant_id = its_tenant AND s.key = its_key;
    END $$""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup taken before the upgrade.")
