"""Who may do what on the bus: every identity × every operation of a closed list, on the real server.

The table is written by hand and knows nothing of the manifest. What is not in it must be denied; the server is asked.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from grantwire.identity import IDENTITIES, RELOADER, TEAM, Identity
from tests.integration.bus.keyed import TEAMS, Keyed, keyed

SOURCES: Final = {
    "organization": "collector-organization",
    "iam": "collector-iam",
    "credentials": "collector-credentials",
    "identity_center": "collector-identity-center",
    "scim": "collector-scim",
}
COLLECTORS: Final = set(SOURCES.values())
HOUSE: Final = {"scheduler", *COLLECTORS, "projector", "provisioner", "relay", "api", "admin", "reloader"}
STREAMS: Final = ("JOBS", "SNAPSHOTS", "COMMANDS", "OUTCOMES", "CHANGES", "DEAD", "ADVISORIES")
DURABLES: Final = {  # whose it is, and on which stream
    **{f"{name}-collect-scope": (name, "JOBS") for name in COLLECTORS},
    "projector-snapshot-sealed": ("projector", "SNAPSHOTS"),
    "provisioner-grant-access": ("provisioner", "COMMANDS"),
    "provisioner-revoke-access": ("provisioner", "COMMANDS"),
    "relay-message-exhausted": ("relay", "ADVISORIES"),
}
ADVISORY: Final = "$JS.EVENT.ADVISORY.CONSUMER"
EVERYBODY: Final = (*IDENTITIES, RELOADER)
Rows = dict[str, set[str]]


def messages() -> Rows:
    """Who publishes what."""
    rows: Rows = {}
    for source, collector in SOURCES.items():
        rows[f"gw.job.{source}.prod.scope"] = {"scheduler", "api"}  # the api puts a dead one back
        rows[f"gw.snapshot.prod.{source}.scope"] = {collector, "api"}  # likewise
        rows[f"gw.fence.prod.{source}.scope"] = {"provisioner"}
        rows[f"gw.resources.prod.{source}.scope"] = {collector}
    for team in ("operators", *TEAMS):
        for verb in ("grant", "revoke"):
            rows[f"gw.cmd.{team}.prod.123456789012.{verb}"] = {"api"} if team == "operators" else set()
            rows[f"gw.outcome.{team}.prod.123456789012.{verb}"] = {"relay"}
        rows[f"gw.cmd.{team}.prod.123456789012.other"] = set()
        rows[f"gw.ask.{team}.id"] = {"api"} if team == "operators" else set()
    rows["gw.change.prod.123456789012.iam_user"] = {"relay"}
    rows["gw.other"] = set()
    rows |= {f"{ADVISORY}.{what}.JOBS.x": {"api"} for what in ("MAX_DELIVERIES", "MSG_TERMINATED")}
    rows |= {f"gw.dead.{stream}.{name}": {owner, "relay"} for name, (owner, stream) in DURABLES.items()}
    return (
        rows
        | {f"_INBOX.{name}.x.1": set() for name in HOUSE}
        | {
            "_INBOX.x": set(),
            "$SYS.REQ.SERVER.PING": set(),
            "$SYS.REQ.SERVER.X.RELOAD": {"reloader"},
            "$SYS.REQ.SERVER.X.KICK": set(),
        }
    )


def administration() -> Rows:
    """Streams and consumers: who makes, changes, empties, reads."""
    rows: Rows = {
        f"$JS.API.{each}": set() for each in ("INFO", "STREAM.NAMES", "STREAM.LIST", "ACCOUNT.PURGE.GRANTWIRE")
    }
    for stream in STREAMS:
        for act in ("CREATE", "UPDATE", "DELETE", "PURGE", "INFO", "MSG.GET", "MSG.DELETE", "SNAPSHOT", "RESTORE"):
            rows[f"$JS.API.STREAM.{act}.{stream}"] = set()
        rows |= {f"$JS.API.CONSUMER.{act}.{stream}": set() for act in ("NAMES", "LIST", "CREATE")}
        rows |= {f"$JS.API.DIRECT.GET.{stream}": set(), f"$JS.API.DIRECT.GET.{stream}.gw.x": set()}
        rows |= {f"$JS.API.CONSUMER.CREATE.{stream}.mine.gw.x": set(), f"$JS.API.STREAM.PEER.REMOVE.{stream}": set()}
        rows |= {f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.mine": set()}
    rows["$JS.API.STREAM.PURGE.JOBS"] |= {"scheduler"}
    rows["$JS.API.STREAM.INFO.SNAPSHOTS"] |= {*COLLECTORS, "projector"}
    rows["$JS.API.DIRECT.GET.SNAPSHOTS"] |= {"projector"}
    rows["$JS.API.STREAM.MSG.DELETE.JOBS"] |= {"relay"}
    for stream in ("JOBS", "SNAPSHOTS", "COMMANDS", "ADVISORIES"):
        rows[f"$JS.API.STREAM.MSG.GET.{stream}"] |= {"relay"}
    for subject in ("DIRECT.GET.DEAD", "STREAM.MSG.DELETE.DEAD"):
        rows[f"$JS.API.{subject}"] |= {"api"}
    return {subject: {*who, "admin"} for subject, who in rows.items()}


def durables() -> Rows:
    """Who receives from which durable consumer; whoever does not own it can do nothing with it."""
    rows: Rows = {}
    for name, (owner, stream) in DURABLES.items():
        rows |= {f"$JS.API.CONSUMER.{act}.{stream}.{name}": {owner, "admin"} for act in ("INFO", "MSG.NEXT")}
        rows[f"$JS.ACK.{stream}.{name}.1.2.3.4.5"] = {owner}
        for act in ("CREATE", "DELETE", "PAUSE", "RESET", "UNPIN", "LEADER.STEPDOWN"):
            rows[f"$JS.API.CONSUMER.{act}.{stream}.{name}"] = {"admin"}
    return rows


def subscriptions() -> Rows:
    """Who hears what beside his own inbox."""
    rows: Rows = {f"_INBOX.{name}.>": {name} for name in HOUSE}
    rows |= {f"gw.outcome.{team}.>": {"api"} if team == "operators" else set() for team in ("operators", *TEAMS)}
    rows |= {"gw.ask.*.*": {"provisioner"}, "gw.ask.payments.*": {"provisioner"}, "gw.ask.>": set()}
    kinds = ("job", "snapshot", "resources", "cmd", "outcome", "change", "dead")
    rows |= {f"gw.{kind}.>": set() for kind in kinds}
    return rows | {each: set() for each in (">", "gw.>", "_INBOX.>", "_INBOX.*", "$JS.>", "$JS.ACK.>", "$SYS.>")}


PUBLISH: Final = messages() | administration() | durables()
SUBSCRIBE: Final = subscriptions()


async def differences(bus: Keyed, names: set[str]) -> list[str]:
    """One line for everything that is allowed although it should not be, or the other way round."""
    found = []
    for name in sorted(names):
        denied = await bus.denied(name, PUBLISH, SUBSCRIBE)
        for verb, rows in (("publish", PUBLISH), ("subscribe", SUBSCRIBE)):
            for subject, may in rows.items():
                if (name in may) is ((verb, subject) in denied):
                    found.append(f"{name} {'cannot' if name in may else 'can'} {verb} {subject}")
    return found


@pytest.fixture(scope="module")
def bus() -> Iterator[Keyed]:
    with keyed() as running:
        yield running


async def test_every_identity_can_do_what_the_table_says_and_nothing_else(bus: Keyed) -> None:
    assert {each.name for each in EVERYBODY} == HOUSE
    assert await differences(bus, HOUSE) == []


@pytest.mark.parametrize("subject", ["gw.cmd.>", "gw.>", "$JS.API.STREAM.DELETE.*", "_INBOX.relay.>", ">"])
async def test_one_permission_too_many_is_found(subject: str) -> None:
    broad = tuple(_widened(each, subject) if each.name == "collector-iam" else each for each in IDENTITIES)
    with keyed(broad) as bus:
        found = await differences(bus, {"collector-iam"})
    assert found and all(line.startswith("collector-iam can publish") for line in found)


async def test_one_permission_too_few_is_found() -> None:
    less = tuple(replace(each, publish=each.publish[1:]) if each.name == "relay" else each for each in IDENTITIES)
    with keyed(less) as bus:
        assert await differences(bus, {"relay"}) == [
            "relay cannot publish $JS.API.CONSUMER.INFO.ADVISORIES.relay-message-exhausted"
        ]


@pytest.mark.parametrize("identity", EVERYBODY, ids=lambda each: each.name)
def test_the_table_asks_for_everything_that_is_listed(identity: Identity) -> None:
    """A permission that no row exercises would be allowed unseen."""
    for listed, rows in ((identity.publish, PUBLISH), (identity.subscribe, SUBSCRIBE)):
        allowed = [subject for subject, may in rows.items() if identity.name in may]
        assert [each for each in listed if not any(covers(each, subject) for subject in allowed)] == []


TEAM_PUBLISH: Final = {
    "gw.cmd.prod.123456789012.grant",
    "gw.cmd.prod.123456789012.revoke",
    "gw.ask.id",
    "$JS.API.DIRECT.GET.CHANGES",
    "gw.changes.info",
}
TEAM_SUBSCRIBE: Final = {"gw.outcome.>", "gw.outcome.prod.123456789012.grant", "gw.change.>", "_INBOX.>"}


@pytest.mark.parametrize("team", TEAMS)
async def test_a_team_can_send_commands_ask_and_hear_and_nothing_else(bus: Keyed, team: str) -> None:
    everything = {*PUBLISH, *TEAM_PUBLISH}, {*SUBSCRIBE, *TEAM_SUBSCRIBE}
    denied = await bus.denied(team, *everything)
    own = {f"_INBOX.{name}.>" for name in HOUSE} | {"_INBOX.*"}  # in an account of its own they are nobody else's
    outcomes = {subject for subject in SUBSCRIBE if subject.startswith("gw.outcome.")}  # likewise: never the house's
    assert {subject for verb, subject in denied if verb == "publish"} == everything[0] - TEAM_PUBLISH
    assert {subject for verb, subject in denied if verb == "subscribe"} == (
        everything[1] - TEAM_SUBSCRIBE - own - outcomes
    )


def test_the_team_s_list_holds_everything_that_a_team_may() -> None:
    assert [each for each in TEAM.publish if not any(covers(each, subject) for subject in TEAM_PUBLISH)] == []
    assert set(TEAM.subscribe) <= TEAM_SUBSCRIBE


def _widened(identity: Identity, subject: str) -> Identity:
    return replace(identity, publish=(*identity.publish, subject))


def covers(pattern: str, subject: str) -> bool:
    """Whether a subject is one of those that a pattern stands for."""
    wanted, given = pattern.split("."), subject.split(".")
    for index, token in enumerate(wanted):
        if token == ">":
            return len(given) > index
        if index >= len(given) or token not in ("*", given[index]):
            return False
    return len(wanted) == len(given)
