"""What AWS always gives, needed from the rows of an answer: a row without it is an error, never left out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from grantwire.aws.errors import inconsistent

Row = Mapping[str, Any]
T = TypeVar("T")


class Needing:
    """Reads rows of one operation, which its errors name."""

    def __init__(self, operation: str) -> None:
        self._operation = operation

    def need(self, row: Row, name: str, type_: type[T]) -> T:
        """A member AWS always gives. Raises ``AwsError`` (transient) if it is absent or something else."""
        value = row.get(name)
        if not isinstance(value, type_):
            raise inconsistent(self._operation, f"a row has no {name}")
        return value


def utc(time: datetime) -> datetime:
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def time_or_none(time: Any) -> datetime | None:
    return utc(time) if isinstance(time, datetime) else None


def request_id(answer: Row) -> str:
    """AWS's id of the request that was answered. Raises ``LookupError`` where the answer has none."""
    return str(answer["ResponseMetadata"]["RequestId"])
