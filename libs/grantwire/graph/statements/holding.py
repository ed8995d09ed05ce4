"""Statements about removals that wait for a person. ``$1`` is the tenant."""

from typing import Final

HELD_COLUMNS: Final = ("tenant_id", "scope_id", "n", "kind", "id", "dst")

FORGET: Final = "DELETE FROM held_removal WHERE tenant_id = $1 AND scope_id = $2"

# Every scope that holds removals; $2 limits it to one.
HELD: Final = """
SELECT s.id, s.key, s.connector, s.held, s.held_set, s.held_since, s.allowed_set IS NOT NULL AS confirmed,
       (SELECT count(*) FROM held_removal h WHERE h.tenant_id = s.tenant_id AND h.scope_id = s.id) AS rows
FROM scope s
WHERE s.tenant_id = $1 AND s.held_set IS NOT NULL AND ($2::text IS NULL OR s.key = $2) ORDER BY s.key"""

# The rows themselves, resources before relations.
ROWS: Final = """
SELECT scope_id, kind, id, dst FROM held_removal
WHERE tenant_id = $1 AND scope_id = ANY($2::int[]) ORDER BY scope_id, n"""

# The set that the next whole reading may remove; ``held_set`` is locked and known to be what was shown.
ALLOW: Final = "UPDATE scope SET allowed_set = held_set WHERE tenant_id = $1 AND id = $2"

# Fewer rows wait: those named by $3.
LESSENED: Final = """
UPDATE scope SET held_set = $3::uuid, allowed_set = CASE allowed_set WHEN held_set THEN $3::uuid END,
                 held = CASE WHEN $3::uuid IS NULL THEN NULL ELSE held END,
                 held_since = CASE WHEN $3::uuid IS NULL THEN NULL ELSE held_since END
WHERE tenant_id = $1 AND id = $2"""

# Nothing waits any more. A scope that became stale or unreachable meanwhile says so still.
REJECT: Final = """
UPDATE scope SET state = CASE state WHEN 'held' THEN 'stale' ELSE state END,
                 reason = CASE state WHEN 'held' THEN $3 ELSE reason END,
                 held = NULL, held_set = NULL, held_since = NULL, allowed_set = NULL
WHERE tenant_id = $1 AND id = $2"""
