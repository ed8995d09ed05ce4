"""Run by Alembic, which writes the statements as text; ``grantwire.graph.migrate`` executes them."""

from alembic import context


def run() -> None:
    if not context.is_offline_mode():
        raise RuntimeError("Migrations are run with `grantwire db upgrade`.")
    # One script, one transaction, opened by whoever executes it: four upgrades at once, or a kill, leave nothing half.
    context.configure(dialect_name="postgresql", transactional_ddl=False)
    context.run_migrations()


run()
