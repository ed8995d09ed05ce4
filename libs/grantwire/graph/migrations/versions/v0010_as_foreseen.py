"""Ending a command in one statement that rests on an earlier look: what it takes to notice that it was wrong."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    # Whether a scope's row is the version that somebody saw. Whoever changes what a scope holds writes that row too, in
    # the same transaction and under this lock, so everything is as it was seen, until this transaction ends.
    """CREATE FUNCTION locked_as_seen(its_tenant integer, its_key text, its_version bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(its_tenant, hashtext(its_key));
        RETURN EXISTS (SELECT FROM scope s WHERE s.tenant_id = its_tenant AND s.key = its_key
                                             AND s.xmin::text::bigint = its_version);
    END $$""",
    # What a statement has done is undone where it is not what was meant.
    """CREATE FUNCTION as_foreseen(is_so boolean) RETURNS boolean
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        IF is_so IS NOT TRUE THEN RAISE EXCEPTION 'not as foreseen'; END IF;
        RETURN true;
    END $$""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup taken before the upgrade.")
