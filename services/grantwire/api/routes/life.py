"""A connector's life: what to make in AWS for it, its role, trying it out, pausing it, what was changed when."""

from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, Response
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, ConfigDict

from grantwire.api.keeping import UNACCEPTED, Keeper
from grantwire.api.merging import changed, version_of
from grantwire.api.problems import Contradictory
from grantwire.api.routes.connectors import Changes, IfMatch, answer
from grantwire.api.setups import setup_view
from grantwire.api.views import connector_view
from grantwire.aws import Check
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import Invalid
from grantwire.graph import Graph, connectors, pausing, versions
from grantwire.telemetry import current_traceparent

log = structlog.get_logger(__name__)


class Role(BaseModel):
    """``external_id``: another than the one that the connector has. ``version``: what the change was made for."""

    model_config = ConfigDict(extra="forbid")
    role_arn: str
    external_id: str | None = None
    version: int | None = None


class Pause(BaseModel):
    """``reason`` is shown as long as the pause lasts."""

    model_config = ConfigDict(extra="forbid")
    reason: str | None = None


@dataclass(frozen=True)
class LifeRoutes:
    graph: Graph
    keeper: Keeper

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/connectors/{connector_id}", tags=["connectors"])
        router.add_api_route("/setup", self.setup, methods=["GET"])
        router.add_api_route("/role", self.set_role, methods=["PUT"])
        router.add_api_route("/test", self.test, methods=["POST"])
        router.add_api_route("/pause", self.pause, methods=["POST"])
        router.add_api_route("/resume", self.resume, methods=["POST"])
        router.add_api_route("/versions", self.versions, methods=["GET"])
        return router

    async def setup(self, connector_id: str) -> dict[str, Any]:
        """The roles to make in AWS, with their trust and permission policies: exactly what is called for the features
        that are on. External ids are shown while the connector is a draft."""
        stored = await connectors.get(self.graph, connector_id)
        connector, reveal = await self.keeper.settings(stored), stored.state in UNACCEPTED
        return setup_view(await self.keeper.door.setup(connector, reveal=reveal), connector, reveal=reveal)

    async def set_role(
        self, connector_id: str, role: Role, response: Response, if_match: IfMatch = None
    ) -> dict[str, Any]:
        """Give the connector its role: checked against AWS, and its first sync asked for. A draft whose role is refused
        is `failed`, with the reason; a connector that works keeps the role it has."""
        given = role.model_dump(exclude_unset=True)
        expected = version_of(if_match, given.pop("version", None))
        return answer(await self.keeper.change(connector_id, given, expected=expected), response, 200)

    async def test(self, connector_id: str, changes: Changes | None = None) -> dict[str, Any]:
        """Try the settings out, or what they would be with some of them changed. Nothing is saved, nothing written;
        `ok` is whether everything that is required works."""
        stored = await connectors.get(self.graph, connector_id)
        connector = changed(await self.keeper.settings(stored), changes or {})
        found = await self._checks(connector)
        ok = all(each.state != "failed" for each in found if each.required)
        return {"connector": connector_id, "ok": ok, "saved": False, "checks": jsonable_encoder(found)}

    async def pause(self, connector_id: str, wanted: Pause | None = None) -> dict[str, Any]:
        """Begin no run until it is resumed, by interval or by hand. What is being read right now is read to its end."""
        paused = await pausing.pause(self.graph, connector_id, wanted.reason if wanted else None)
        log.info("connector paused", connector=connector_id, already=not paused)
        return {"connector": connector_view(await connectors.get(self.graph, connector_id)), "changed": paused}

    async def resume(self, connector_id: str) -> dict[str, Any]:
        """Let it run again, and ask for a sync. Nothing happens to a connector that is not paused."""
        run = await pausing.resume(self.graph, connector_id, traceparent=current_traceparent())
        log.info("connector resumed", connector=connector_id, run=run)
        stored = await connectors.get(self.graph, connector_id)
        return {"connector": connector_view(stored), "changed": run is not None, "run": run}

    async def versions(self, connector_id: str) -> dict[str, Any]:
        """When its settings were changed, and what was: the newest first. Of secrets only that they were set."""
        found = await versions.versions(self.graph, connector_id)
        return {"connector": connector_id, "versions": jsonable_encoder(found[::-1])}

    async def _checks(self, connector: Connector) -> list[Check]:
        try:
            self.keeper.require_sense(connector)
        except Contradictory as error:
            return [_wrong(name, message) for name, message in error.fields]
        except Invalid as error:
            return [_wrong(error.field, str(error))]
        return await self.keeper.door.check(connector)


def _wrong(field: str, message: str) -> Check:
    cause, _, step = message.partition("; next: ")
    return Check("settings", "failed", f"{field}: {cause.removesuffix('.')}.", step, field)
