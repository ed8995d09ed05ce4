"""Accepted gaps: accounts of an organization that a person decided not to read, why, and until when."""

from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder
from pydantic import AwareDatetime, BaseModel, ConfigDict

from grantwire.graph import Graph, connectors, gaps

log = structlog.get_logger(__name__)


class Acceptance(BaseModel):
    """``until`` is when the account is read again, whatever happens meanwhile."""

    model_config = ConfigDict(extra="forbid")
    account: str
    reason: str
    until: AwareDatetime


@dataclass(frozen=True)
class GapRoutes:
    graph: Graph

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/connectors/{connector_id}/gaps", tags=["gaps"])
        router.add_api_route("", self.list_all, methods=["GET"])
        router.add_api_route("", self.accept, methods=["POST"], status_code=201)
        router.add_api_route("/{account}", self.withdraw, methods=["DELETE"])
        return router

    async def list_all(self, connector_id: str) -> dict[str, Any]:
        """The gaps of a connector that are not over."""
        await connectors.get(self.graph, connector_id)  # 404 for one that is not there
        return {"gaps": jsonable_encoder(await gaps.list_all(self.graph, connector_id))}

    async def accept(self, connector_id: str, given: Acceptance) -> dict[str, Any]:
        """Do not read an account until then. It is shown as unreachable, with the reason, and is no failure."""
        await gaps.accept(self.graph, connector_id, given.account, given.reason, given.until)
        log.info("gap accepted", connector=connector_id, account=given.account, until=given.until.isoformat())
        return {"connector": connector_id, **given.model_dump(mode="json")}

    async def withdraw(self, connector_id: str, account: str) -> dict[str, Any]:
        """Read the account again, with the next run. 404 when nothing was accepted for it."""
        await gaps.withdraw(self.graph, connector_id, account)
        log.info("gap withdrawn", connector=connector_id, account=account)
        return {"connector": connector_id, "account": account, "withdrawn": True}
