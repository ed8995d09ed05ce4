"""Statements about a connector's life: pauses, log, versions. ``$1`` is the tenant, ``$2`` the connector's id."""

from typing import Final

# What was asked for and is not on the bus yet.
END_WAITING: Final = """
UPDATE run_scope SET state = 'failed', reason = $3, finished_at = clock_timestamp()
WHERE tenant_id = $1 AND connector = $2 AND finished_at IS NULL AND state = 'requested'"""

# The newest $4 lines after $3, oldest first.
ENTRIES: Final = """
SELECT * FROM (SELECT id, at, level, text FROM connector_log WHERE tenant_id = $1 AND connector = $2 AND id > $3
               ORDER BY id DESC LIMIT $4) AS newest ORDER BY id"""

# A removed connector's log stays.
IS_KNOWN: Final = """
SELECT EXISTS (SELECT FROM connector WHERE tenant_id = $1 AND id = $2)
    OR EXISTS (SELECT FROM connector_log WHERE tenant_id = $1 AND connector = $2)"""

VERSIONS: Final = """
SELECT version, settings, at FROM connector_version WHERE tenant_id = $1 AND connector = $2 ORDER BY version"""
