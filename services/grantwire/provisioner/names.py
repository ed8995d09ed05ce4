"""What a command's native ids say, and what is wrong with those that say nothing. Pure."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from grantwire.contracts.commands import AccessCommand, Ref
from grantwire.contracts.ids import ACCOUNT_ID
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.contracts.snapshots import Reason

_PARTITION: Final = "arn:(?:aws|aws-cn|aws-us-gov)"
_NAME: Final = r"(?:[\x21-\x7e]+/)?([\w+=,.@-]{1,128})"
_ARN: Final = re.compile(rf"{_PARTITION}:iam::([0-9]{{12}}):(user|group|role)/{_NAME}")
_POLICY: Final = re.compile(rf"{_PARTITION}:iam::([0-9]{{12}}|aws):policy/{_NAME}")
_INSTANCE: Final = "(?:sso)?ins-[a-zA-Z0-9.-]{16}"
_SET: Final = re.compile(rf"{_PARTITION}:sso:::permissionSet/{_INSTANCE}/ps-[a-zA-Z0-9.-]{{16}}")
# https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DescribeUser.html
_DIRECTORY_ID: Final = re.compile(r"([0-9a-f]{10}-)?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_INLINE_NAME: Final = re.compile(r"[\w+=,.@-]{1,128}")
Holder = Literal[Kind.IAM_USER, Kind.IAM_GROUP, Kind.IAM_ROLE]
_HOLDERS: Final[dict[str, Holder]] = {"user": Kind.IAM_USER, "group": Kind.IAM_GROUP, "role": Kind.IAM_ROLE}
IAM: Final = frozenset(_HOLDERS.values())


@dataclass(frozen=True, slots=True)
class Iam:
    """A user, group or role of IAM."""

    kind: Holder
    arn: str
    account: str
    name: str


def iam(ref: Ref) -> Iam:
    """What an ARN names. Raises ValueError for another thing."""
    found = _ARN.fullmatch(ref.native_id)
    if found is None or (kind := _HOLDERS[found[2]]) is not ref.kind:
        raise ValueError(f"{ref.native_id!r} is not the ARN of an {ref.kind}")
    return Iam(kind, ref.native_id, found[1], found[3])


def provisioned(ref: Ref) -> tuple[str, str]:
    """The account and the permission set of ``<account>/<permission set ARN>``. Raises ValueError."""
    account, _, arn = ref.native_id.partition("/")
    if not ACCOUNT_ID.fullmatch(account) or not _SET.fullmatch(arn):
        raise ValueError(f"{ref.native_id!r} is not <account>/<permission set ARN>")
    return account, arn


def inline(ref: Ref) -> tuple[str, str]:
    """The holder's ARN and the name of ``<holder ARN>#<name>``. Raises ValueError."""
    holder, _, name = ref.native_id.rpartition("#")
    if not holder or not _INLINE_NAME.fullmatch(name):
        raise ValueError(f"{ref.native_id!r} is not <holder ARN>#<policy name>")
    return holder, name


def account_of(command: AccessCommand) -> str | None:
    """The account that the two names agree on; None where they name none (the directory). Raises ValueError."""
    accounts = {account for ref in (command.principal, command.target) if (account := _account(ref)) is not None}
    if len(accounts) > 1:
        raise ValueError(f"{command.principal} and {command.target} are of different accounts")
    if command.target.kind is Kind.INLINE_POLICY and inline(command.target)[0] != command.principal.native_id:
        raise ValueError(f"{command.target} is not a policy of {command.principal}")
    return next(iter(accounts), None)


def malformed(command: AccessCommand) -> Reason | None:
    """What keeps a command's names from being understood."""
    try:
        account = account_of(command)
    except ValueError as error:
        return Reason(code="malformed", text=f"{error}; next: name it as the graph does (`grantwire inventory`).")
    if account is not None and account != command.account:
        return Reason(
            code="wrong_account",
            text=f"The command is addressed to account {command.account}, and what it names is in {account}.",
        )
    return None


def resource_of(command: AccessCommand) -> str:
    """What is changed by one command at a time: a permission set in an account, a group of the directory, or an IAM
    principal. AWS refuses two writes to the first at once, and loses none of the others' only one after another."""
    if command.relation is RelationKind.ASSIGNED:
        return f"assigned/{command.target.native_id}"
    if command.principal.kind is Kind.IDENTITY_USER:
        return f"directory/{command.target.native_id}"
    return f"iam/{command.principal.native_id}"


def _account(ref: Ref) -> str | None:
    if ref.kind in IAM:
        return iam(ref).account
    if ref.kind is Kind.PROVISIONED_PERMISSION_SET:
        return provisioned(ref)[0]
    if ref.kind is Kind.INLINE_POLICY:
        return None
    if ref.kind is Kind.IAM_POLICY:
        return _policy_account(ref)
    if not _DIRECTORY_ID.fullmatch(ref.native_id):
        raise ValueError(f"{ref.native_id!r} is not the id of a user or group of a directory")
    return None


def _policy_account(ref: Ref) -> str | None:
    """AWS's own policies are of no account."""
    found = _POLICY.fullmatch(ref.native_id)
    if found is None:
        raise ValueError(f"{ref.native_id!r} is not the ARN of a managed policy")
    return None if found[1] == "aws" else found[1]
