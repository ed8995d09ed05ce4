"""Organizations' answers as frozen values. ``None`` means that AWS did not say."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Organization:
    """``feature_set`` is ``ALL`` or ``CONSOLIDATED_BILLING``."""

    id: str
    arn: str
    management_account: str
    feature_set: str | None


@dataclass(frozen=True, kw_only=True)
class Unit:
    """The root (``r-…``) or an organizational unit (``ou-…``)."""

    id: str
    arn: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account, whatever its state. ``state`` is AWS's ``State``, else the retired ``Status``, else None."""

    id: str
    arn: str
    name: str
    email: str | None
    state: str | None
    joined_method: str | None
    joined_at: datetime | None
