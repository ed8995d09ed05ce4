"""Statements about scopes that no longer count. ``$1`` is the tenant, ``$2`` the scope's key or id."""

from typing import Final

# A removal that waits for a person waits no longer: nothing of the scope counts.
RETIRE: Final = """
UPDATE scope SET retired_at = clock_timestamp(), retired_why = $3,
                 state = CASE state WHEN 'held' THEN 'stale' ELSE state END,
                 held = NULL, held_set = NULL, held_since = NULL, allowed_set = NULL
WHERE tenant_id = $1 AND key = $2 AND retired_at IS NULL
RETURNING id, connector, account, loaded_at, retired_at AS at"""

# What was known of it before may be old; a scope that was never read begins as a new one. It is due at once.
RESTORE: Final = """
UPDATE scope SET retired_at = NULL, retired_why = NULL, connector = coalesce($3, connector),
                 state = CASE WHEN loaded_at IS NULL THEN 'new' ELSE 'stale' END,
                 reason = CASE WHEN loaded_at IS NULL THEN NULL ELSE $4::jsonb END, failures = 0, tried_at = NULL
WHERE tenant_id = $1 AND key = $2 AND retired_at IS NOT NULL
RETURNING id, connector, account, loaded_at, clock_timestamp() AS at"""

# A purge may have begun before the scope returned.
SET_ROWS: Final = "UPDATE scope SET rows = $3 WHERE tenant_id = $1 AND id = $2"

# Those that left, the first to be purged first.
RETIRED: Final = """
SELECT key, connector, source, account, retired_at, retired_why AS why, rows, observed_at
FROM scope WHERE tenant_id = $1 AND retired_at IS NOT NULL ORDER BY retired_at, key"""

# Those that left long enough ago; $3 limits it to one.
DUE: Final = """
SELECT key FROM scope
WHERE tenant_id = $1 AND retired_at <= clock_timestamp() - $2::interval AND ($3::text IS NULL OR key = $3)
ORDER BY key"""

# The same scope under its lock: it may have returned meanwhile. From here on no digest vouches for its rows.
STILL_DUE: Final = """
UPDATE scope SET digest = NULL, rows_digest = NULL
WHERE tenant_id = $1 AND key = $2 AND retired_at <= clock_timestamp() - $3::interval
RETURNING id, connector, account, retired_at"""

SOME_NODES: Final = "SELECT id FROM node WHERE tenant_id = $1 AND scope_id = $2 LIMIT $3"

DELETE_SOME_EDGES: Final = """
DELETE FROM edge WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM edge WHERE tenant_id = $1 AND scope_id = $2 LIMIT $3))"""
DELETE_SOME_OLD_NODES: Final = """
DELETE FROM node_history WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM node_history WHERE tenant_id = $1 AND scope_id = $2 LIMIT $3))"""
DELETE_SOME_OLD_EDGES: Final = """
DELETE FROM edge_history WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM edge_history WHERE tenant_id = $1 AND scope_id = $2 LIMIT $3))"""

DELETE_SCOPE: Final = "DELETE FROM scope WHERE tenant_id = $1 AND id = $2"

# Parts of runs that would wait for a scope that is gone.
END_PARTS: Final = """
UPDATE run_scope SET state = 'stale', reason = $3, finished_at = clock_timestamp()
WHERE tenant_id = $1 AND scope = $2 AND finished_at IS NULL"""
