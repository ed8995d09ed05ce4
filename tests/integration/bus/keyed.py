"""A server that runs the generated configuration, the keys of everybody on it, and what each is denied there."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from nats.aio.client import Client

from grantwire import bus
from grantwire.bus.login import client
from grantwire.identity import IDENTITIES, RELOADER, Identity, accounts, new_seed, public_key, text
from grantwire.identity.accounts import Block
from tests.support.nats import NatsServer

TEAMS = ("payments", "billing")


@dataclass(frozen=True)
class Keyed:
    """``seeds`` are those of identities and of teams, by name."""

    server: NatsServer
    seeds: dict[str, str]

    @asynccontextmanager
    async def connected(self, who: str, inbox: str | None = None) -> AsyncIterator[tuple[Client, list[str]]]:
        """A connection of one of them, and the server's denials as they come."""
        told: list[str] = []

        async def hear(error: Exception) -> None:
            told.append(str(error))

        connection = client(self.seeds[who])
        prefix = inbox or ("_INBOX" if who in TEAMS else f"_INBOX.{who}")
        await connection.connect(
            self.server.url, error_cb=hear, inbox_prefix=prefix, allow_reconnect=False, connect_timeout=30
        )
        try:
            yield connection, told
        finally:
            await connection.close()

    async def reload(self, *teams: str) -> None:
        """The same with other teams, while it runs."""
        for team in teams:
            self.seeds.setdefault(team, new_seed())
        self.server.rewrite(text(_block(self.seeds, IDENTITIES, teams)))
        await bus.reload(self.server.url, seed=self.seeds["reloader"])

    async def denied(self, who: str, publish: Iterable[str], subscribe: Iterable[str]) -> set[tuple[str, str]]:
        """Which of these are refused. The server answers a ping after it has said everything it refuses, so nothing is
        waited for."""
        asked = {(_told(verb, subject), (verb, subject)) for verb, subject in _asked(publish, subscribe)}
        async with self.connected(who) as (connection, told):
            for _, (verb, subject) in asked:
                await (connection.publish(subject) if verb == "publish" else connection.subscribe(subject))
            await connection.flush()  # its ping overtakes what is still to be written
            await connection.flush()
            refused = set(told)
        assert refused <= {sentence for sentence, _ in asked}, "the server said something else"
        return {what for sentence, what in asked if sentence in refused}


@contextmanager
def keyed(identities: Sequence[Identity] = IDENTITIES, teams: Sequence[str] = TEAMS) -> Iterator[Keyed]:
    """``identities`` may differ from the manifest, to see what that does."""
    seeds = {name: new_seed() for name in (*(each.name for each in (*identities, RELOADER)), *teams)}
    with NatsServer(text(_block(seeds, identities, teams))) as server:
        yield Keyed(server, seeds)


def _block(seeds: dict[str, str], identities: Sequence[Identity], teams: Sequence[str]) -> Block:
    keys = {name: public_key(seed) for name, seed in seeds.items()}
    return accounts(keys, {team: keys[team] for team in teams}, identities=identities)


def _asked(publish: Iterable[str], subscribe: Iterable[str]) -> list[tuple[str, str]]:
    return [("publish", each) for each in publish] + [("subscribe", each) for each in subscribe]


def _told(verb: str, subject: str) -> str:
    """The server's sentence, as the client library hands it over: in small letters."""
    to = "publish to" if verb == "publish" else "subscription to"
    return f'nats: permissions violation for {to} "{subject}"'.lower()
