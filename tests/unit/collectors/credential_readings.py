"""A reader of credentials whose answers are given, and one reading by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from grantwire.aws.credentials.shapes import AccessKey, LastUse, Report
from grantwire.aws.iam.shapes import ListedUser
from grantwire.collectors.credentials.answers import HeldKey
from grantwire.collectors.credentials.plans import Subject, fetch_credentials
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.failures import AwsCause, AwsError
from tests.unit.collectors.credentials import ACCOUNT, report

T = TypeVar("T")
Lists = Mapping[str, Sequence[AccessKey] | AwsError]
COVERED = ["iam_user", "contains", "facet", "access_key", "owns"]
YOUNG = 11.0  # the hour after the report


def denied(operation: str) -> AwsError:
    return AwsError(f"AWS refused {operation}.", cause=AwsCause.DENIED, operation=operation, code="AccessDenied")


def gone(operation: str) -> AwsError:
    return AwsError("Gone.", cause=AwsCause.GONE, operation=operation, code="NoSuchEntity")


def later(operation: str) -> AwsError:
    return AwsError("Later.", cause=AwsCause.TRANSIENT, operation=operation, code="Throttling")


@dataclass
class Readings:
    """A reader whose reports and lists are those given, one after the other; the last one stays. An error is raised; of
    a user or key that is not given AWS knows nothing."""

    reports: Sequence[Report | AwsError] = field(default_factory=lambda: [report()])
    user_lists: Sequence[tuple[ListedUser, ...] | AwsError] = field(default_factory=lambda: [()])
    keys_of: Lists = field(default_factory=dict)
    uses: Mapping[str, LastUse | AwsError] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    async def report(self) -> Report:
        return self._next("report", self.reports)

    async def users(self) -> tuple[ListedUser, ...]:
        return self._next("users", self.user_lists)

    async def keys(self, user_name: str) -> tuple[AccessKey, ...]:
        return tuple(self._next(f"keys {user_name}", [self.keys_of.get(user_name, gone("iam:ListAccessKeys"))]))

    async def last_use(self, key_id: str) -> LastUse:
        return self._next(f"use {key_id}", [self.uses.get(key_id, gone("iam:GetAccessKeyLastUsed"))])

    def _next(self, name: str, answers: Sequence[T | AwsError]) -> T:
        answer = answers[min(self.calls.count(name), len(answers) - 1)]
        self.calls.append(name)
        if isinstance(answer, AwsError):
            raise answer
        return answer


async def fetch(readings: Readings, *keys: HeldKey, own_user: str | None = None) -> Reading:
    return await fetch_credentials(readings, Subject(ACCOUNT, own_user, keys))
