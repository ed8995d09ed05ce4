"""Teams on the bus: added, listed, taken out; at once where the embedded NATS runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grantwire import bus
from grantwire.cli.settings import Settings, demo_state_dir, is_served, up_state_dir
from grantwire.contracts.failures import Conflict, Invalid, NotFound
from grantwire.contracts.ids import ITSELF, OPERATORS, TEAM
from grantwire.identity import RELOADER, accounts, public_key, text
from grantwire.local import Nats, StateDir
from grantwire.local.errors import Locked

_TAKEN: Final = {OPERATORS: "the people who use Grantwire", ITSELF: "Grantwire itself"}
_PATIENCE: Final = 5.0


@dataclass(frozen=True)
class Team:
    """``url`` is where it connects with the key in ``seed_file``; ``configuration`` what a server that is not ours must
    be given, ``now`` whether it can connect already."""

    name: str
    key: str
    seed_file: Path
    url: str
    now: bool = False
    configuration: str | None = None


def place(state_dir: Path | None, settings: Settings) -> StateDir:
    """Where the teams are kept: the directory that was named, or that of the Grantwire that runs, or else `up`'s."""
    if chosen := state_dir or settings.state_dir:
        return StateDir(chosen)
    served = [each for each in (up_state_dir(), demo_state_dir()) if is_served(each)]
    return StateDir(served[0] if served else up_state_dir())


async def add(state: StateDir, name: str, elsewhere: str | None) -> Team:
    """A new team with a key of its own. ``elsewhere`` is the URL of a NATS that is not ours.

    Raises ``Invalid``, ``Conflict`` for a name that is taken, and what `bus.reload` raises.
    """
    _require_name(name)
    async with _teams(state) as (nats, running):
        async with nats.changing_teams() as teams:
            if name in teams:
                raise Conflict(f"There is a team {name} already; `grantwire team list` shows them.")
            file = nats.keyring.team_file(name)
            teams[name] = public_key(file.read_text())
        now = running and elsewhere is None
        if now:
            await _reload(nats)
            await bus.admitted(nats.address, seed=file.read_text(), patience=_PATIENCE)
        shown = _configuration(nats) if elsewhere is not None else None
        return Team(name, teams[name], file, bus.without_credentials(elsewhere or nats.address), now, shown)


async def remove(state: StateDir, name: str, elsewhere: str | None) -> str | None:
    """Take a team out: its connections end, its key is worthless. The configuration for a NATS that is not ours.

    Raises ``NotFound``, and what `bus.reload` raises.
    """
    async with _teams(state) as (nats, running):
        async with nats.changing_teams() as teams:
            if name not in teams:
                raise NotFound(f"There is no team {name}; `grantwire team list` shows those there are.")
            del teams[name]
        if running and elsewhere is None:
            await _reload(nats)
        return _configuration(nats) if elsewhere is not None else None


async def all_of(state: StateDir, elsewhere: str | None) -> list[Team]:
    """Every team, by name."""
    if not state.path.exists():  # to look makes nothing
        return []
    async with _teams(state) as (nats, _):
        url = bus.without_credentials(elsewhere or nats.address)
        return [Team(name, key, nats.keyring.team_file(name), url) for name, key in nats.keyring.teams().items()]


async def configuration(state: StateDir) -> str:
    """The accounts and users for a NATS that is not ours."""
    async with _teams(state) as (nats, _):
        return _configuration(nats)


def _configuration(nats: Nats) -> str:
    return text(accounts(nats.keyring.public_keys(), nats.keyring.teams()))


async def _reload(nats: Nats) -> None:
    await bus.reload(nats.address, seed=nats.keyring.seed_file(RELOADER.name).read_text(), patience=_PATIENCE)


@asynccontextmanager
async def _teams(state: StateDir) -> AsyncIterator[tuple[Nats, bool]]:
    """The embedded NATS of a state directory, and whether another process runs it."""
    try:
        state.open()
    except Locked:
        yield Nats(state), True
        return
    with state:
        yield Nats(state), False


def _require_name(name: str) -> None:
    if not TEAM.fullmatch(name):
        said = f"{name!r} cannot be the name of a team: lower-case letters, digits and hyphens, at most 63."
        raise Invalid(said, "name")
    if name in _TAKEN:
        raise Invalid(f"{name} is the name of {_TAKEN[name]}; choose another.", "name")
