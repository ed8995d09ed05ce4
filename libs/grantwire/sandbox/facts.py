"""The rows an account is made of, and the two effects that change them.

Generator, journal, World and truth share these plain rows and nothing else. A change is the whole new row: `Put`
replaces what has the same kind and key, `Drop` removes it. Times are whole seconds since 1970, UTC. Standard library
only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Tags: TypeAlias = tuple[tuple[str, str], ...]

# A trust policy is stored with the *unique id* of an own user or role between these two marks, as AWS binds trust to
# ids. Both are private-use characters: no document that arrives through the API can contain them (U+0020..U+00FF only).
OPEN, CLOSE = "\ue000", "\ue001"


def bound(unique_id: str) -> str:
    """The stored spelling of an own user or role in a trust policy."""
    return f"{OPEN}{unique_id}{CLOSE}"


@dataclass(frozen=True, slots=True)
class User:
    """One IAM user. `boundary` is the ARN of a managed policy."""

    unique_id: str
    name: str
    path: str
    created_at: int
    password_last_used: int | None = None
    tags: Tags = ()
    boundary: str | None = None

    @property
    def key(self) -> str:
        return self.unique_id


@dataclass(frozen=True, slots=True)
class Group:
    """One IAM group."""

    unique_id: str
    name: str
    path: str
    created_at: int

    @property
    def key(self) -> str:
        return self.unique_id


@dataclass(frozen=True, slots=True)
class Role:
    """One IAM role. `trust` is JSON text with own principals in their stored spelling (see `bound`)."""

    unique_id: str
    name: str
    path: str
    created_at: int
    trust: str
    description: str = ""
    max_session: int = 3600
    last_used_at: int | None = None
    last_used_region: str | None = None
    tags: Tags = ()
    boundary: str | None = None

    @property
    def key(self) -> str:
        return self.unique_id


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a managed policy: `v3`, its JSON text, its date."""

    version_id: str
    document: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Policy:
    """One customer managed policy with its versions, oldest first."""

    unique_id: str
    name: str
    path: str
    created_at: int
    updated_at: int
    default: str
    versions: tuple[Version, ...]
    description: str = ""
    tags: Tags = ()

    @property
    def key(self) -> str:
        return self.unique_id


@dataclass(frozen=True, slots=True)
class Inline:
    """A policy embedded in a user, group or role."""

    holder_id: str
    name: str
    document: str

    @property
    def key(self) -> tuple[str, str]:
        return self.holder_id, self.name


@dataclass(frozen=True, slots=True)
class Attached:
    """A managed policy attached to a user, group or role. Names the policy by ARN: policies cannot be renamed."""

    holder_id: str
    policy_arn: str

    @property
    def key(self) -> tuple[str, str]:
        return self.holder_id, self.policy_arn


@dataclass(frozen=True, slots=True)
class Member:
    """A user's place in a group."""

    user_id: str
    group_id: str

    @property
    def key(self) -> tuple[str, str]:
        return self.user_id, self.group_id


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A long-lived credential of a user. Part of the truth only when credentials are asked for."""

    access_key_id: str
    secret: str
    user_id: str
    active: bool = True
    created_at: int | None = None  # None: as old as its user
    last_used_at: int | None = None
    last_used_service: str | None = None
    last_used_region: str | None = None

    @property
    def key(self) -> str:
        return self.access_key_id


@dataclass(frozen=True, slots=True)
class Login:
    """A user's console password."""

    user_id: str
    changed_at: int
    expires_at: int | None = None

    @property
    def key(self) -> str:
        return self.user_id


@dataclass(frozen=True, slots=True)
class Device:
    """A user's MFA device; `serial` is its ARN or what is printed on it."""

    user_id: str
    serial: str
    enabled_at: int

    @property
    def key(self) -> tuple[str, str]:
        return self.user_id, self.serial


@dataclass(frozen=True, slots=True)
class Root:
    """What there is to know of an account's root user. `key_at`: when its access key was made, if it has one."""

    account: str
    created_at: int
    password_last_used: int | None = None
    mfa_active: bool = False
    key_at: int | None = None

    @property
    def key(self) -> str:
        return self.account


@dataclass(frozen=True, slots=True)
class Claim:
    """One `can_assume` relation as somebody expects it, worked out by hand.

    `source` of an own user or role is its unique id; of anything else the text the export shows. `principal_class`,
    `issuer` and `in_organization` describe an external principal.
    """

    source: str
    source_kind: str
    effect: str
    statements: tuple[dict[str, Any], ...]
    principal_class: str | None = None
    issuer: str | None = None
    in_organization: bool | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a trust policy means: the class of its role and who may knock.

    `brittle`: the answer would change if a principal in it were deleted (it is matched through its account as well).
    """

    role_class: str
    claims: tuple[Claim, ...]
    brittle: bool = False


Credential: TypeAlias = AccessKey | Login | Device | Root
Row: TypeAlias = User | Group | Role | Policy | Inline | Attached | Member | Credential


@dataclass(frozen=True, slots=True)
class Put:
    """The row is there now, and is this."""

    row: Row


@dataclass(frozen=True, slots=True)
class Drop:
    """The row is gone."""

    row: Row


Effect: TypeAlias = Put | Drop
