"""The accounts of nats-server's configuration: the house and a user for each identity, and an account for each team.

A team's publications reach the house under a subject that the server puts the team's name into; an export names the one
account that may import it, so no team can speak as another or hear it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from grantwire.contracts.streams import CHANGES
from grantwire.contracts.subjects import CHANGES_INFO
from grantwire.identity.manifest import IDENTITIES, RELOADER, TEAM, Identity

HOUSE: Final = "GRANTWIRE"  # the account of the services and of every stream
SERVER: Final = "SYS"  # the server's own

# How a team reads changes from a cursor, and what it calls that.
_READ: Final = f"$JS.API.DIRECT.GET.{CHANGES.name}"
_INFO: Final = f"$JS.API.STREAM.INFO.{CHANGES.name}"

Block = dict[str, Any]


def accounts(
    keys: Mapping[str, str],
    teams: Mapping[str, str],
    *,
    identities: Sequence[Identity] = IDENTITIES,
    owners: Sequence[Block] = (),
) -> Block:
    """The block ``accounts``. ``keys`` are the public keys of identities by name, ``teams`` those of teams; an identity
    without a key cannot connect. ``owners`` are further users of the house, as the server spells them."""
    users = [*owners, *_users(keys, identities)]
    house = {"jetstream": "enabled", "users": users, "exports": _exports(sorted(teams))}
    server = {"users": _users(keys, (RELOADER,))}
    return {SERVER: server, HOUSE: house} | {account_of(team): _team(team, key) for team, key in sorted(teams.items())}


def text(block: Block) -> str:
    """The configuration as the server reads it: JSON is part of its language."""
    return f"system_account: {SERVER}\naccounts: {json.dumps(block, indent=2)}\n"


def account_of(team: str) -> str:
    """The name of a team's account."""
    return f"team-{team}"


def _users(keys: Mapping[str, str], identities: Sequence[Identity]) -> list[Block]:
    return [_user(keys[each.name], each) for each in identities if each.name in keys]


def _user(key: str, identity: Identity) -> Block:
    permissions: Block = {"publish": list(identity.publish), "subscribe": list(identity.subscribe)}
    return {"nkey": key, "permissions": permissions | ({"allow_responses": True} if identity.answers else {})}


def _exports(teams: Sequence[str]) -> list[Block]:
    """Each to named accounts: an export that names none is everybody's."""
    named = [account_of(team) for team in teams]
    shared: list[Block] = [
        *({"stream": each, "accounts": named} for each in CHANGES.subjects),
        {"service": _READ, "response_type": "stream", "accounts": named},  # a batch is many answers to one request
        {"service": _INFO, "accounts": named},
    ]
    return [block for team in teams for block in _of_one(team)] + (shared if named else [])


def _of_one(team: str) -> list[Block]:
    only = [account_of(team)]
    return [
        {"service": f"gw.cmd.{team}.>", "accounts": only},
        {"service": f"gw.ask.{team}.*", "accounts": only},
        {"stream": f"gw.outcome.{team}.>", "accounts": only},
    ]


def _team(team: str, key: str) -> Block:
    stamped = [
        {"service": _from_house(f"gw.cmd.{team}.>"), "to": "gw.cmd.>"},
        {"service": _from_house(f"gw.ask.{team}.*"), "to": "gw.ask.*"},
        {"stream": _from_house(f"gw.outcome.{team}.>"), "to": "gw.outcome.>"},
    ]
    changes = [
        *({"stream": _from_house(each)} for each in CHANGES.subjects),
        {"service": _from_house(_READ)},
        {"service": _from_house(_INFO), "to": CHANGES_INFO},
    ]
    return {"users": [_user(key, TEAM)], "imports": stamped + changes}


def _from_house(subject: str) -> Block:
    return {"account": HOUSE, "subject": subject}
