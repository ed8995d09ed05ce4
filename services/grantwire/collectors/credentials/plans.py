"""Reading one account's credentials by the best plan that its permissions allow.

The report first: it tells of every user, and whose keys must be asked for. Without it every user is asked. What does
not fit together is read once more, all of it; what still does not fit is an error, never a guess.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from grantwire.aws import errors
from grantwire.aws.credentials.reader import KEYS
from grantwire.aws.credentials.report import REPORT
from grantwire.aws.credentials.shapes import AccessKey, LastUse, Report
from grantwire.aws.iam.shapes import ListedUser
from grantwire.collectors.credentials import coverage, doubts, uses
from grantwire.collectors.credentials.answers import Answers, HeldKey
from grantwire.collectors.credentials.asking import ask_each
from grantwire.collectors.credentials.facts import facts_from_answers
from grantwire.collectors.credentials.holders import contradicted, holders, must_be_asked
from grantwire.collectors.kit.reading import Reading
from grantwire.collectors.kit.settling import if_allowed, side_by_side, together
from grantwire.contracts.failures import AwsCause, AwsError


class Reader(Protocol):
    """The reads of one account that plans are made of. Each is complete or raises ``AwsError``."""

    async def report(self) -> Report: ...
    async def users(self) -> tuple[ListedUser, ...]: ...
    async def keys(self, user_name: str) -> tuple[AccessKey, ...]: ...
    async def last_use(self, key_id: str) -> LastUse: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose credentials are read: the account, the ARN of the user that reads it if it is a user, and the keys that are
    known of it."""

    account: str
    own_user: str | None = None
    held: tuple[HeldKey, ...] = ()


async def fetch_credentials(reader: Reader, subject: Subject) -> Reading:
    """All of the account's credentials that the permissions allow. Raises ``AwsError``."""
    denied: dict[str, str] = {}
    answers = await _answers(reader, subject, denied)
    if _doubts(answers, subject):
        answers = await _answers(reader, subject, denied)
        if lasting := _doubts(answers, subject):
            operation = REPORT if answers.report is not None else KEYS
            raise errors.inconsistent(operation, min(lasting), account=subject.account)
    return Reading(
        subject.account,
        coverage.plan_of(answers),
        lambda: facts_from_answers(subject.account, answers),
        coverage.unread_of(answers, denied),
        coverage.covers(answers),
    )


def _doubts(answers: Answers, subject: Subject) -> frozenset[str]:
    return doubts.of_answers(answers, subject.held, subject.own_user)


async def _answers(reader: Reader, subject: Subject, denied: dict[str, str]) -> Answers:
    denied.clear()
    report, users = await side_by_side(
        if_allowed(reader.report(), (coverage.REPORT,), denied), if_allowed(reader.users(), (coverage.USERS,), denied)
    )
    found = Answers(report, users, holders(report, users, subject.held))
    if coverage.plan_of(found) == "nothing":
        return replace(found, holders=())
    wanted = [holder.name for holder in found.holders if must_be_asked(holder, report)]
    found = replace(found, keys=await ask_each(wanted, reader.keys))
    found = replace(found, uses=await ask_each(uses.untold(found), reader.last_use))
    missing = contradicted(found)
    tells = await together(_tells_use(reader, key) for key in missing)
    return replace(found, surviving=frozenset(key for key, told in zip(missing, tells, strict=True) if told))


async def _tells_use(reader: Reader, key: str) -> bool:
    """Whether AWS still knows the key. What it says of one that is no more is not documented: only an answer counts."""
    try:
        await reader.last_use(key)
    except AwsError as error:
        if error.cause in (AwsCause.GONE, AwsCause.FINAL) or errors.lacks_permission(error):
            return False
        raise
    return True
