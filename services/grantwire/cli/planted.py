"""The trouble that was planted in the simulated organization, and whether a sync met exactly that."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from grantwire.cli.exits import Exit, Stop
from grantwire.contracts.connectors import Connector

_ENTERED: Final = ("iam", "credentials")  # what is read inside an account, and so not where nobody gets in
_UNKNOWABLE: Final = ("scim_user.read_at",)  # the simulation cannot know when it was asked
_CLOSED: Final = "the account is "  # what the simulation says of an account that AWS itself has closed


@dataclass(frozen=True)
class Oracle:
    """The simulation's own pages: what is true, whatever anybody read."""

    endpoint: str
    reader: str
    plan: str
    sources: tuple[str, ...]

    async def troubles(self) -> dict[str, str]:
        """Why the reader cannot enter some accounts, by account."""
        found: dict[str, str] = (await self._ask("truth/unreachable", {"reader": self.reader})).json()
        return found

    async def lines(self) -> list[str]:
        """What a perfect reader would export."""
        return (await self._ask("truth", self._told({"reader": self.reader}))).text.splitlines()

    async def unread(self) -> list[str]:
        """What the plan cannot read."""
        found: list[str] = (await self._ask("truth/unread", self._told({}))).json()
        return [*found, *_UNKNOWABLE]

    def _told(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"plan": self.plan, "sources": ",".join(self.sources), **more}

    async def organization(self) -> dict[str, Any]:
        """Units and accounts as they are now."""
        found: dict[str, Any] = (await self._ask("organization")).json()
        return found

    async def move(self, account: str, parent: str) -> None:
        """Put an account into another unit."""
        await self._ask("organization", body={"move": [account, parent]})

    async def _ask(
        self, page: str, params: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        try:
            async with httpx.AsyncClient(base_url=self.endpoint, trust_env=False, timeout=30.0) as http:
                answer = await http.request("POST" if body else "GET", f"/_sandbox/{page}", params=params, json=body)
                return answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Stop(Exit.FAILED, f"The simulated AWS does not answer at {self.endpoint}: {error}.") from error


def sources_of(connector: Connector) -> tuple[str, ...]:
    """What a connector reads, as the simulation calls it."""
    read = {
        "organization": connector.organizations,
        "iam": True,
        "credentials": connector.sync_secrets,
        "identity_center": connector.identity_center,
        "scim": connector.scim,
    }
    return tuple(name for name, wanted in read.items() if wanted)


def wanted_state(why: str) -> str:
    """Accounts that AWS closed are unreachable, and no failure; what a child role refuses is one."""
    return "unreachable" if why.startswith(_CLOSED) else "stale"


def differences(troubles: Mapping[str, str], scopes: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[str]:
    """How the scopes that are not complete differ from the planted ones, a sentence each. An account that cannot be
    entered has none of the scopes that are read inside accounts, as far as any account has them."""
    met = {each["scope"]: (state, each) for state in ("stale", "unreachable") for each in scopes[state]}
    seen = {each["scope"].partition("/")[0] for parts in scopes.values() for each in parts} | {"iam"}
    inside = [source for source in _ENTERED if source in seen]
    planted = {f"{source}/{account}": why for account, why in troubles.items() for source in inside}
    said = [_missed(scope, why) for scope, why in sorted(planted.items()) if scope not in met]
    for scope, (state, each) in sorted(met.items()):
        if scope not in planted:
            said.append(f"{scope} is {state}, and nothing was planted there: {each['reason'] or 'no reason is known'}")
        elif state != wanted_state(planted[scope]):
            said.append(f"{scope} is {state} and should be {wanted_state(planted[scope])}: {planted[scope]}")
    return said


def _missed(scope: str, why: str) -> str:
    return f"{scope} should be {wanted_state(why)} ({why}), and is not"
