"""Commands of people: asking for a grant or a revoke, seeing how far each command is, ending one."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

import structlog
from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from grantwire.api.views import cursor_of, operation_view
from grantwire.client import Client, StillRunning
from grantwire.client.naming import command_of
from grantwire.contracts.commands import AccessCommand, Verb
from grantwire.contracts.failures import DependencyDown, NotFound
from grantwire.graph import Graph
from grantwire.graph.ends import name_ends
from grantwire.graph.operations_view import OperationView, cancel, displays, operation, operations
from grantwire.telemetry import monotonic, utc_now

log = structlog.get_logger(__name__)
REQUESTER: Final = "admin"  # whoever has the admin token: there are no people apart yet
_LOOK_EVERY: Final = 0.1
Team = Annotated[str | None, Query(description="The team that sent it: only where several chose one id")]


class Asked(BaseModel):
    """``principal`` and ``target`` as ``can`` and ``who-can`` take them; ``account`` by id or name, for a permission
    set by its name. ``id``: chosen by the caller, who may send the same again. ``wait``: seconds for the outcome."""

    model_config = ConfigDict(extra="forbid")

    verb: Verb
    principal: str = Field(min_length=1, max_length=2_048)
    target: str = Field(min_length=1, max_length=2_048)
    reason: str = Field(min_length=1, max_length=1_024)
    connector: str | None = None
    account: str | None = Field(default=None, max_length=128)
    valid_until: AwareDatetime | None = None
    dry_run: bool = False
    id: UUID = Field(default_factory=uuid4)
    wait: float = Field(default=0.0, ge=0, le=30)


@dataclass(frozen=True)
class OperationRoutes:
    graph: Graph
    commands: Client

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/operations", tags=["operations"])
        router.add_api_route("", self.ask, methods=["POST"], status_code=202)
        router.add_api_route("", self.list_all, methods=["GET"])
        router.add_api_route("/{id}", self.show, methods=["GET"])
        router.add_api_route("/{id}/events", self.events, methods=["GET"])
        router.add_api_route("/{id}/cancel", self.cancel, methods=["POST"], status_code=202)
        return router

    async def ask(self, asked: Asked, response: Response) -> dict[str, Any]:
        """Send a command on behalf of people. 202 once the bus has it; with `wait`, 200 with its outcome if that came
        in time. 404 and 409 for a name that means nothing or several things, 422 for what does not go together."""
        command = await self._command(asked)
        told = await self._sent(command, asked.wait)
        response.status_code = 202 if told is None else 200
        log.info("command asked for", command=str(command.id), verb=asked.verb, dry_run=asked.dry_run)
        href = f"/v1/operations/{command.id}"
        return {"id": command.id, "href": href, "events": f"{href}/events", "command": command.content(), "told": told}

    async def list_all(
        self,
        connector: str | None = None,
        team: str | None = None,
        open: bool | None = None,
        before: Annotated[int | None, Query(description="The last answer's `next`")] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
    ) -> dict[str, Any]:
        """The newest commands, of all teams or of one; with `open`, only those that have no outcome yet, or that do."""
        asked = {"connector": connector, "team": team}
        found = await operations(self.graph, **asked, open=open, before=before, limit=limit)
        named = await displays(self.graph, found)
        following = found[-1].operation.sequence if len(found) == limit else None
        shown = [operation_view(each, named) for each in found]
        return {"time": utc_now().isoformat(), "operations": shown, "next": following}

    async def show(self, id: UUID, team: Team = None) -> dict[str, Any]:
        """One command: state, step, when it is looked at next, its outcome, and what was noted of it."""
        found, notes = await operation(self.graph, id, team)
        named = await displays(self.graph, [found])
        lines = [{"at": each.at, "what": each.what, "detail": each.detail} for each in notes]
        return {"time": utc_now().isoformat(), **operation_view(found, named), "audit": lines}

    async def events(
        self, id: UUID, team: Team = None, after: str = "", wait: Annotated[float, Query(ge=0, le=30)] = 20.0
    ) -> dict[str, Any]:
        """The command as soon as it differs from what `after` (the last answer's `cursor`) names, or when `wait`
        seconds are over; `operation` is null while no provisioner has taken it."""
        deadline = monotonic() + wait
        while True:
            found = await self._look(id, team)
            cursor = cursor_of(_moving(found)) if found else ""
            if cursor != after or monotonic() >= deadline:
                return {"cursor": cursor, "operation": await self._shown(found) if found else None}
            await asyncio.sleep(_LOOK_EVERY)

    async def cancel(self, id: UUID, team: Team = None) -> dict[str, Any]:
        """Ask for its end. It ends as refused if nothing was written for it yet; 409 when it has ended."""
        found = await cancel(self.graph, id, REQUESTER, team)
        log.info("command cancelled", command=str(id), team=found.operation.team)
        return await self._shown(found)

    async def _command(self, asked: Asked) -> AccessCommand:
        where = {"account": asked.account, "connector": asked.connector}
        ends = await name_ends(self.graph, asked.principal, asked.target, **where)
        return command_of(
            asked.verb,
            ends.principal,
            ends.target,
            id=asked.id,
            account=ends.account,
            connector=ends.connector,
            unique_id=ends.unique_id,
            requester=REQUESTER,
            reason=asked.reason,
            valid_until=asked.valid_until,
            dry_run=asked.dry_run,
        )

    async def _sent(self, command: AccessCommand, wait: float) -> dict[str, Any] | None:
        """Its outcome, if that came within ``wait`` seconds."""
        if not wait:
            await self.commands.send(command)
            return None
        try:
            outcome = await self.commands.carry_out(command, timeout=wait)
        except StillRunning as running:
            if not running.stored:
                raise DependencyDown(str(running)) from running
            return None
        return {"state": outcome.state, **outcome.model_dump(mode="json")}

    async def _look(self, id: UUID, team: str | None) -> OperationView | None:
        try:
            found, _ = await operation(self.graph, id, team)
        except NotFound:
            return None
        return found

    async def _shown(self, found: OperationView) -> dict[str, Any]:
        return operation_view(found, await displays(self.graph, [found]))


def _moving(found: OperationView) -> tuple[Any, ...]:
    """What is news: a step, or something told; not that it was looked at once more."""
    return found.operation.step, found.operation.told, found.final_at, found.operation.cancelled_by
