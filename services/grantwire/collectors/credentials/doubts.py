"""Do the report, the list of users and the keys fit together? The report is old, the others are moments apart. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator

from grantwire.aws.credentials.shapes import Report
from grantwire.collectors.credentials.answers import Answers, HeldKey
from grantwire.collectors.credentials.holders import is_young, newest_report
from grantwire.collectors.kit.reading import Doubts


def of_answers(answers: Answers, held: Iterable[HeldKey], own_user: str | None) -> Doubts:
    """``own_user`` is the ARN of the user who reads, None where it is no user."""
    return frozenset(
        (
            *_unlisted(answers, own_user),
            *_without_line(answers, own_user),
            *_older(answers.report, held),
            *_gone(answers),
            *_twice(answers),
        )
    )


def own_user(arn: str) -> str | None:
    """The user behind a caller's ARN, whom the report must tell of; None for roles, root and federated callers."""
    return arn if arn.rpartition(":")[2].startswith("user/") else None


def _unlisted(answers: Answers, own_user: str | None) -> Iterator[str]:
    """A list of users without one who is there is not all there is."""
    if answers.users is None:
        return
    listed = {user.arn for user in answers.users}
    if own_user is not None and own_user not in listed:
        yield f"{own_user} reads the account but is not in ListUsers"
    for holder in answers.holders:
        if holder.listed is False and holder.name in answers.keys.answers:
            yield f"{holder.arn} is not in ListUsers but has keys to list"


def _without_line(answers: Answers, own_user: str | None) -> Iterator[str]:
    """A report without a user who was there long before it is cut."""
    if (report := answers.report) is None:
        return
    if answers.users is None and own_user is not None and own_user not in {row.arn for row in report.rows}:
        yield f"the credential report has no line for {own_user}, who reads it"
    for holder in answers.holders:
        if holder.listed and holder.line is None and not is_young(holder, report):
            yield f"the credential report has no line for {holder.arn}, who is older than it"


def _older(report: Report | None, held: Iterable[HeldKey]) -> Iterator[str]:
    known = newest_report(held)
    if report is not None and known is not None and report.generated_at < known:
        yield f"the credential report is of {report.generated_at}, but one of {known} was read before"


def _gone(answers: Answers) -> Iterator[str]:
    listed = {holder.name: holder.arn for holder in answers.holders if holder.listed}
    yield from (f"{listed[name]} is in ListUsers but gone" for name in answers.keys.gone & listed.keys())
    yield from (f"the access key {id} is listed but gone" for id in answers.uses.gone)
    yield from (f"the access key {id} is listed no more, but AWS tells its use" for id in answers.surviving)


def _twice(answers: Answers) -> Iterator[str]:
    owners = Counter(key.id for holder in answers.holders for key in answers.keys_of(holder))
    yield from (f"the access key {id} belongs to two users" for id, count in owners.items() if count > 1)
