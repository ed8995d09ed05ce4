"""Whose keys must be asked for, and whose are known well enough. Pure.

A credential report is up to four hours old and names no key. What ``ListAccessKeys`` said is held in the graph, with
the time of the report that was known then. Held keys are told again only as they are held, so no report brings back
what a later ``ListAccessKeys`` no longer showed; and a held key leaves only when its owner was asked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from grantwire.aws.credentials.shapes import Report, ReportedKey, ReportRow
from grantwire.aws.iam.shapes import ListedUser
from grantwire.collectors.credentials.answers import Answers, HeldKey, Holder

LAG: Final = timedelta(minutes=15)  # IAM is eventually consistent: a report may miss users that are this young
ACTIVE: Final = "Active"

Owned = Mapping[str, tuple[HeldKey, ...]]  # by the owner's name


def holders(report: Report | None, users: Sequence[ListedUser] | None, held: Iterable[HeldKey]) -> tuple[Holder, ...]:
    """Everybody whom the list, the report or the graph knows, the root user aside. A name is one user's."""
    rows, owned = {row.name: row for row in report.rows if not row.is_root} if report else {}, _by_owner(held)
    found = list(_reported(rows, owned) if users is None else _listed(users, rows, owned))
    known = {holder.name for holder in found}
    listed = None if users is None else False
    others = {name: keys for name, keys in owned.items() if name not in known}
    return (*found, *(Holder(name, keys[0].owner or name, listed, held=keys) for name, keys in others.items()))


def lines_of(users: Sequence[ListedUser], rows: Mapping[str, ReportRow]) -> dict[str, ReportRow]:
    """The line that tells of each user who is there now, by name. A report has no unique ids: a user is the one of this
    name and time of creation or, renamed since, the only one of this time whose name nobody has any more."""
    there = {user.name for user in users}
    lines = {user.name: row for user in users if (row := rows.get(user.name)) and row.created_at == _born(user)}
    renamed = [user for user in users if user.name not in rows]
    for user in renamed:
        former = [row for name, row in rows.items() if name not in there and row.created_at == _born(user)]
        if len(former) == 1 and sum(_born(other) == _born(user) for other in renamed) == 1:
            lines[user.name] = former[0]
    return lines


def must_be_asked(holder: Holder, report: Report | None) -> bool:
    """Whether only ``ListAccessKeys`` can tell the holder's keys."""
    if report is None or holder.line is None:
        return True
    if holder.listed is False:
        return bool(holder.line.keys or holder.held)
    return not (_told_with(report, holder.held) or fits(holder.line.keys, holder.held))


def fits(lines: Sequence[ReportedKey], held: Sequence[HeldKey]) -> bool:
    """Whether the report tells of the very keys that are held: as many, as old, in the same state."""
    told = [(key.rotated_at, key.active) for key in lines if key.rotated_at is not None]
    known = [(each.key.created_at, each.key.status == ACTIVE) for each in held]
    return len(told) == len(lines) and sorted(told) == sorted(known)


def contradicted(answers: Answers) -> list[str]:
    """Held keys that their owner's list no longer has, though the report tells of one of their age: deleted since, or
    left out of the list."""
    return [
        each.key.id
        for holder in answers.holders
        if holder.line is not None and (told := answers.keys.answers.get(holder.name)) is not None
        for each in holder.held
        if each.key.id not in {key.id for key in told}
        and any(key.rotated_at == each.key.created_at for key in holder.line.keys)
    ]


def newest_report(held: Iterable[HeldKey]) -> datetime | None:
    """When the newest report was made that held keys were told with."""
    return max((each.report_time for each in held if each.report_time is not None), default=None)


def is_young(holder: Holder, report: Report) -> bool:
    """Whether a user of this age may rightly be missing from the report."""
    return holder.created_at is not None and holder.created_at > report.generated_at - LAG


def _told_with(report: Report, held: Sequence[HeldKey]) -> bool:
    """Whether all these keys were told with this very report: where it did not fit they were asked for, which was later
    than the report. It knows no better now."""
    return bool(held) and all(each.report_time == report.generated_at for each in held)


def _reported(rows: Mapping[str, ReportRow], owned: Owned) -> Iterator[Holder]:
    for row in rows.values():
        yield Holder(row.name, row.arn, None, line=row, held=owned.get(row.name, ()))


def _listed(users: Sequence[ListedUser], rows: Mapping[str, ReportRow], owned: Owned) -> Iterator[Holder]:
    lines = lines_of(users, rows)
    for user in users:
        yield Holder(user.name, user.arn, True, user.created_at, lines.get(user.name), owned.get(user.name, ()))
    spoken_for = {user.name for user in users} | {row.name for row in lines.values()}
    for row in rows.values():
        if row.name not in spoken_for:
            yield Holder(row.name, row.arn, False, line=row, held=owned.get(row.name, ()))


def _by_owner(held: Iterable[HeldKey]) -> Owned:
    """A key once, though a user who moved to another path may still own it under both ARNs."""
    found: dict[str, dict[str, HeldKey]] = {}
    for each in held:
        if each.owner is not None:
            found.setdefault(each.owner.rpartition("/")[2], {})[each.key.id] = each
    return {name: tuple(keys.values()) for name, keys in found.items()}


def _born(user: ListedUser) -> datetime:
    """A report tells whole seconds."""
    return user.created_at.replace(microsecond=0)
