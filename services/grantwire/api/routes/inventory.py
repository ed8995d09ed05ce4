"""The inventory of secrets: which access keys there are, whose, how old, when used; never what is secret of them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field

from grantwire.api.paging import place_of, token_of
from grantwire.api.periods import period
from grantwire.api.secrets import inventory_view
from grantwire.contracts.resources import Kind
from grantwire.graph import Graph, inventory, queries
from grantwire.graph.inventory import Wanted
from grantwire.telemetry import utc_now

_LONGEST: Final = timedelta(days=36_500)
Name = Annotated[str | None, Query(max_length=2048)]
Period: TypeAlias = Annotated[
    timedelta | None, BeforeValidator(period), Field(ge=timedelta(), le=_LONGEST), Query(description="Such as 90d, 12h")
]


def _small(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


@dataclass(frozen=True)
class InventoryRoutes:
    graph: Graph

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/inventory", tags=["inventory"])
        router.add_api_route("/secrets", self.secrets, methods=["GET"])
        return router

    async def secrets(
        self,
        account: Name = None,
        owner: Name = None,
        status: Annotated[Literal["active", "inactive"] | None, BeforeValidator(_small)] = None,
        older_than: Period = None,
        unused_for: Period = None,
        never_used: bool = False,
        root: bool = False,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
        cursor: Annotated[str | None, Query(max_length=1024)] = None,
    ) -> dict[str, Any]:
        """Access keys, the oldest first, with their owners. The first page also names root users, and every account
        under management with how its credentials were read, or why they were not. `next` is the next `cursor`."""
        now = utc_now()
        wanted = Wanted(
            account=(await queries.resolve(self.graph, account, kinds=[Kind.ACCOUNT])).native_id if account else None,
            owners=await inventory.users_called(self.graph, owner) if owner else None,
            status=status,
            created_before=now - older_than if older_than is not None else None,
            unused_since=now - unused_for if unused_for is not None else None,
            never_used=never_used,
            root=root,
        )
        after = place_of(cursor) if cursor is not None else None
        found = await inventory.secrets(self.graph, wanted, after=after, limit=limit)
        return inventory_view(found, now, first=after is None) | {"next": token_of(found.after)}
