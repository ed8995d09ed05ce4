"""The questions the graph is for: what can a principal reach, who can reach a target."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from grantwire.api.views import answer_view
from grantwire.graph import Graph, queries
from grantwire.graph.queries import Answer
from grantwire.telemetry import utc_now

Name = Annotated[
    str, Query(min_length=1, max_length=2048, description="Native id, name, unique id, display name or e-mail")
]
CAVEAT: Final = (
    "Trust says who may knock, not who may enter: whether the principal's own policies allow the call is not evaluated."
)


@dataclass(frozen=True)
class AnswerRoutes:
    graph: Graph

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1", tags=["answers"])
        router.add_api_route("/can", self.can, methods=["GET"])
        router.add_api_route("/who-can", self.who_can, methods=["GET"])
        return router

    async def can(self, principal: Name) -> dict[str, Any]:
        """What a principal reaches, permission sets in accounts included, by which path, and how old that is."""
        return _answer(await queries.can(self.graph, await queries.resolve(self.graph, principal)))

    async def who_can(self, target: Name) -> dict[str, Any]:
        """Who may assume a role, is in a group, enters an account or holds a permission set (`account/permission set`
        for the one in an account), by which path, and how old that knowledge is."""
        return _answer(await queries.who_can(self.graph, await queries.resolve(self.graph, target)))


def _answer(answer: Answer) -> dict[str, Any]:
    return answer_view(answer) | {"time": utc_now().isoformat(), "caveat": CAVEAT}
