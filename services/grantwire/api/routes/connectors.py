"""Connectors: adding one (checked against AWS first), reading, changing and removing them, asking for a sync."""

import secrets
from dataclasses import dataclass
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Body, Header, Query, Response
from pydantic import BaseModel, ConfigDict

from grantwire.api.keeping import Keeper, Saved, with_external_id
from grantwire.api.merging import version_of
from grantwire.api.setups import setup_view
from grantwire.api.views import connector_view, retired_view
from grantwire.contracts.connectors import Connector
from grantwire.graph import Graph, connectors, retiring

log = structlog.get_logger(__name__)
EXTERNAL_ID_BYTES: Final = 32  # of chance: 43 characters

IfMatch = Annotated[str | None, Header(alias="If-Match", description="The version that the change was made for.")]
Changes = Annotated[
    dict[str, Any],
    Body(
        description="Fields of a connector; null: back to the default. `version`: what the change was made for.",
        examples=[{"interval": "1h", "exclude_ous": ["ou-ab12-sandbox00"], "version": 3}],
    ),
]


class SyncRequest(BaseModel):
    """``full`` asks for the whole content even where nothing changed."""

    model_config = ConfigDict(extra="forbid")
    full: bool = False


@dataclass(frozen=True)
class ConnectorRoutes:
    graph: Graph
    keeper: Keeper

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/connectors", tags=["connectors"])
        router.add_api_route("", self.list_all, methods=["GET"])
        router.add_api_route("", self.put, methods=["POST"], status_code=201)
        router.add_api_route("/{connector_id}", self.get, methods=["GET"])
        router.add_api_route("/{connector_id}", self.change, methods=["PATCH"])
        router.add_api_route("/{connector_id}", self.remove, methods=["DELETE"])
        router.add_api_route("/{connector_id}/sync", self.sync, methods=["POST"], status_code=202)
        return router

    async def list_all(self) -> dict[str, Any]:
        """Every connector. Secrets are shown as "set"."""
        return {"connectors": [connector_view(stored) for stored in await connectors.list_all(self.graph)]}

    async def get(self, connector_id: str, response: Response) -> dict[str, Any]:
        """One connector with its log; its ETag is the version of its settings. 404 names the connectors there are."""
        stored = await connectors.get(self.graph, connector_id)
        response.headers["ETag"] = f'"{stored.version}"'
        return connector_view(stored)

    async def put(
        self,
        connector: Connector,
        response: Response,
        draft: Annotated[bool, Query(description="Keep it without asking AWS; it is read once it has a role.")] = False,
        if_match: IfMatch = None,
    ) -> dict[str, Any]:
        """Add a connector, or change the one of that id. It is checked against AWS before it is kept, and its first
        sync is asked for at once. The same settings again change nothing and give 200. 400 when AWS contradicts a
        setting: `organizations` with a role that may not read the organization, for one.

        With `draft`, nothing is asked: the answer's `setup` has the external id, made now if none is given, and what to
        make in AWS."""
        expected = version_of(if_match)
        if draft:
            return await self._drafted(connector, response, expected)
        saved = await self.keeper.save(connector, expected=expected)
        return answer(saved, response, 201 if saved.created else 200)

    async def change(
        self, connector_id: str, changes: Changes, response: Response, if_match: IfMatch = None
    ) -> dict[str, Any]:
        """Change some settings, as a JSON merge patch. Checked against AWS like a new connector; what AWS refuses is
        not kept. 409 when `version`, or If-Match, is not the version that is there."""
        given = dict(changes)
        expected = version_of(if_match, given.pop("version", None))
        return answer(await self.keeper.change(connector_id, given, expected=expected), response, 200)

    async def remove(self, connector_id: str) -> dict[str, Any]:
        """Forget a connector. What its scopes held is retired: kept for a while, out of every answer."""
        before = {scope.key for scope in await retiring.retired(self.graph)}
        await connectors.remove(self.graph, connector_id)
        retired = [each for each in await retiring.retired(self.graph) if each.key not in before]
        log.info("connector removed", connector=connector_id, retired=len(retired))
        found = [retired_view(each) for each in retired if each.connector == connector_id]
        return {"removed": connector_id, "retired": found}

    async def sync(self, connector_id: str, wanted: SyncRequest | None = None) -> dict[str, Any]:
        """Ask for a sync now; follow it at the run's address. 409 for a draft, and while the connector is paused."""
        run = await self.keeper.request(connector_id, full=wanted is not None and wanted.full)
        return {"run": run, "href": f"/v1/runs/{run}", "events": f"/v1/runs/{run}/events"}

    async def _drafted(self, connector: Connector, response: Response, expected: int | None) -> dict[str, Any]:
        """A draft that is made anew keeps the external id it has: somebody may have put it into a trust policy."""
        before = await self.keeper.find(connector.id)
        kept = (await self.keeper.settings(before)).external_id if before else None
        made = with_external_id(connector, kept or secrets.token_urlsafe(EXTERNAL_ID_BYTES))
        saved = await self.keeper.draft(made, expected=expected)
        log.info("connector drafted", connector=connector.id)
        setup = await self.keeper.door.setup(made, reveal=True)
        return answer(saved, response, 201 if saved.created else 200) | {"setup": setup_view(setup, made, reveal=True)}


def answer(saved: Saved, response: Response, status: int) -> dict[str, Any]:
    """A connector that was just saved, and the sync that began."""
    response.status_code = status
    response.headers["ETag"] = f'"{saved.stored.version}"'
    view = connector_view(saved.stored)
    return {
        "connector": view,
        "created": saved.created,
        "run": saved.run,
        "not_yet_acting": view["not_yet_acting"],
    }
