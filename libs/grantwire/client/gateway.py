"""The client of a real Grantwire."""

from grantwire.client.client import Client
from grantwire.client.link import Link
from grantwire.client.login import Login
from grantwire.client.waiting import Pace


class Grantwire(Client):
    """``async with Grantwire(url, nkey_seed=…) as gw: outcome = await gw.grant(…)``.

    ``url`` may name several servers, separated by commas; ``nkey_seed`` is the team's key. ``team`` is only for a
    service in Grantwire's own account, and names whom it speaks for. Entering raises ``DependencyDown`` when no server
    lets it in within ``patience`` seconds (None: it waits as long as it takes).
    """

    def __init__(
        self,
        url: str,
        *,
        nkey_seed: str | None = None,
        name: str = "grantwire-client",
        inbox: str = "_INBOX",
        team: str | None = None,
        patience: float | None = 10.0,
        pace: Pace | None = None,
    ) -> None:
        super().__init__(Link(Login(url, nkey_seed, team, name, inbox, patience)), pace)
