"""The keys of the local bus: a seed for each identity and team, made at first use; and the teams there are.

The registry holds public keys only. A seed stands in a 0600 file among the state directory's secrets.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from grantwire.identity import IDENTITIES, RELOADER, new_seed, public_key
from grantwire.local.state import StateDir


class Keyring:
    """The keys in a state directory, which need not be open: another process may serve it."""

    def __init__(self, state: StateDir) -> None:
        self._state = state

    def seed_file(self, identity: str) -> Path:
        """Where the seed of an identity stands."""
        return self._file(f"nkey-{identity}")

    def team_file(self, team: str) -> Path:
        """Where the seed of a team stands."""
        return self._file(f"nkey-team-{team}")

    def public_keys(self) -> dict[str, str]:
        """Those of all identities, by name."""
        return {each.name: _public(self.seed_file(each.name)) for each in (*IDENTITIES, RELOADER)}

    def teams(self) -> dict[str, str]:
        """The public keys of the teams, by name."""
        path = self._registry
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def keep(self, teams: Mapping[str, str]) -> None:
        """Write the registry, and delete the seeds of teams that are no longer in it."""
        gone = self.teams().keys() - teams.keys()
        self._state.write(self._registry, json.dumps(dict(sorted(teams.items())), indent=2) + "\n")
        for team in gone:
            self.team_file(team).unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time changes the registry and what follows from it."""
        lock = os.open(self._state.folder("nats") / "teams.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @property
    def _registry(self) -> Path:
        return self._state.folder("nats") / "teams.json"

    def _file(self, name: str) -> Path:
        self._state.read_or_create_secret(name, new_seed)
        return self._state.secret_file(name)


def _public(file: Path) -> str:
    return public_key(file.read_text())
