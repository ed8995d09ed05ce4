"""Statements of the inbox and the engine. ``$1`` is the tenant."""

from typing import Final

from grantwire.graph.statements.patching import ending

_ROW: Final = """
o.team, o.id, o.sequence, o.verb, o.watch, o.command, o.connector, o.account, o.intent, o.resource, o.dry_run,
o.traceparent, o.published_at, o.valid_until, o.step, o.step_since, o.progress, o.claim, o.taken_over, o.cancelled_by,
o.state, o.told, clock_timestamp() AS now"""

# Not waiting until the disk has it: where losing it in a crash of the server leaves what had to be met anyway. Whatever
# is committed later, and waited for, brings it to the disk with it. It holds to the end of the transaction.
_SOON: Final = "set_config('synchronous_commit', 'off', true)"

# Not ended yet, said so that no index of what is open serves: these keep what has ended until they are vacuumed, and a
# planner that believes the table to be small prefers them to the key of the one row.
_OPEN: Final = "coalesce(final_at, 'infinity') = 'infinity'"

FIND: Final = "SELECT * FROM operation WHERE tenant_id = $1 AND team = $2 AND id = $3"

# What a command of that team, id, intent ($4) and sequence ($5) meets, while no other one of the intent is accepted:
# whether it is known, what its intent comes to so far, and whether older ones of it are not ended yet.
MEETS: Final = "SELECT * FROM met_by($1, $2, $3, $4, $5)"

ONE: Final = f"SELECT {_ROW} FROM operation o WHERE o.tenant_id = $1 AND o.team = $2 AND o.id = $3"

_ACCEPT: Final = """
INSERT INTO operation (tenant_id, team, id, sequence, verb, watch, command, body_hash, connector, account, intent,
                       resource, dry_run, traceparent, published_at, valid_until, due_at, told, outcome)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
        clock_timestamp() + make_interval(secs => $17), $18, $19)
ON CONFLICT (tenant_id, team, id) DO NOTHING"""
ACCEPT: Final = f"{_ACCEPT} RETURNING id"


# There is work; or there may be, which can be looked for in a while.
_NOW, _LATER = "''", "'later'"


def _and_told(act: str, first: int, work: str = _NOW) -> str:
    """A statement with what is told and noted of it, where it did something: one way to Postgres for whoever waits,
    instead of three. The values of both begin with ``$first``. Relay and engine are woken when the transaction ends,
    the engine as ``work`` says."""
    told, noted = (", ".join(f"${first + n}" for n in numbers) for numbers in (range(7), range(7, 13)))
    return f"""
WITH done AS ({act} RETURNING team, id, resource),
     told AS (INSERT INTO told (tenant_id, message_id, subject, type, source, body, traceparent, at)
              SELECT $1, {told} FROM done),
     noted AS (INSERT INTO audit (tenant_id, team, command, connector, account, what, detail)
               SELECT $1, {noted} FROM done)
SELECT pg_notify('grantwire_told', ''), pg_notify('grantwire_operation', {work}) FROM done"""


ACCEPT_AND_TELL: Final = _and_told(_ACCEPT, 20)

# The same where nothing else is to be done: it is not known, and neither older nor newer than another one that counts.
# With a claim ($33, for $34 seconds) it is that engine's at once, if its resource is nobody's and nothing waits for it.
# All of it is one statement, and so a transaction by itself. Nothing is inserted where somebody takes the resource
# meanwhile.
ACCEPT_ALONE: Final = """
WITH done AS (
    INSERT INTO operation (tenant_id, team, id, sequence, verb, watch, command, body_hash, connector, account, intent,
                           resource, dry_run, traceparent, published_at, valid_until, due_at, told, outcome,
                           claim, claim_until, holding)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
           clock_timestamp() + make_interval(secs => $17), $18, $19,
           CASE WHEN f.free THEN $33::uuid END,
           CASE WHEN f.free THEN clock_timestamp() + make_interval(secs => $34) END, f.free AND NOT $13
    FROM met_by($1, $2, $3, $11, $4) AS m
    CROSS JOIN LATERAL (SELECT $33::uuid IS NOT NULL AND ($13 OR NOT EXISTS (
        SELECT FROM operation h WHERE h.tenant_id = $1 AND h.resource = $12 AND h.final_at IS NULL AND NOT h.dry_run
        AND (h.holding OR (h.state <> 'parked' AND NOT h.watch)))) AS free) AS f
    WHERE NOT m.known AND (m.newest IS NULL OR m.newest_sequence < $4) AND NOT m.overtakes
    ON CONFLICT DO NOTHING RETURNING id, claim),
     told AS (INSERT INTO told (tenant_id, message_id, subject, type, source, body, traceparent, at)
              SELECT $1, $20, $21, $22, $23, $24, $25, $26 FROM done),
     noted AS (INSERT INTO audit (tenant_id, team, command, connector, account, what, detail)
               SELECT $1, $27, $28, $29, $30, $31, $32 FROM done)
SELECT claim, clock_timestamp() AS now, pg_notify('grantwire_told', ''),
       (SELECT pg_notify('grantwire_operation', '') WHERE claim IS NULL)
FROM done"""

# A copy that the stream stored earlier was delivered later: the command is as old as its oldest copy.
EARLIER: Final = """
UPDATE operation SET sequence = $4 WHERE tenant_id = $1 AND team = $2 AND id = $3 AND sequence > $4"""

# The newest command of an intent that was or will be carried out. One that was cancelled counts until it ends as
# refused: where something was written for it before, it goes on to its outcome.
_NEWEST: Final = """
SELECT n.team, n.id, n.sequence, n.verb, n.final_at IS NOT NULL AS final,
       EXISTS (SELECT FROM operation w WHERE w.tenant_id = $1 AND w.intent = n.intent AND w.sequence < n.sequence
                                         AND w.final_at IS NULL) AS overtakes
FROM operation n
WHERE n.tenant_id = $1 AND n.intent = {} AND NOT n.dry_run AND NOT n.watch
  AND coalesce(n.state, '') NOT IN ('refused', 'expired')
ORDER BY n.sequence DESC LIMIT 1"""
NEWEST: Final = _NEWEST.format("$2")

# Commands of an intent that wait and that a newer one makes pointless. What is being written is left to its engine.
OVERTAKEN: Final = """
SELECT o.team, o.id FROM operation o
WHERE o.tenant_id = $1 AND o.intent = $2 AND o.sequence < $3 AND o.final_at IS NULL AND NOT o.holding AND NOT o.dry_run
ORDER BY o.sequence FOR UPDATE"""

# The next command that may be carried out: the oldest that is due, whose resource nobody else holds, and before which
# no other one of that resource waits. A dry run changes nothing, so it waits for nobody. A claim that a crash of the
# server undoes was followed by no write, for before each there is a checkpoint. With it comes the newest command of its
# intent, and whether it is worth looking for another one.
CLAIM: Final = f"""
WITH o AS (
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
RETURNING o.*)
SELECT {_ROW}, {_SOON}, n.team AS newest_team, n.id AS newest_id, n.sequence AS newest_sequence, n.verb AS newest_verb,
       n.final AS newest_final, n.overtakes AS newest_overtakes,
       EXISTS (SELECT FROM operation w WHERE w.tenant_id = $1 AND w.final_at IS NULL AND w.due_at <= clock_timestamp()
               AND (w.claim IS NULL OR w.claim_until < clock_timestamp())
               AND (w.team, w.id) <> (o.team, o.id)) AS more
FROM o LEFT JOIN LATERAL ({_NEWEST.format("o.intent")}) n ON true"""

# All that the holder of a claim writes is written only while the claim is its own.
CHECKPOINT: Final = f"""
UPDATE operation SET step = $5, progress = $6,
    step_since = CASE WHEN step = $5 THEN step_since ELSE clock_timestamp() END,
    claim_until = clock_timestamp() + make_interval(secs => $7)
WHERE tenant_id = $1 AND team = $2 AND id = $3 AND claim = $4 AND {_OPEN} RETURNING id"""
CHECKPOINT_SOON: Final = f"{CHECKPOINT}, {_SOON}"

REST: Final = f"""
UPDATE operation SET claim = NULL, claim_until = NULL, due_at = clock_timestamp() + make_interval(secs => $5)
WHERE tenant_id = $1 AND team = $2 AND id = $3 AND claim = $4 AND {_OPEN} RETURNING id"""

PARK: Final = f"""
UPDATE operation SET claim = NULL, claim_until = NULL, holding = false, state = 'parked', step = 'queued',
    due_at = clock_timestamp() + make_interval(secs => $5), outcome = coalesce($6, outcome),
    progress = $7,
    told = told + ($6::jsonb IS NOT NULL)::int
WHERE tenant_id = $1 AND team = $2 AND id = $3 AND claim = $4 AND {_OPEN}
RETURNING told"""

_FINISH: Final = f"""
UPDATE operation SET state = $4, outcome = $5, final_at = clock_timestamp(), claim = NULL, claim_until = NULL,
    holding = false, step = 'final', told = told + 1
WHERE tenant_id = $1 AND team = $2 AND id = $3 AND {_OPEN} AND ($6::uuid IS NULL OR claim = $6)"""
FINISH: Final = f"{_FINISH} RETURNING id"
# Mostly nothing waits for the resource that is free now. What is accepted in this very moment does not show yet.
_WAITED_FOR: Final = f"""CASE WHEN EXISTS (
    SELECT FROM operation w WHERE w.tenant_id = $1 AND w.resource = done.resource AND w.final_at IS NULL
                              AND (w.team, w.id) <> (done.team, done.id)) THEN {_NOW} ELSE {_LATER} END"""
FINISH_AND_TELL: Final = _and_told(_FINISH, 7, _WAITED_FOR)

# The same with the patch that was read, in one statement, where all is as it was foreseen. What is told of the command
# names the revision that it makes: its text begins with it, as those of changes do.
FINISH_AS_FORESEEN: Final = ending(
    """
done AS (
    UPDATE operation SET state = $43, outcome = $44::jsonb || jsonb_build_object('revision', next.revision),
        final_at = clock_timestamp(), claim = NULL, claim_until = NULL, holding = false, step = 'final', told = told + 1
    FROM next WHERE tenant_id = $1 AND team = $41 AND id = $42 AND claim = $45 AND """
    + _OPEN
    + """
    RETURNING team, id, resource),
said AS (
    INSERT INTO told (tenant_id, message_id, subject, type, source, body, traceparent, at)
    SELECT $1, $46, $47, $48, $49,
           convert_to('{"revision":' || next.revision || ',', 'UTF8') || substr($50::bytea, 2), $51, $52
    FROM done, next),
audited AS (
    INSERT INTO audit (tenant_id, team, command, connector, account, what, detail)
    SELECT $1, $53, $54, $55, $56, $57, $58::jsonb || jsonb_build_object('revision', next.revision) FROM done, next)""",
    f"""(
        SELECT pg_notify('grantwire_told', '') IS NOT NULL
           AND pg_notify('grantwire_operation', {_WAITED_FOR}) IS NOT NULL FROM done)""",
)

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

# What was done about a command is news for the engine too.
NOTE: Final = """
WITH noted AS (INSERT INTO audit (tenant_id, team, command, connector, account, what, detail)
               VALUES ($1, $2, $3, $4, $5, $6, $7))
SELECT pg_notify('grantwire_operation', '')"""
AUDIT: Final = """
SELECT id, at, team, command, connector, account, what, detail FROM audit
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR command = $2) ORDER BY id"""

CANCEL: Final = f"""
UPDATE operation SET cancelled_by = $4, due_at = least(due_at, clock_timestamp())
WHERE tenant_id = $1 AND team = $2 AND id = $3 AND {_OPEN} AND cancelled_by IS NULL"""

LIST: Final = f"""
SELECT {_ROW}, o.received_at, o.due_at, o.final_at, o.outcome, o.holding FROM operation o
WHERE o.tenant_id = $1 AND NOT o.watch AND ($2::text IS NULL OR o.team = $2) AND ($3::text IS NULL OR o.connector = $3)
  AND ($4::bool IS NULL OR (o.final_at IS NULL) = $4) AND ($5::bigint IS NULL OR o.sequence < $5)
ORDER BY o.sequence DESC LIMIT $6"""

SHOW: Final = f"""
SELECT {_ROW}, o.received_at, o.due_at, o.final_at, o.outcome, o.holding FROM operation o
WHERE o.tenant_id = $1 AND o.id = $2 AND ($3::text IS NULL OR o.team = $3) AND NOT o.watch ORDER BY o.team"""


# The connector of a command, and what the graph holds of its principal and its account, and whose scope tells that.
_HELD: Final = """
SELECT n.attributes, s.connector FROM node n
JOIN scope s ON s.tenant_id = n.tenant_id AND s.id = n.scope_id AND s.retired_at IS NULL
WHERE n.tenant_id = $1 AND n.id = """
AROUND: Final = f"""
SELECT c.id, c.version, c.settings, c.account, c.organization, c.identity_center, c.state, c.reason,
       p.attributes AS principal, a.attributes AS inside, a.connector AS account_of
FROM (VALUES (1)) AS one
LEFT JOIN connector c ON c.tenant_id = $1 AND c.id = $2
LEFT JOIN LATERAL ({_HELD} $3) p ON true
LEFT JOIN LATERAL ({_HELD} $4) a ON true"""
