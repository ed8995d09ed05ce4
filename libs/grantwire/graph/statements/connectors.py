"""Statements about connectors. ``$1`` is the tenant, ``$2`` mostly the connector's id."""

from typing import Final

# Makes concurrent writers of one connector wait, whether or not it exists yet.
LOCK: Final = "SELECT pg_advisory_xact_lock($1, hashtext('connector/' || $2))"

GET: Final = "SELECT id, version, settings, account, state, reason FROM connector WHERE tenant_id = $1 AND id = $2"
ALL: Final = "SELECT id, version, settings, account, state, reason FROM connector WHERE tenant_id = $1 ORDER BY id"
IDS: Final = "SELECT id FROM connector WHERE tenant_id = $1 ORDER BY id"

# The newest lines of the log, newest first.
LOG: Final = """
SELECT connector, at, level, text FROM connector_log
WHERE tenant_id = $1 AND ($2::text IS NULL OR connector = $2) ORDER BY id DESC LIMIT 100"""

ACCOUNT_OWNER: Final = "SELECT id FROM connector WHERE tenant_id = $1 AND account = $2 AND id <> $3"

PUT: Final = """
INSERT INTO connector (tenant_id, id, version, settings, account, state, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id, id) DO UPDATE SET version = excluded.version, settings = excluded.settings,
    account = excluded.account, state = excluded.state, reason = excluded.reason, updated_at = now()"""

# Settings are kept by version: a job names the version it was made for.
PUT_VERSION: Final = """
INSERT INTO connector_version (tenant_id, connector, version, settings) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, connector, version) DO NOTHING"""

SETTINGS: Final = "SELECT settings FROM connector_version WHERE tenant_id = $1 AND connector = $2 AND version = $3"

SET_STATE: Final = """
UPDATE connector SET state = $3, reason = $4, updated_at = now()
WHERE tenant_id = $1 AND id = $2 AND (state, reason) IS DISTINCT FROM ($3, $4)"""

ADD_LOG: Final = "INSERT INTO connector_log (tenant_id, connector, level, text) VALUES ($1, $2, $3, $4)"

# How the connector's scopes stand, to say how the connector stands.
SCOPES: Final = "SELECT key, state, reason FROM scope WHERE tenant_id = $1 AND connector = $2 ORDER BY key"
