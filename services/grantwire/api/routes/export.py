"""The whole graph as sorted JSON lines, from one moment."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from grantwire.graph import Graph, queries

_BLOCK: Final = 64 * 1024  # a line per write would cost more than reading it


@dataclass(frozen=True)
class ExportRoutes:
    graph: Graph

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1", tags=["export"])
        router.add_api_route("/export", self.export, methods=["GET"], response_class=StreamingResponse)
        return router

    async def export(self) -> StreamingResponse:
        """`application/jsonl`, format of the documented vocabulary. A cut reply ends without its last chunk."""
        return StreamingResponse(_blocks(queries.export(self.graph)), media_type="application/jsonl")


async def _blocks(lines: AsyncIterator[str]) -> AsyncIterator[bytes]:
    block = bytearray()
    async for line in lines:
        block += line.rstrip("\n").encode() + b"\n"
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
