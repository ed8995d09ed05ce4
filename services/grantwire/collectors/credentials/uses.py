"""When a key was last used: as the report says, where a line is this key's for certain; else as was asked. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from grantwire.aws.credentials.shapes import AccessKey, LastUse, Report, ReportedKey
from grantwire.collectors.credentials.answers import Answers, Holder


def reported(keys: Sequence[AccessKey], holder: Holder, report: Report | None) -> dict[str, LastUse]:
    """What the report says of the use of a holder's keys, by id. It names no key: one is known by its age, or by being
    the only one left that the report must tell of."""
    if report is None or holder.line is None:
        return {}
    lines = holder.line.keys
    alone = _once([key.created_at for key in keys]) & _once([line.rotated_at for line in lines])
    by_age = {line.rotated_at: line.used for line in lines}
    found = {key.id: by_age[key.created_at] for key in keys if key.created_at in alone}
    rest = [key for key in keys if key.created_at not in alone and key.created_at <= report.generated_at]
    left = [line for line in lines if line.rotated_at not in alone]
    if len(rest) == len(left) == 1 and _changed_since(left[0], rest[0]):
        found[rest[0].id] = left[0].used
    return found


def known(answers: Answers) -> dict[str, LastUse]:
    """The newest known use of each key to tell, by id; a key of which none was ever read is missing."""
    held = {each.key.id: each.used for holder in answers.holders for each in holder.held}
    found: dict[str, LastUse] = {}
    for holder in answers.holders:
        told = reported(keys := answers.keys_of(holder), holder, answers.report)
        for key in keys:
            use = newest((told.get(key.id), answers.uses.answers.get(key.id), held.get(key.id)))
            found |= {key.id: use} if use is not None else {}
    return found


def untold(answers: Answers) -> list[str]:
    """The keys whose use only a call of its own tells: the report is older than they are, or does not tell them apart.
    What was found out with this very report is not asked again."""
    return [
        key.id
        for holder in answers.holders
        for key in _unreported(answers, holder)
        if holder.name in answers.keys.answers or not _is_used_as_of(answers.report, holder, key)
    ]


def report_times(answers: Answers) -> dict[str, datetime]:
    """Of which report each key to tell is, by id: the one that first brought what is told of it, so that a new report
    which says the same changes no row. One key carries the newest time on: an older report is known by that."""
    if answers.report is None:
        return {}
    now, unmoved = answers.report.generated_at, _unmoved(answers)
    times = {key.id: unmoved.get(key.id, now) for holder in answers.holders for key in answers.keys_of(holder)}
    if times and now not in times.values():
        times[max(times, key=lambda id: (times[id], id))] = now
    return times


def _unmoved(answers: Answers) -> dict[str, datetime]:
    """The times of the keys of which nothing was asked and nothing else is told than before."""
    asked, told = set(untold(answers)), known(answers)
    held = (each for holder in answers.holders if holder.name not in answers.keys.answers for each in holder.held)
    return {
        each.key.id: each.report_time
        for each in held
        if each.report_time is not None and each.key.id not in asked and each.used == told.get(each.key.id)
    }


def newest(uses: Iterable[LastUse | None]) -> LastUse | None:
    """The newest use; None where nothing was read. Of two of the same time the first."""
    known = [use for use in uses if use is not None]
    return max(known, key=_at, default=None)


def _unreported(answers: Answers, holder: Holder) -> list[AccessKey]:
    told = reported(keys := answers.keys_of(holder), holder, answers.report)
    return [key for key in keys if key.id not in told]


def _is_used_as_of(report: Report | None, holder: Holder, key: AccessKey) -> bool:
    [held] = [each for each in holder.held if each.key.id == key.id]
    return held.used is not None and report is not None and held.report_time == report.generated_at


def _at(use: LastUse) -> float:
    return use.at.timestamp() if use.at is not None else float("-inf")


def _once(times: Sequence[datetime | None]) -> set[datetime]:
    return {time for time in times if time is not None and times.count(time) == 1}


def _changed_since(line: ReportedKey, key: AccessKey) -> bool:
    """A time of rotation is that of the key's creation or of its last change, never an earlier one."""
    return line.rotated_at is not None and line.rotated_at > key.created_at
