"""A call by the name of its operation, where one function makes several."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name


def call(client: Any, operation: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer of ``service:Operation``, asked by a client of that service."""
    ask: Callable[..., Mapping[str, Any]] = getattr(client, xform_name(operation.partition(":")[2]))
    return ask(**given)
