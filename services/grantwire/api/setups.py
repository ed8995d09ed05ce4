"""What to make in AWS, as it leaves the api."""

from dataclasses import asdict
from typing import Any

from grantwire.aws import Setup
from grantwire.contracts.connectors import Connector


def setup_view(setup: Setup, connector: Connector, *, reveal: bool) -> dict[str, Any]:
    """``reveal``: with the external id itself, which only a draft shows; else "set"."""
    external_id = connector.external_id if reveal else connector.external_id and "set"
    return {"external_id": external_id, **asdict(setup)}
