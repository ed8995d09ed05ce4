"""What each plan reads, and what it cannot: the words of a seal's ``covers`` and ``unread``. Pure."""

from collections.abc import Iterator
from typing import Final

from grantwire.collectors.credentials import uses
from grantwire.collectors.credentials.answers import Answers
from grantwire.collectors.kit.reading import unread
from grantwire.collectors.kit.times import rfc3339
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.contracts.snapshots import Unread

REPORT: Final = "report"  # words of ``denied``
USERS: Final = "users"
ROOT: Final = Kind.IAM_USER.value  # the root user is the only row of this kind in the scope
KEYS: Final = (Kind.ACCESS_KEY.value, RelationKind.OWNS.value)
USES: Final = ("access_key.last_used_at", "access_key.last_used_region", "access_key.last_used_service")
REPORTED: Final = ("iam_user.console_access", "iam_user.mfa_active", "iam_user.password_last_changed")
REPORT_TIME: Final = "access_key.report_time"


def plan_of(answers: Answers) -> str:
    return "report" if answers.report is not None else "keys" if answers.users is not None else "nothing"


def covers(answers: Answers) -> list[str]:
    """The kinds of which the facts are all there is. A key that is known is left out only after its owner was asked, so
    keys are covered unless AWS denied an owner's; facets are covered where the list of users bears the report out."""
    found = [ROOT, RelationKind.CONTAINS.value] if answers.report is not None else []
    if answers.report is not None and answers.users is not None:
        found.append(Kind.FACET.value)
    if plan_of(answers) != "nothing" and not answers.keys.denied:
        found += KEYS
    return found


def unread_of(answers: Answers, denied: dict[str, str]) -> list[Unread]:
    """What was not read, and why; ``denied`` has AWS's reasons for the report and the list of users."""
    return [*_of_report(answers, denied), *_of_users(answers, denied), *_of_keys(answers)]


def _of_report(answers: Answers, denied: dict[str, str]) -> Iterator[Unread]:
    if (report := answers.report) is None:
        yield from unread((*REPORTED, ROOT, REPORT_TIME), denied[REPORT])
        return
    of = f"the credential report of {rfc3339(report.generated_at)}"
    if young := [holder.arn for holder in answers.holders if holder.listed and holder.line is None]:
        yield from unread(REPORTED, f"{min(young)} came into being after {of}; the next report tells of it.")
    if count := sum(len(row.keys) for row in report.rows if row.is_root):
        why = (
            f"The root user has {count} access {'key' if count == 1 else 'keys'}; AWS tells the id to that user alone."
        )
        yield from unread((Kind.ACCESS_KEY.value,), why)


def _of_users(answers: Answers, denied: dict[str, str]) -> Iterator[Unread]:
    if answers.users is not None:
        return
    if (report := answers.report) is None:
        yield from unread(KEYS, denied[USERS])
        return
    since = f"Users who came into being after the credential report of {rfc3339(report.generated_at)} are not known"
    yield from unread((Kind.ACCESS_KEY.value,), f"{since}: {denied[USERS]}")


def _of_keys(answers: Answers) -> Iterator[Unread]:
    if closed := len(answers.keys.denied):
        yield from unread(KEYS, f"The keys of {closed} users were not listed: {answers.keys.why}")
    used = uses.known(answers)
    if any(key.id not in used for holder in answers.holders for key in answers.keys_of(holder)):
        yield from unread(USES, answers.uses.why)
