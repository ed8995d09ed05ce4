"""`demo chaos`: every service a process of its own, killed during syncs; then the graph is compared with the truth."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grantwire.cli import chaos_view, simulated
from grantwire.cli.chaos_play import Play, Stage, Verdict
from grantwire.cli.children import children
from grantwire.cli.client import Api
from grantwire.cli.exits import Exit
from grantwire.cli.following import within
from grantwire.cli.live import free_port
from grantwire.cli.output import print_json, say
from grantwire.cli.planted import Oracle, sources_of
from grantwire.cli.servers import servers
from grantwire.cli.settings import Settings
from grantwire.cli.signals import Ending
from grantwire.local import StateDir
from grantwire.telemetry import monotonic

LATENCY_MS = 40  # of each simulated AWS call: a sync should last long enough to be hit


@dataclass(frozen=True)
class Options:
    """What the person asked for."""

    state_dir: Path
    simulation: simulated.Simulation
    reader: simulated.Reader
    kills: int = 6
    every: float = 4.0
    timeout: float = 300.0
    json: bool = False


async def chaos(options: Options, settings: Settings, ending: Ending) -> Exit:
    """Play it to its end. Raises ``Stop``, ``GrantwireError`` or ``StateError`` when it cannot stand."""
    begun = monotonic()
    async with _standing(options, settings) as stage:
        with chaos_view.shown(monotonic, options.kills) as view:
            play = Play(stage, view, options.kills, options.every, options.simulation.seed)
            verdict: Verdict = await within(options.timeout, play.performed())
    _tell(options, verdict, monotonic() - begun)
    return Exit.OK if verdict.equal else Exit.FAILED


@asynccontextmanager
async def _standing(options: Options, settings: Settings) -> AsyncIterator[Stage]:
    """Servers here, services there. Always from nothing: what is to be proven is that nothing gets lost on the way."""
    state = StateDir(options.state_dir)
    async with AsyncExitStack() as stack:
        stack.enter_context(state)
        simulated.make_fresh(state, options.simulation)
        latency = ("--latency-ms", str(LATENCY_MS))
        sandbox = await stack.enter_async_context(simulated.sandbox(options.simulation, *latency))
        ready = await stack.enter_async_context(servers(state, settings, traces=False, verbose=False, apart=True))
        facts = await sandbox.facts()
        simulated.aim_at(facts)
        say(simulated.title(facts), "bold yellow")
        running = await stack.enter_async_context(children(ready, free_port(state, None)))
        api = await stack.enter_async_context(Api(running.api))
        connector = simulated.connector_of(facts, options.reader)
        oracle = Oracle(facts["endpoint"], options.reader.name, options.reader.plan, sources_of(connector))
        yield Stage(running, api, oracle, connector)


def _tell(options: Options, verdict: Verdict, seconds: float) -> None:
    found: dict[str, Any] = verdict.document() | {"seconds": round(seconds, 3)}
    if options.json:
        print_json(found)
    for difference in verdict.differences[:20]:
        say(f"not equal: {difference}", "bold red")
    if len(verdict.differences) > 20:
        say(f"and {len(verdict.differences) - 20:,} more differences; --json has them all", "red")
    say(verdict.sentence(), "bold green" if verdict.equal else "bold red")
