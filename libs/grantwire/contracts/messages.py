"""What every message is: a frozen model; its CloudEvents type, handler and consumer are named after its class."""

import re
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from grantwire.contracts.failures import Malformed

TYPE_PREFIX: Final = "dev.grantwire."
_WORDS: Final = re.compile(r"[A-Z][a-z0-9]*")


class Message(BaseModel):
    """Unknown fields are ignored, so a newer sender can add some; a new meaning needs a new version."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    version: ClassVar[int] = 1

    @classmethod
    def words(cls) -> list[str]:
        return [word.lower() for word in _WORDS.findall(cls.__name__)]

    @classmethod
    def type(cls) -> str:
        """The CloudEvents type: ``ScopeLoaded`` is ``dev.grantwire.scope.loaded.v1``."""
        return f"{TYPE_PREFIX}{'.'.join(cls.words())}.v{cls.version}"

    @classmethod
    def handler(cls) -> str:
        """The name of the coroutine that receives it: ``collect_scope``."""
        return "_".join(cls.words())

    @classmethod
    def consumer(cls, service: str) -> str:
        """The durable consumer of one service: ``projector-snapshot-sealed``."""
        return f"{service}-{'-'.join(cls.words())}"

    def encode(self) -> bytes:
        return self.model_dump_json().encode()

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Raises ``Malformed`` with the fields that are wrong, and never the values: they may be secret."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            where = "; ".join(f"{_path(item['loc'])}: {item['msg']}" for item in error.errors(include_input=False))
            raise Malformed(f"The body is not a {cls.__name__}: {where}.") from None


def _path(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"
