"""`up` and `demo`: everything started, every connector synced once, told; then until Ctrl-C, or done."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from grantwire import telemetry
from grantwire.cli import exporting, pasting, simulated, summary
from grantwire.cli.client import Api
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.following import Synced, sync_all, within
from grantwire.cli.house import House, house
from grantwire.cli.output import print_json, print_stop, say
from grantwire.cli.planted import Oracle, differences, sources_of
from grantwire.cli.progress import shown
from grantwire.cli.servers import servers
from grantwire.cli.settings import Settings
from grantwire.cli.signals import Ending
from grantwire.contracts.connectors import Connector
from grantwire.local import StateDir, ports
from grantwire.telemetry import monotonic

_AT_REST: Final = ("draft", "failed", "paused")


@dataclass(frozen=True)
class Options:
    """What the person asked for."""

    command: str
    state_dir: Path
    begun: float
    connectors: list[Connector] = field(default_factory=list)
    exit_when_synced: bool = False
    export: Path | None = None
    json: bool = False
    port: int | None = None
    traces: bool = True
    timeout: float = 600.0
    verbose: bool = False
    simulation: simulated.Simulation | None = None
    reader: simulated.Reader = field(default_factory=simulated.Reader)
    keep: bool = False


@dataclass(frozen=True)
class Told:
    """The summary, and what stands behind it. ``differences`` is None where nothing was planted."""

    synced: Synced
    summary: dict[str, Any]
    differences: list[str] | None = None

    @property
    def code(self) -> Exit:
        if self.differences is None:
            return summary.exit_of(self.synced)
        return summary.as_planted(self.synced, self.differences)


@dataclass(frozen=True)
class Standing:
    """The house, what to sync there, and who knows what a simulation planted."""

    house: House
    connectors: list[Connector]
    oracle: Oracle | None


async def live(options: Options, settings: Settings, ending: Ending) -> Exit:
    """Run the whole house. Raises ``Stop``, ``GrantwireError`` or ``StateError`` when it cannot stand."""
    async with _standing(options, settings) as standing:
        running = standing.house
        say(
            f"Grantwire is up at {running.api.url}"
            + (f", traces at {running.api.traces}" if running.api.traces else "")
        )
        told: Told = await within(options.timeout, _synced(options, standing))
        _tell(options, told)
        if options.exit_when_synced:
            return told.code
        await pasting.tell(options.command, running, told.summary)
        await ending.asked()
        say("Stopping; the state is kept.")
    return Exit.OK


@asynccontextmanager
async def _standing(options: Options, settings: Settings) -> AsyncIterator[Standing]:
    state = StateDir(options.state_dir)
    async with AsyncExitStack() as stack:
        stack.enter_context(state)
        port = free_port(state, options.port)
        sandbox = await _sandbox(stack, state, options)
        ready = await stack.enter_async_context(
            servers(state, settings, traces=options.traces, verbose=options.verbose)
        )
        connectors, oracle = options.connectors, None
        if sandbox is not None:
            connectors, oracle = await _aimed(sandbox, options)
        yield Standing(await stack.enter_async_context(house(ready, port)), connectors, oracle)


def free_port(state: StateDir, wanted: int | None) -> int:
    """Known before anything is started. Raises ``Stop`` when somebody else listens there."""
    port = state.port("api") if wanted is None else wanted
    if port and not ports.is_free(port):
        holder = ports.holder(port) or "another process"
        said = f"Port {port} on 127.0.0.1, where the api should listen, is in use by {holder}."
        raise Stop(Exit.CONFLICT, said, "Stop that process, or choose another port with --port (0: any that is free).")
    return port


async def _sandbox(stack: AsyncExitStack, state: StateDir, options: Options) -> simulated.Sandbox | None:
    if options.simulation is None:
        return None
    if said := simulated.make_room(state, options.simulation, keep=options.keep):
        say(said, "bold yellow")
    return await stack.enter_async_context(simulated.sandbox(options.simulation))


async def _aimed(sandbox: simulated.Sandbox, options: Options) -> tuple[list[Connector], Oracle | None]:
    """Before any service is built: AWS clients read the environment when they are made."""
    facts = await sandbox.facts()
    simulated.aim_at(facts)
    say(simulated.title(facts), "bold yellow")
    if options.connectors:
        return options.connectors, None
    connector = simulated.connector_of(facts, options.reader)
    oracle = Oracle(facts["endpoint"], options.reader.name, options.reader.plan, sources_of(connector))
    return [connector], oracle


async def _synced(options: Options, standing: Standing) -> Told:
    """One trace from the command to the last change."""
    begun, running = monotonic(), standing.house
    async with Api(running.api, telemetry.current_traceparent) as asking, Api(running.api) as waiting:
        with telemetry.span("cli", f"grantwire {options.command}") as root, shown(monotonic) as progress:
            others = await _others(waiting, standing.connectors)
            synced = await sync_all(asking, waiting, standing.connectors, others, progress)
            took = monotonic() - begun
            trace_id = format(root.get_span_context().trace_id, "032x")
        _require_any(options, synced)
        found = await _summed_up(options, running, waiting, synced, took, trace_id)
    return await _judged(standing, Told(synced, found))


async def _judged(standing: Standing, told: Told) -> Told:
    """With what a simulation planted beside what was met."""
    if standing.oracle is None:
        return told
    troubles = await standing.oracle.troubles()
    found = differences(troubles, told.summary["scopes"])
    planted = {"accounts": troubles, "met": not found, "differences": found}
    return Told(told.synced, told.summary | {"planted": planted}, found)


async def _others(api: Api, connectors: list[Connector]) -> list[str]:
    """Connectors of earlier times are synced as well; not those that are drafts or paused."""
    named = {connector.id for connector in connectors}
    found = (await api.get("/v1/connectors"))["connectors"]
    return [each["id"] for each in found if each["id"] not in named and each["state"] not in _AT_REST]


def _require_any(options: Options, synced: Synced) -> None:
    if synced.refused and not synced.runs and len(synced.refused) == 1:
        raise next(iter(synced.refused.values()))
    if options.exit_when_synced and not synced.runs and not synced.refused:
        raise Stop(Exit.USAGE, "There is no connector to sync.", "Name a file with --connectors connectors.yaml.")


async def _summed_up(
    options: Options, running: House, api: Api, synced: Synced, took: float, trace_id: str
) -> dict[str, Any]:
    counts = await exporting.counted(api, options.export)
    found = summary.summary(counts, await api.get("/v1/status"), synced)
    traces = None if options.exit_when_synced else running.api.traces  # the viewer ends with this process
    return found | {
        "seconds": round(monotonic() - options.begun, 3),
        "sync_seconds": round(took, 3),
        "trace_id": trace_id if any(char != "0" for char in trace_id) else None,
        "trace": f"{traces}/traces/{trace_id}" if traces else None,
        "export": str(options.export) if options.export else None,
    }


def _tell(options: Options, told: Told) -> None:
    for name, stop in told.synced.refused.items():
        print_stop(Stop(stop.code, f"Connector {name}: {stop}", stop.next_step, stop.candidates))
    if options.json:
        print_json(told.summary)
    else:
        pasting.print_summary(told.summary)
    _tell_planted(told)


def _tell_planted(told: Told) -> None:
    """Whether the trouble that was met is the trouble that was planted."""
    for difference in told.differences or ():
        say(f"not as planted: {difference}", "bold red")
    if told.differences == [] and (planted := told.summary["planted"]["accounts"]):
        say(f"As planted: exactly {len(planted)} accounts cannot be read, and every other one is complete.", "green")
