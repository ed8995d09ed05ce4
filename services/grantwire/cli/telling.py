"""What became of a command, in words. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from grantwire.cli.exits import Exit
from grantwire.cli.words import age, cause_and_step, clock, reason_text

Operation: TypeAlias = Mapping[str, Any]

_ENDINGS: Final[Mapping[str, Exit]] = {
    **dict.fromkeys(("granted", "already_held", "revoked", "already_gone", "planned"), Exit.OK),
    "refused": Exit.DENIED,
    "superseded": Exit.CONFLICT,
}
_SAID: Final = {
    "granted": "{who} holds {what} now: AWS shows it.",
    "already_held": "{who} held {what} already; nothing was written.",
    "revoked": "{who} no longer holds {what}: AWS does not show it any more.",
    "already_gone": "{who} did not hold {what}; nothing was written.",
    "refused": "Refused: {why}",
    "failed": "Failed: {why}",
    "superseded": "Superseded: {why}",
    "expired": "Expired: {why}",
    "parked": "Parked: {why}",
}
_STEPS: Final = {
    "queued": "waits for its turn",
    "acting": "AWS is written to",
    "waiting": "AWS carries it out",
    "observing": "it is read back",
}
_GOOD: Final = ("granted", "already_held", "revoked", "already_gone", "planned")


def ending(operation: Operation) -> Exit:
    """How a command line ends that waited for the outcome: with a plan that something forbids as with a refusal."""
    return Exit.DENIED if _forbidden(operation) else _ENDINGS.get(operation["state"], Exit.FAILED)


def headline(operation: Operation) -> tuple[str, str]:
    """What happened, as a sentence and its style."""
    style = "bold green" if operation["state"] in _GOOD and not _forbidden(operation) else "bold yellow"
    if operation["state"] == "planned":
        return _planned(operation), style
    said = _SAID.get(operation["state"], "It is {state}.")
    return said.format(**_names(operation), state=operation["state"], why=_cause(operation)), style


def evidence(operation: Operation) -> Iterator[str]:
    """By what AWS was read, when, and the ids of what was sent to it."""
    told = operation["told"]
    if read := told.get("observed"):
        yield f"AWS was read by {read['operation']} at {clock(read['at'])} UTC"
    if requests := told.get("request_ids"):
        yield f"AWS's ids of what was sent: {' '.join(requests)}"


def advice(operation: Operation) -> str:
    """What a person does about it, where the reason says so."""
    return cause_and_step(_why(operation))[1]


def step(operation: Operation) -> str:
    """`accepted · AWS is written to`, while it runs."""
    told = [operation["state"]]
    if operation["open"]:
        told.append(_STEPS.get(operation["step"], operation["step"]))
        if operation["cancelled_by"]:
            told.append(f"cancelled by {operation['cancelled_by']}")
        if operation["state"] == "parked":
            told.append(_why(operation))
    return " · ".join(told)


def row(operation: Operation) -> tuple[object, ...]:
    """Outcome, principal, target, account, revision."""
    revision, names = operation["told"].get("revision"), _names(operation)
    shown = "" if revision is None else f"{revision:,}"
    return operation["state"], names["who"], names["what"], operation["account"], shown


def listed(operation: Operation, now: datetime) -> tuple[object, ...]:
    """Command, when, team, what is asked of whom, state, why."""
    asked = age((now - datetime.fromisoformat(operation["received_at"])).total_seconds())
    verb = f"{operation['verb']} (dry run)" if operation["dry_run"] else operation["verb"]
    names, why = _names(operation), (operation["told"].get("reason") or {}).get("code", "")
    return (
        operation["id"],
        f"{asked} ago",
        operation["team"],
        verb,
        names["who"],
        names["what"],
        operation["state"],
        why,
    )


def plan_rows(told: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    """Call, account, role, whether it changes something, with what."""
    for call in told.get("plan", ()):
        given = " ".join(f"{name}={value}" for name, value in call["parameters"].items())
        role = str(call["role"] or "").rpartition("/")[2] or "the ambient credentials"
        yield call["operation"], call["account"], role, "yes" if call["writes"] else "reads", given


def _planned(operation: Operation) -> str:
    writes = [call["operation"] for call in operation["told"].get("plan", ()) if call["writes"]]
    names = _names(operation)
    asked = f"{operation['verb']} {names['what']} {'to' if operation['verb'] == 'grant' else 'from'} {names['who']}"
    if why := _cause(operation):
        return f"It would not {asked}: {why}"
    return f"It would {asked}, by {', '.join(writes)}; nothing was written."


def _names(operation: Operation) -> dict[str, str]:
    return {"who": operation["principal"]["display"], "what": operation["target"]["display"]}


def _why(operation: Operation) -> str:
    return reason_text(operation["told"].get("reason"))


def _cause(operation: Operation) -> str:
    """The reason without its next step, as a sentence: AWS's own words may end in a dot already."""
    cause = cause_and_step(_why(operation))[0].rstrip(".")
    return f"{cause}." if cause else ""


def _forbidden(operation: Operation) -> bool:
    """Of a dry run: whether something stands in the way, other than that there is nothing to do."""
    reason = operation["told"].get("reason")
    return operation["state"] == "planned" and reason is not None and reason["code"] != "nothing_to_do"
