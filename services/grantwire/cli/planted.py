"""The trouble that was planted in the simulated organization, and whether a sync met exactly that."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from grantwire.cli.exits import Exit, Stop

_CLOSED: Final = "the account is "  # what the simulation says of an account that AWS itself has closed


@dataclass(frozen=True)
class Oracle:
    """The simulation's own pages: what is true, whatever anybody read."""

    endpoint: str
    reader: str
    plan: str

    async def troubles(self) -> dict[str, str]:
        """Why the reader cannot enter some accounts, by account."""
        found: dict[str, str] = (await self._ask("truth/unreachable", reader=self.reader)).json()
        return found

    async def lines(self) -> list[str]:
        """What a perfect reader would export."""
        return (await self._ask("truth", reader=self.reader, plan=self.plan)).text.splitlines()

    async def unread(self) -> list[str]:
        """What the plan cannot read."""
        found: list[str] = (await self._ask("truth/unread", plan=self.plan)).json()
        return found

    async def organization(self) -> dict[str, Any]:
        """Units and accounts as they are now."""
        found: dict[str, Any] = (await self._ask("organization")).json()
        return found

    async def move(self, account: str, parent: str) -> None:
        """Put an account into another unit."""
        await self._ask("organization", {"move": [account, parent]})

    async def _ask(self, page: str, body: Mapping[str, Any] | None = None, **params: str) -> httpx.Response:
        try:
            async with httpx.AsyncClient(base_url=self.endpoint, trust_env=False, timeout=30.0) as http:
                answer = await http.request("POST" if body else "GET", f"/_sandbox/{page}", params=params, json=body)
                return answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Stop(Exit.FAILED, f"The simulated AWS does not answer at {self.endpoint}: {error}.") from error


def wanted_state(why: str) -> str:
    """Accounts that AWS closed are unreachable, and no failure; what a child role refuses is one."""
    return "unreachable" if why.startswith(_CLOSED) else "stale"


def differences(troubles: Mapping[str, str], scopes: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[str]:
    """How the scopes that are not complete differ from the planted ones, a sentence each."""
    met = {each["scope"]: (state, each) for state in ("stale", "unreachable") for each in scopes[state]}
    planted = {f"iam/{account}": why for account, why in troubles.items()}
    said = [_missed(scope, why) for scope, why in sorted(planted.items()) if scope not in met]
    for scope, (state, each) in sorted(met.items()):
        if scope not in planted:
            said.append(f"{scope} is {state}, and nothing was planted there: {each['reason'] or 'no reason is known'}")
        elif state != wanted_state(planted[scope]):
            said.append(f"{scope} is {state} and should be {wanted_state(planted[scope])}: {planted[scope]}")
    return said


def _missed(scope: str, why: str) -> str:
    return f"{scope} should be {wanted_state(why)} ({why}), and is not"
