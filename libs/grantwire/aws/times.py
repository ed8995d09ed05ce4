"""AWS's times as botocore reads them. It guesses the format of each one, which takes half the time of reading IAM."""

from datetime import UTC, datetime
from typing import Any

from botocore.utils import parse_timestamp


def read_time(value: Any) -> datetime:
    """What ``botocore.utils.parse_timestamp`` gives; the forms that AWS's XML and JSON have without a guess."""
    try:
        if isinstance(value, str) and value.endswith("Z"):
            return datetime.fromisoformat(value)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return parse_timestamp(value)
