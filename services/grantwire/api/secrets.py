"""The inventory of secrets as JSON: what there is, and how well it was read. Pure: what it is now is an argument."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from fastapi.encoders import jsonable_encoder

from grantwire.api.views import freshness_of
from grantwire.graph.inventory import Custody, Inventory, Secret
from grantwire.graph.queries import ScopeView

_OF_KEYS: Final = ("access_key", "owns")  # kinds without which the list itself is not whole
_SHOWN: Final = ("state", "overdue", "observed_at", "due_at", "unread")


def inventory_view(found: Inventory, now: datetime, *, first: bool) -> dict[str, Any]:
    """A page of the inventory; the first says how complete all of it is."""
    page = {
        "time": now.isoformat(),
        "revision": found.revision,
        "secrets": [_secret(each, now) for each in found.secrets],
    }
    if not first:
        return page
    accounts = [_account(each) for each in found.accounts]
    return page | {"state": state_of(found.accounts), "roots": jsonable_encoder(found.roots), "accounts": accounts}


def state_of(accounts: Iterable[Custody]) -> str:
    """One word: the worst freshness; `partial` where all that was read is fresh, but some keys could not be read."""
    known = list(accounts)
    scopes = [each.scope for each in known if each.scope is not None]
    worst = freshness_of(scopes) if scopes else "complete"
    whole = len(scopes) == len(known) and not any(_lacks_keys(scope) for scope in scopes)
    if worst == "complete" and not whole:
        return "partial"
    return worst if known else "unknown"


def _lacks_keys(scope: ScopeView) -> bool:
    return any(gap["what"].partition(".")[0] in _OF_KEYS for gap in scope.unread)


def _secret(secret: Secret, now: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = jsonable_encoder(secret)
    never = secret.last_used_at is None if secret.last_use_known else None
    del shown["last_use_known"]
    return shown | {"age_days": _days(secret.created_at, now), "never_used": never}


def _days(created_at: str | None, now: datetime) -> int | None:
    """Whole days; None for a time that nobody can read."""
    try:
        return max(0, (now - datetime.fromisoformat(created_at)).days) if created_at else None
    except (ValueError, TypeError):
        return None


def _account(each: Custody) -> dict[str, Any]:
    """``state`` is that of the scope, or `not_read`."""
    head = {"account": each.account, "name": each.account_name}
    if each.scope is None:
        return head | {"scope": None, "state": "not_read", "reason": each.why, "overdue": False, "unread": []}
    told: dict[str, Any] = jsonable_encoder({name: getattr(each.scope, name) for name in _SHOWN})
    reason = each.scope.reason.text if each.scope.reason else None
    return head | {"scope": each.scope.key, "reason": reason, **told}
