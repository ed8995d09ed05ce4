"""AWS's times as botocore reads them. It guesses the format of each one, which takes half the time of reading IAM."""

from datetime import datetime
from typing import Any

from botocore.utils import parse_timestamp


def read_time(value: Any) -> datetime:
    """What ``botocore.utils.parse_timestamp`` gives; the form that AWS's XML has without a guess."""
    if isinstance(value, str) and value.endswith("Z"):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    return parse_timestamp(value)
