"""The rows of `inventory secrets`, and what is said about accounts that were not read. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from grantwire.cli.resting import ILL, lines
from grantwire.cli.words import age, counted, moment

Found: TypeAlias = Mapping[str, Any]
HEADINGS: Final = ("key", "owner", "account", "status", "age", "last used", "console", "MFA")
COLUMNS: Final = (
    *("id", "owner_name", "owner", "account", "account_name", "status", "created_at", "age_days", "last_used_at"),
    *("last_used_service", "last_used_region", "never_used", "report_time", "console_access", "mfa_active", "is_root"),
)
ROOT_HEADINGS: Final = ("account", "MFA", "password last used", "keys")
ROOT_COLUMNS: Final = ("id", "account", "account_name", "mfa_active", "password_last_used", "created_at", "keys")
_FEW: Final = 3


def row(secret: Found, now: datetime) -> tuple[str, ...]:
    """A key on a terminal."""
    days = secret["age_days"]
    return (
        secret["id"],
        secret["owner_name"] or "unknown",
        account_of(secret),
        secret["status"] or "unknown",
        "unknown" if days is None else f"{days} d",
        last_used(secret, now),
        _word(secret["console_access"]),
        _word(secret["mfa_active"]),
    )


def last_used(secret: Found, now: datetime) -> str:
    """`3 d ago · s3 · eu-west-1`, `never`, `unknown`."""
    if secret["never_used"]:
        return "never"
    if (at := moment(secret["last_used_at"])) is None:
        return "unknown"
    where = (secret["last_used_service"], secret["last_used_region"])
    return " · ".join([f"{age((now - at).total_seconds())} ago", *filter(None, where)])


def account_of(each: Found) -> str:
    """Its name, else its id."""
    return str(each["account_name"] or each["account"] or "unknown")


def without_mfa(roots: Iterable[Found]) -> list[Found]:
    """The root users who have no MFA, or of whom nobody knows."""
    return [root for root in roots if root["mfa_active"] is not True]


def root_row(root: Found, accounts: Sequence[Found], now: datetime) -> tuple[str, ...]:
    """A root user on a terminal."""
    used = moment(root["password_last_used"])
    when = f"{age((now - used).total_seconds())} ago" if used else "unknown"
    return account_of(root), _word(root["mfa_active"]), when, root_keys(root, accounts)


def root_keys(root: Found, accounts: Sequence[Found]) -> str:
    """What is said of keys of the account that the list does not have: those of its root user."""
    gaps = [gap for each in accounts if each["account"] == root["account"] for gap in each["unread"]]
    return "; ".join(gap["why"] for gap in gaps if gap["what"] == "access_key") or "none known"


def root_values(root: Found, accounts: Sequence[Found]) -> list[object]:
    """A root user in a file."""
    known = {**root, "keys": root_keys(root, accounts)}
    return [known[name] for name in ROOT_COLUMNS]


def values(secret: Found) -> list[object]:
    """A key in a file."""
    return [secret[name] for name in COLUMNS]


def about(accounts: Sequence[Found], now: datetime) -> list[tuple[str, str]]:
    """How fresh it is and what is missing: lines and their styles."""
    read = [each for each in accounts if each["state"] != "not_read"]
    missing: dict[str, list[str]] = defaultdict(list)
    for each in accounts:
        if each["state"] == "not_read":
            missing[f"not read: {each['reason']}"].append(_called(each))
        for gap in each["unread"]:
            missing[f"{gap['what']} not read: {gap['why']}"].append(_called(each))
    return [*lines(read, now), *((_line(names, why), ILL) for why, names in missing.items())]


def _line(names: Sequence[str], why: str) -> str:
    if len(names) <= _FEW:
        return f"{', '.join(names)}: {why}"
    return f"{counted(len(names), 'account')} ({', '.join(names[:_FEW])} and {len(names) - _FEW:,} more): {why}"


def _called(account: Found) -> str:
    return f"{account['name']} ({account['account']})" if account["name"] else str(account["account"])


def _word(known: bool | None) -> str:
    return "unknown" if known is None else "yes" if known else "no"
