"""What a principal written in a trust policy is. Pure.

``inside`` are the accounts whose users and roles are resources of the graph: the role's own, and those of its
organization. A principal of any other is external.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Any, Final

from grantwire.contracts.resources import Kind, Resource

ANYONE: Final = "*"
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_ROOT: Final = re.compile(r"arn:[^:]*:iam::([0-9]{12}):root")
_IDENTITY: Final = re.compile(r"arn:[^:]*:iam::([0-9]{12}):(user|role)/.+", re.DOTALL)
_SESSION: Final = re.compile(r"arn:[^:]*:sts::([0-9]{12}):(?:assumed-role|federated-user)/.+", re.DOTALL)
_UNIQUE_ID: Final = re.compile(r"(?:AIDA|AROA|AGPA|ANPA|ASIA|AKIA)[A-Z0-9]+")
_PROVIDER: Final = re.compile(r"arn:[^:]*:iam::[0-9]{12}:(saml|oidc)-provider/(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Principal:
    """One end of ``can_assume``. ``belongs_to`` is the account whose being named in a statement names this one too."""

    kind: Kind
    native_id: str
    principal_class: str | None = None  # of external principals only
    issuer: str | None = None
    belongs_to: str | None = None

    @property
    def key(self) -> tuple[Kind, str]:
        return (self.kind, self.native_id)

    @property
    def names_an_account(self) -> bool:
        return self.kind is Kind.ACCOUNT or self.principal_class == "account"

    def mention(self) -> Resource | None:
        """What the snapshot says of an account or external principal, by identity. Users and roles inside are
        rows, of this snapshot or of their own account's."""
        if self.kind is Kind.ACCOUNT:
            return account_mention(self.native_id)
        if self.kind is not Kind.EXTERNAL_PRINCIPAL:
            return None
        attributes = {"principal_class": self.principal_class, "issuer": self.issuer}
        return Resource(self.kind, self.native_id, None, self.native_id, attributes)


def account_mention(account: str) -> Resource:
    """An account seen from inside: identity only, named by its id until Organizations names it."""
    return Resource(Kind.ACCOUNT, account, account, account, {})


def principals(element: Any, inside: Set[str]) -> Iterator[Principal]:
    """Everything a ``Principal`` element names, in the order written. What is not text names nothing."""
    if isinstance(element, dict):
        for type_, named in element.items():
            yield from (principal(str(type_), text, inside) for text in _texts(named))
    else:
        yield from (principal("AWS", text, inside) for text in _texts(element))


def principal(type_: str, text: str, inside: Set[str]) -> Principal:
    """One principal, written ``text`` under ``type_``."""
    if text == ANYONE and type_ in ("AWS", "Service", "Federated"):
        return _external(text, "anyone")
    match type_:
        case "AWS":
            return _aws(text, inside)
        case "Service":
            return _external(text, "service")
        case "Federated":
            return _federated(text)
        case "CanonicalUser":
            return _external(text, "canonical_user")
    return _external(text, "unresolved")


def _aws(text: str, inside: Set[str]) -> Principal:
    if found := _ROOT.fullmatch(text) or _ACCOUNT.fullmatch(text):
        return _account(found[found.lastindex or 0], inside)
    if found := _IDENTITY.fullmatch(text):
        return _identity(text, owner=found[1], type_=found[2], inside=inside)
    if found := _SESSION.fullmatch(text):
        return _external(text, "session", belongs_to=found[1])
    return _external(text, "deleted" if _UNIQUE_ID.fullmatch(text) else "unresolved")


def _account(named: str, inside: Set[str]) -> Principal:
    if named in inside:
        return Principal(Kind.ACCOUNT, named, belongs_to=named)
    return _external(named, "account", belongs_to=named)


def _identity(text: str, *, owner: str, type_: str, inside: Set[str]) -> Principal:
    if owner not in inside:
        return _external(text, "unresolved", belongs_to=owner)
    return Principal(Kind.IAM_USER if type_ == "user" else Kind.IAM_ROLE, text, belongs_to=owner)


def _federated(text: str) -> Principal:
    """Providers belong to no account here: naming an account names its users, roles and sessions."""
    if (found := _PROVIDER.fullmatch(text)) is None:
        return _external(text, "oidc", issuer=text)
    return _external(text, found[1], issuer=found[2])


def _external(text: str, class_: str, *, issuer: str | None = None, belongs_to: str | None = None) -> Principal:
    return Principal(Kind.EXTERNAL_PRINCIPAL, text, class_, issuer, belongs_to)


def _texts(value: Any) -> Iterator[str]:
    yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
