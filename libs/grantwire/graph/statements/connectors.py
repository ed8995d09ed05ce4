"""Statements about connectors. ``$1`` is the tenant, ``$2`` mostly the connector's id."""

from typing import Final

# Whoever decides which connector reads which account waits for the others that do. Taken before any other lock.
LOCK: Final = "SELECT pg_advisory_xact_lock($1, hashtext('connectors'))"

_COLUMNS: Final = "id, version, settings, account, organization, identity_center, state, reason"
GET: Final = f"SELECT {_COLUMNS} FROM connector WHERE tenant_id = $1 AND id = $2"
# Of two scopes that end at once, the second to get here sees the first.
SETTLE: Final = f"{GET} FOR NO KEY UPDATE"
ALL: Final = f"SELECT {_COLUMNS} FROM connector WHERE tenant_id = $1 ORDER BY id"
IDS: Final = "SELECT id FROM connector WHERE tenant_id = $1 ORDER BY id"

# The newest lines of the log, newest first.
LOG: Final = """
SELECT connector, at, level, text FROM connector_log
WHERE tenant_id = $1 AND ($2::text IS NULL OR connector = $2) ORDER BY id DESC LIMIT 100"""

# Who else reads an account: as its own, or as one of its organization's.
ACCOUNT_OWNER: Final = """
SELECT id, organization IS NOT NULL AND account IS DISTINCT FROM $2 AS inside FROM connector c
WHERE tenant_id = $1 AND id <> $3
  AND (account = $2 OR EXISTS (SELECT FROM scope s
                               WHERE s.tenant_id = $1 AND s.source = 'iam' AND s.account = $2 AND s.connector = c.id
                                 AND s.retired_at IS NULL))
ORDER BY account IS DISTINCT FROM $2 LIMIT 1"""

ORGANIZATION_OWNER: Final = "SELECT id FROM connector WHERE tenant_id = $1 AND organization = $2 AND id <> $3"

PUT: Final = """
INSERT INTO connector (tenant_id, id, version, settings, account, organization, identity_center, state, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (tenant_id, id) DO UPDATE SET version = excluded.version, settings = excluded.settings,
    account = excluded.account, organization = excluded.organization, identity_center = excluded.identity_center,
    state = excluded.state, reason = excluded.reason, updated_at = now()"""

REMOVE: Final = "DELETE FROM connector WHERE tenant_id = $1 AND id = $2"

# A connector that comes back under its old id goes on counting: the old settings keep their numbers.
LAST_VERSION: Final = "SELECT coalesce(max(version), 0) FROM connector_version WHERE tenant_id = $1 AND connector = $2"

# Settings are kept by version: a job names the version it was made for.
PUT_VERSION: Final = """
INSERT INTO connector_version (tenant_id, connector, version, settings) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, connector, version) DO NOTHING"""

# Of a connector that was removed there are none any more: whoever would still read with them must not.
SETTINGS: Final = """
SELECT v.settings FROM connector_version v JOIN connector c ON c.tenant_id = v.tenant_id AND c.id = v.connector
WHERE v.tenant_id = $1 AND v.connector = $2 AND v.version = $3"""

SET_STATE: Final = """
UPDATE connector SET state = $3, reason = $4, updated_at = now()
WHERE tenant_id = $1 AND id = $2 AND (state, reason) IS DISTINCT FROM ($3, $4)"""

ADD_LOG: Final = "INSERT INTO connector_log (tenant_id, connector, level, text) VALUES ($1, $2, $3, $4)"

# How the connector's scopes stand, to say how the connector stands: in sums, for there may be thousands.
STANDING: Final = """
WITH mine AS (
    SELECT key, state, reason FROM scope WHERE tenant_id = $1 AND connector = $2 AND retired_at IS NULL),
failing AS (SELECT * FROM mine WHERE state IN ('stale', 'held'))
SELECT (SELECT count(*) FROM mine) AS scopes, (SELECT count(*) FROM failing) AS failing,
       EXISTS (SELECT FROM mine WHERE state = 'new') AS unread,
       (SELECT array_agg(DISTINCT state ORDER BY state DESC) FROM failing) AS states, f.key, f.state, f.reason
FROM (VALUES (1)) AS one LEFT JOIN LATERAL (SELECT * FROM failing ORDER BY key LIMIT 1) AS f ON true"""

SCOPES: Final = "SELECT key FROM scope WHERE tenant_id = $1 AND connector = $2 AND retired_at IS NULL ORDER BY key"

IS_RUNNING: Final = """
SELECT EXISTS (SELECT FROM run_scope WHERE tenant_id = $1 AND connector = $2 AND finished_at IS NULL)"""
IS_EXPANDING: Final = "SELECT EXISTS (SELECT FROM run WHERE tenant_id = $1 AND connector = $2 AND expanded_at IS NULL)"
