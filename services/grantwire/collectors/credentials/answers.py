"""What one reading of an account's credentials brought, and what was known before it. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from grantwire.aws.credentials.shapes import AccessKey, LastUse, Report, ReportRow
from grantwire.aws.iam.shapes import ListedUser

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key as the graph holds it: what ``ListAccessKeys`` said when it was asked last, and the newest known use.

    ``report_time``: of the newest report that was known when the key was told. ``used`` is None where no use was ever
    read; ``owner``, an ARN, where the graph has lost it.
    """

    key: AccessKey
    owner: str | None
    used: LastUse | None = None
    report_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A user who may have keys. ``line``: what the report tells of this very user, None where it tells nothing.
    ``listed``: whether ``ListUsers`` has the user, None where that was not asked or is denied."""

    name: str
    arn: str
    listed: bool | None
    created_at: datetime | None = None
    line: ReportRow | None = None
    held: tuple[HeldKey, ...] = ()


@dataclass(slots=True)
class Asked(Generic[T]):
    """What one small call after another said: an answer by the name that was asked about, which names are ``gone``, and
    which AWS ``denied``, with its reason."""

    answers: dict[str, T] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """``report`` and ``users`` are None where AWS denies them. ``keys`` are by the holder's name, ``uses`` by key id.
    ``surviving``: keys that their owner's list no longer has, though AWS still tells their use."""

    report: Report | None
    users: tuple[ListedUser, ...] | None
    holders: tuple[Holder, ...]
    keys: Asked[tuple[AccessKey, ...]] = field(default_factory=Asked)
    uses: Asked[LastUse] = field(default_factory=Asked)
    surviving: frozenset[str] = frozenset()

    def keys_of(self, holder: Holder) -> tuple[AccessKey, ...]:
        """The keys to tell of a holder: as asked now, else as held. Of one whom AWS denies nothing is told."""
        if holder.name in self.keys.answers:
            return self.keys.answers[holder.name]
        if holder.name in self.keys.gone | self.keys.denied:
            return ()
        return tuple(each.key for each in holder.held)
