"""Is this process alive, and can it do its work? The one route without a token; it says nothing else."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Response
from faststream.nats import NatsBroker

from grantwire.graph import Graph, queries

_PATIENCE: Final = 2.0


@dataclass(frozen=True)
class HealthRoutes:
    graph: Graph
    broker: NatsBroker

    def router(self) -> APIRouter:
        router = APIRouter(tags=["health"])
        router.add_api_route("/healthz", self.health, methods=["GET"])
        return router

    async def health(self, response: Response) -> dict[str, Any]:
        """`live` whenever it answers; `ready` when database and bus answer too. 503 while not ready."""
        postgres, nats = await asyncio.gather(_answers(self._ask_postgres()), _answers(self._ask_nats()))
        response.status_code = 200 if postgres and nats else 503
        return {"live": True, "ready": postgres and nats, "dependencies": _named({"postgres": postgres, "nats": nats})}

    async def _ask_postgres(self) -> bool:
        await queries.revision(self.graph)
        return True

    async def _ask_nats(self) -> bool:
        return await self.broker.ping(_PATIENCE)


async def _answers(question: Awaitable[bool]) -> bool:
    """Whatever goes wrong means no: this route reports, it never fails."""
    try:
        return await asyncio.wait_for(question, _PATIENCE)
    except Exception:
        return False


def _named(answers: Mapping[str, bool]) -> dict[str, str]:
    return {name: "ok" if fine else "unreachable" for name, fine in answers.items()}
