"""Statements about the accounts of organizations. ``$1`` is the tenant."""

from typing import Final

# The accounts that an organization's scope holds. $3 is the code of the kind.
MEMBERS: Final = """
SELECT n.id, n.native_id AS account, n.name, n.attributes->>'state' AS state
FROM node n JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id
WHERE n.tenant_id = $1 AND s.key = $2 AND n.kind = $3 AND s.retired_at IS NULL ORDER BY n.native_id"""

# What is directly below which root or unit ($4 is the code of that kind), by the relation of code $3.
PARENTS: Final = """
SELECT e.dst AS child, e.src AS parent, n.native_id AS unit
FROM edge e
JOIN scope s ON s.tenant_id = e.tenant_id AND s.id = e.scope_id
JOIN node n ON n.tenant_id = e.tenant_id AND n.id = e.src
WHERE e.tenant_id = $1 AND s.key = $2 AND e.kind = $3 AND n.kind = $4 AND s.retired_at IS NULL"""

# The accounts of every organization that counts.
INSIDE: Final = """
SELECT DISTINCT n.native_id AS account FROM node n
JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id
WHERE n.tenant_id = $1 AND n.kind = $2 AND s.source = 'organization' AND s.retired_at IS NULL"""

# Accounts that a connector other than $2 reads: its own, or one whose IAM it holds.
TAKEN: Final = """
SELECT account, id AS connector FROM connector WHERE tenant_id = $1 AND id <> $2 AND account IS NOT NULL
UNION ALL
SELECT s.account, s.connector FROM scope s
JOIN connector c ON c.tenant_id = s.tenant_id AND c.id = s.connector
WHERE s.tenant_id = $1 AND s.source = 'iam' AND s.connector <> $2 AND s.retired_at IS NULL AND s.account IS NOT NULL"""

STANDINGS: Final = """
SELECT key, source, account, state, failures, tried_at, retired_at IS NOT NULL AS retired, observed_at
FROM scope WHERE tenant_id = $1 AND connector = $2 ORDER BY key"""

# Whether a relation of kind $3 in an assignments scope of connector $2 ends at a permission set (kind $4) that no scope
# holds.
UNKNOWN_SETS: Final = """
SELECT EXISTS (SELECT FROM edge e JOIN scope s ON s.tenant_id = e.tenant_id AND s.id = e.scope_id
               WHERE e.tenant_id = $1 AND s.connector = $2 AND s.retired_at IS NULL AND e.kind = $3
                 AND NOT EXISTS (SELECT FROM node n WHERE n.tenant_id = $1 AND n.id = e.dst AND n.kind = $4))"""

# Gaps that are not over yet, of one connector or of all.
GAPS: Final = """
SELECT connector, account, reason, until, accepted_at FROM accepted_gap
WHERE tenant_id = $1 AND ($2::text IS NULL OR connector = $2) AND until > now() ORDER BY connector, account"""

ACCEPT: Final = """
INSERT INTO accepted_gap (tenant_id, connector, account, reason, until) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, connector, account) DO UPDATE SET
    reason = excluded.reason, until = excluded.until, accepted_at = now()"""

WITHDRAW: Final = "DELETE FROM accepted_gap WHERE tenant_id = $1 AND connector = $2 AND account = $3 RETURNING account"

FORGET_GAPS: Final = "DELETE FROM accepted_gap WHERE tenant_id = $1 AND connector = $2"

# Runs that have only their first part, of an organization with an Identity Center, which the bus does not have yet.
TO_BEGIN: Final = """
SELECT r.id FROM run r
JOIN run_scope p ON p.tenant_id = r.tenant_id AND p.run = r.id
JOIN scope s ON s.tenant_id = r.tenant_id AND s.key = p.scope
JOIN connector c ON c.tenant_id = r.tenant_id AND c.id = r.connector
WHERE r.tenant_id = $1 AND r.expanded_at IS NULL AND s.source = 'organization' AND p.state = 'requested'
  AND c.identity_center IS NOT NULL AND c.state <> 'paused'
  AND NOT EXISTS (SELECT FROM run_scope o WHERE o.tenant_id = r.tenant_id AND o.run = r.id AND o.scope <> p.scope)
ORDER BY r.requested_at"""

# Runs whose first part has ended, the oldest first: the accounts' parts can be added. What is about no account is read
# beside it and may go on.
TO_EXPAND: Final = """
SELECT r.id FROM run r
WHERE r.tenant_id = $1 AND r.expanded_at IS NULL
  AND NOT EXISTS (SELECT FROM run_scope p JOIN scope s ON s.tenant_id = p.tenant_id AND s.key = p.scope
                  WHERE p.tenant_id = r.tenant_id AND p.run = r.id AND p.finished_at IS NULL
                    AND s.account IS NOT NULL)
ORDER BY r.requested_at"""

# The run, for whoever comes first.
CLAIM_RUN: Final = """
SELECT id, connector, cause, now() AS now FROM run
WHERE tenant_id = $1 AND id = $2 AND expanded_at IS NULL FOR UPDATE SKIP LOCKED"""

EXPANDED: Final = "UPDATE run SET expanded_at = clock_timestamp() WHERE tenant_id = $1 AND id = $2"

# One more part for each of the scopes $5; the run may have one of them already.
ADD_PARTS: Final = """
INSERT INTO run_scope (tenant_id, run, scope, connector, settings_version, requested_at)
SELECT $1, $2, u.scope, $3, $4, clock_timestamp() FROM unnest($5::text[]) AS u(scope)
ON CONFLICT (tenant_id, run, scope) DO NOTHING"""

# Parts that end as they begin.
ADD_UNREACHABLE: Final = """
INSERT INTO run_scope (tenant_id, run, scope, connector, settings_version, state, reason, requested_at, finished_at)
SELECT $1, $2, u.scope, $3, $4, 'unreachable', u.reason, clock_timestamp(), clock_timestamp()
FROM unnest($5::text[], $6::jsonb[]) AS u(scope, reason)
ON CONFLICT (tenant_id, run, scope) DO NOTHING"""

# Something said to people once a day, however often it is found.
SAY_ONCE: Final = """
INSERT INTO connector_log (tenant_id, connector, level, text)
SELECT $1, $2, $3, u.text FROM unnest($4::text[]) AS u(text)
WHERE NOT EXISTS (SELECT FROM connector_log l WHERE l.tenant_id = $1 AND l.connector = $2 AND l.text = u.text
                  AND l.at > now() - interval '1 day')"""
