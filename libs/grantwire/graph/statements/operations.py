"""Statements of the inbox and the engine. ``$1`` is the tenant."""

from typing import Final

_ROW: Final = """
o.team, o.id, o.sequence, o.verb, o.watch, o.command, o.connector, o.account, o.intent, o.resource, o.dry_run,
o.traceparent, o.published_at, o.valid_until, o.step, o.step_since, o.progress, o.claim, o.taken_over, o.cancelled_by,
o.state, o.told, clock_timestamp() AS now"""

# One command of an intent at a time is accepted, so that which of them is the newest is never in doubt.
LOCK_INTENT: Final = "SELECT pg_advisory_xact_lock($1, hashtext($2))"

FIND: Final = "SELECT * FROM operation WHERE tenant_id = $1 AND team = $2 AND id = $3"

ONE: Final = f"SELECT {_ROW} FROM operation o WHERE o.tenant_id = $1 AND o.team = $2 AND o.id = $3"

ACCEPT: Final = """
INSERT INTO operation (tenant_id, team, id, sequence, verb, watch, command, body_hash, connector, account, intent,
                       resource, dry_run, traceparent, published_at, valid_until, due_at, told, outcome)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
        clock_timestamp() + make_interval(secs => $17), $18, $19)
ON CONFLICT (tenant_id, team, id) DO NOTHING"""

# A copy that the stream stored earlier was delivered later: the command is as old as its oldest copy.
EARLIER: Final = """
UPDATE operation SET sequence = $4 WHERE tenant_id = $1 AND team = $2 AND id = $3 AND sequence > $4"""

# The newest command of an intent that was or will be carried out. One that was cancelled counts until it ends as
# refused: where something was written for it before, it goes on to its outcome.
NEWEST: Final = """
SELECT team, id, sequence, verb, final_at IS NOT NULL AS final,
       EXISTS (SELECT FROM operation w WHERE w.tenant_id = $1 AND w.intent = $2 AND w.sequence < o.sequence
                                         AND w.final_at IS NULL) AS overtakes
FROM operation o
WHERE tenant_id = $1 AND intent = $2 AND NOT dry_run AND NOT watch
  AND coalesce(state, '') NOT IN ('refused', 'expired')
ORDER BY sequence DESC LIMIT 1"""

# Commands of an intent that wait and that a newer one makes pointless. What is being written is left to its engine.
OVERTAKEN: Final = """
SELECT o.team, o.id FROM operation o
WHERE o.tenant_id = $1 AND o.intent = $2 AND o.sequence < $3 AND o.final_at IS NULL AND NOT o.holding AND NOT o.dry_run
ORDER BY o.sequence FOR UPDATE"""

# The next command that may be carried out: the oldest that is due, whose resource nobody else holds, and before which
# no other one of that resource waits. A dry run changes nothing, so it waits for nobody.
CLAIM: Final = f"""
UPDATE operation o SET claim = $2, claim_until = clock_timestamp() + make_interval(secs => $3), holding = NOT o.dry_run,
                       taken_over = o.taken_over + (o.claim IS NOT NULL)::int
WHERE (o.tenant_id, o.team, o.id) = (
    SELECT w.tenant_id, w.team, w.id FROM operation w
    WHERE w.tenant_id = $1 AND w.final_at IS NULL AND w.due_at <= clock_timestamp()
      AND (w.claim IS NULL OR w.claim_until < clock_timestamp())
      AND (w.holding OR w.dry_run OR NOT EXISTS (
           SELECT FROM operation h WHERE h.tenant_id = $1 AND h.resource = w.resource AND h.final_at IS NULL
             AND NOT h.dry_run AND (h.team, h.id) <> (w.team, w.id)
             AND (h.holding OR (h.sequence < w.sequence AND h.state <> 'parked' AND NOT h.watch))))
    ORDER BY w.sequence LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING {_ROW}"""

# All that the holder of a claim writes is written only while the claim is its own.
CHECKPOINT: Final = """
UPDATE operation SET step = $5, progress = $6,
    step_since = CASE WHEN step = $5 THEN step_since ELSE clock_timestamp() END,
    claim_until = clock_timestamp() + make_interval(secs => $7)
WHERE tenant_id = $1 AND team = $2 AND id = $3 AND claim = $4 AND final_at IS NULL"""

REST: Final = """
UPDATE operation SET claim = NULL, claim_until = NULL, due_at = clock_timestamp() + make_interval(secs => $5)
WHERE tenant_id = $1 AND team = $2 AND id = $3 AND claim = $4 AND final_at IS NULL"""

PARK: Final = """
UPDATE operation SET claim = NULL, claim_until = NULL, holding = false, state = 'parked', step = 'queued',
    due_at = clock_timestamp() + make_interval(secs => $5), outcome = coalesce($6, outcome),
    progress = $7,
    told = told + ($6::jsonb IS NOT NULL)::int
WHERE tenant_id = $1 AND team = $2 AND id = $3 AND claim = $4 AND final_at IS NULL
RETURNING told"""

FINISH: Final = """
UPDATE operation SET state = $4, outcome = $5, final_at = clock_timestamp(), claim = NULL, claim_until = NULL,
    holding = false, step = 'final', told = told + 1
WHERE tenant_id = $1 AND team = $2 AND id = $3 AND final_at IS NULL AND ($6::uuid IS NULL OR claim = $6)
RETURNING told"""

# Both at once, which is one way less to Postgres for whoever waits.
TELL_AND_NOTE: Final = """
WITH told AS (INSERT INTO told (tenant_id, message_id, subject, type, source, body, traceparent, at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8)),
     noted AS (INSERT INTO audit (tenant_id, team, command, connector, account, what, detail)
               VALUES ($1, $9, $10, $11, $12, $13, $14))
SELECT pg_notify('grantwire_told', ''), pg_notify('grantwire_operation', '')"""

LAST_TOLD: Final = "SELECT outcome FROM operation WHERE tenant_id = $1 AND team = $2 AND id = $3"

# The relay is woken when the transaction ends.
TELL: Final = """
WITH told AS (INSERT INTO told (tenant_id, message_id, subject, type, source, body, traceparent, at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8))
SELECT pg_notify('grantwire_told', '')"""

FETCH_TOLD: Final = """
SELECT id, tenant_id, message_id, subject, type, source, body, traceparent, at FROM told
ORDER BY tenant_id, id LIMIT $1"""
DELETE_TOLD: Final = "DELETE FROM told WHERE tenant_id = $1 AND id = ANY($2::bigint[])"

# What was done about a command is news for the engine too.
NOTE: Final = """
WITH noted AS (INSERT INTO audit (tenant_id, team, command, connector, account, what, detail)
               VALUES ($1, $2, $3, $4, $5, $6, $7))
SELECT pg_notify('grantwire_operation', '')"""
AUDIT: Final = """
SELECT id, at, team, command, connector, account, what, detail FROM audit
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR command = $2) ORDER BY id"""

CANCEL: Final = """
UPDATE operation SET cancelled_by = $4, due_at = least(due_at, clock_timestamp())
WHERE tenant_id = $1 AND team = $2 AND id = $3 AND final_at IS NULL AND cancelled_by IS NULL"""

LIST: Final = f"""
SELECT {_ROW}, o.received_at, o.due_at, o.final_at, o.outcome, o.holding FROM operation o
WHERE o.tenant_id = $1 AND NOT o.watch AND ($2::text IS NULL OR o.team = $2) AND ($3::text IS NULL OR o.connector = $3)
  AND ($4::bool IS NULL OR (o.final_at IS NULL) = $4) AND ($5::bigint IS NULL OR o.sequence < $5)
ORDER BY o.sequence DESC LIMIT $6"""

SHOW: Final = f"""
SELECT {_ROW}, o.received_at, o.due_at, o.final_at, o.outcome, o.holding FROM operation o
WHERE o.tenant_id = $1 AND o.id = $2 AND ($3::text IS NULL OR o.team = $3) AND NOT o.watch ORDER BY o.team"""


# What the graph holds of some resources, and whose scope tells them.
KNOWN: Final = """
SELECT n.id, n.attributes, s.connector FROM node n
JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id AND s.retired_at IS NULL
WHERE n.tenant_id = $1 AND n.id = ANY($2::uuid[])"""
