"""The members of every group: one call each, a few at a time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from grantwire.aws import errors
from grantwire.aws.iam.shapes import GroupMembers, ListedGroup
from grantwire.contracts.failures import AwsCause, AwsError

TOGETHER: Final = 4  # calls at once: IAM gives an account a modest rate, and others share it


class Members(Protocol):
    async def members(self, group_name: str) -> GroupMembers: ...


@dataclass(slots=True)
class Opened:
    """Members by group ARN; the groups that AWS denied, with its reason; those gone since they were listed."""

    members: dict[str, GroupMembers] = field(default_factory=dict)
    denied: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    reason: str = ""


async def fetch_members(reader: Members, groups: Sequence[ListedGroup]) -> Opened:
    """Every group's members. When the first few are all denied the rest is not asked. Raises ``AwsError``."""
    opened = Opened()
    for start in range(0, len(groups), TOGETHER):
        some = groups[start : start + TOGETHER]
        answers = await asyncio.gather(*(reader.members(group.name) for group in some), return_exceptions=True)
        for group, answer in zip(some, answers, strict=True):
            _sort(opened, group, answer)
        if opened.denied and not opened.members:
            opened.denied += [group.arn for group in groups[start + TOGETHER :]]
            break
    return opened


def _sort(opened: Opened, group: ListedGroup, answer: GroupMembers | BaseException) -> None:
    match answer:
        case GroupMembers():
            opened.members[group.arn] = answer
        case AwsError(cause=AwsCause.GONE):
            opened.gone.append(group.arn)
        case AwsError() if errors.lacks_permission(answer):
            opened.denied.append(group.arn)
            opened.reason = opened.reason or str(answer)
        case BaseException():
            raise answer
