"""Messages that were given up on: reading them, and sending one on its way again."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path

from grantwire.api.views import letter_view
from grantwire.bus import DeadLetters

Sequence = Annotated[int, Path(ge=1)]


@dataclass(frozen=True)
class DeadLetterRoutes:
    letters: DeadLetters

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"])
        router.add_api_route("", self.list_all, methods=["GET"])
        router.add_api_route("/{seq}", self.show, methods=["GET"])
        router.add_api_route("/{seq}/replay", self.replay, methods=["POST"], status_code=202)
        return router

    async def list_all(self) -> dict[str, Any]:
        """What was given up on, why, and after how many deliveries."""
        return {"dead_letters": [letter_view(letter) for letter in await self.letters.list()]}

    async def show(self, seq: Sequence) -> dict[str, Any]:
        """One message with its headers and body."""
        letter = await self.letters.show(seq)
        return letter_view(letter) | {"headers": dict(letter.headers), "body": letter.body.decode(errors="replace")}

    async def replay(self, seq: Sequence) -> dict[str, Any]:
        """Publish it anew on its own subject, and take it off the dead letters."""
        await self.letters.replay(seq)
        return {"replayed": seq}
