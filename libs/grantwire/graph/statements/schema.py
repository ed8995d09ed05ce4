"""Statements about the schema itself."""

from typing import Final

# Waits until no other session migrates this database; ends with the session.
LOCK: Final = "SELECT pg_advisory_lock($1)"

# Whether any migration ever ran.
HAS_VERSION: Final = "SELECT to_regclass('alembic_version') IS NOT NULL"

# The newest migration that ran.
VERSION: Final = "SELECT version_num FROM alembic_version"
