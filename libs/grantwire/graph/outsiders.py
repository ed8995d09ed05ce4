"""Who is outside: decided when the graph is read, because an organization may become known later. Pure."""

import re
from collections.abc import Set
from typing import Final

_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_ARN: Final = re.compile(r"arn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:([0-9]{12}):")


def account_in(native_id: str) -> str | None:
    """The account that a principal's id names."""
    if _ACCOUNT.fullmatch(native_id):
        return native_id
    found = _ARN.match(native_id)
    return found[1] if found else None


def in_organization(native_id: str, accounts: Set[str], organization: bool) -> bool | None:
    """Whether an external principal belongs to one of the tenant's accounts. None: its id names no account, or nobody
    knows which accounts the organization has."""
    account = account_in(native_id)
    if account is None:
        return None
    return True if account in accounts else False if organization else None
