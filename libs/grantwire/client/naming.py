"""From what a caller writes to a command. Pure."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from grantwire.contracts.commands import BY_VERB, AccessCommand, Ref, Verb
from grantwire.contracts.failures import Invalid
from grantwire.contracts.ids import ACCOUNT_ID
from grantwire.contracts.resources import Kind

_KINDS: Final = frozenset(Kind)
_DIRECTORY: Final = (Kind.IDENTITY_USER, Kind.IDENTITY_GROUP)


def command_of(
    verb: Verb, principal: Ref | str, target: Ref | str, *, id: UUID, account: str | None = None, **fields: Any
) -> AccessCommand:
    """The command; ``fields`` are its other fields. Raises ``Invalid`` with what is wrong."""
    ends = {"principal": ref_of(principal, "principal"), "target": ref_of(target, "target")}
    where = account_of(**ends, given=account)
    try:
        return BY_VERB[verb](id=id, account=where, **ends, **fields)
    except ValidationError as error:
        raise _invalid(error) from None


def ref_of(given: Ref | str, field: str) -> Ref:
    """A reference, also from ``kind:native_id``, such as ``iam_user:arn:aws:iam::123456789012:user/ann``. Raises
    ``Invalid``."""
    if isinstance(given, Ref):
        return given
    kind, _, native_id = given.partition(":")
    if kind not in _KINDS or not native_id:
        raise Invalid(
            f"{given!r} names no resource; write kind:native_id, as iam_user:arn:aws:iam::123456789012:user/ann.", field
        )
    return Ref(kind=Kind(kind), native_id=native_id)


def account_of(principal: Ref, target: Ref, given: str | None) -> str:
    """The account where AWS is changed. Raises ``Invalid`` where neither the names nor ``given`` say which, and where
    they say different ones."""
    found = _named_account(principal, target)
    if found is None and given is None:
        raise Invalid(
            "Groups of the directory are in no account; name the connector's own as account, 12 digits.", "account"
        )
    if found is not None and given not in (None, found):
        raise Invalid(f"{target} of {principal} is in account {found}, not in {given}; leave account out.", "account")
    return found or given or ""


def _named_account(principal: Ref, target: Ref) -> str | None:
    """By a permission set in an account, else by the ARN of the principal: AWS's own policies have no account."""
    if target.kind is Kind.PROVISIONED_PERMISSION_SET:
        return _twelve(target.native_id.partition("/")[0], target, "account/permission set ARN")
    if principal.kind in _DIRECTORY:
        return None
    return _twelve((principal.native_id.split(":") + [""] * 5)[4], principal, "ARN")


def _twelve(text: str, ref: Ref, shape: str) -> str:
    if not ACCOUNT_ID.fullmatch(text):
        raise Invalid(f"{ref} has no account in it; a {ref.kind} is named by its {shape}.", "account")
    return text


def _invalid(error: ValidationError) -> Invalid:
    first: Mapping[str, Any] = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "target"
    text = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return Invalid(f"The command cannot be sent: {field}: {text}.", field)
