"""Who may knock at a role: its trust policy evaluated for all it names, by docs/reference/iam-facts.md. Pure."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Any, Final, Literal

from grantwire.collectors.iam.principals import ANYONE, Principal, principal
from grantwire.collectors.iam.statements import Statement, ordered, statements

Effect = Literal["allow", "conditional", "denied", "unknown"]
_SERVICE_LINKED: Final = "/aws-service-role/"
_SSO_RESERVED: Final = "/aws-reserved/sso.amazonaws.com/"


@dataclass(frozen=True, slots=True)
class Knock:
    """One principal that a trust policy names, what it comes to, and the statements that say so."""

    principal: Principal
    effect: Effect
    statements: list[dict[str, Any]]


def knocks(document: Any, inside: Set[str]) -> list[Knock]:
    """Every principal a trust policy names, with its effect; ``inside`` as in ``principals``. What is not a policy
    names none."""
    found = statements(document, inside)
    return [_knock(named, found) for named in _named(found)]


def role_class(path: str, document: Any, account: str) -> str:
    """The first class that fits: by the role's path, then by whom its trust policy allows to assume it. It speaks of
    accounts, not of organizations: the neighbour in one's own organization is another account."""
    if path.startswith(_SERVICE_LINKED):
        return "service_linked"
    if path.startswith(_SSO_RESERVED):
        return "sso_reserved"
    allowing = [statement for statement in statements(document, {account}) if statement.raw.get("Effect") == "Allow"]
    named = [named for statement in allowing for named in statement.named]
    classes = {named.principal_class for named in named}
    for class_ in ("service", "oidc", "saml"):
        if class_ in classes:
            return class_
    return "cross_account" if any(_outside(each, account) for each in named) else "account"


def _outside(named: Principal, account: str) -> bool:
    return named.native_id == ANYONE or named.belongs_to not in (None, account)


def _named(found: Iterable[Statement]) -> list[Principal]:
    named = {each.key: each for statement in found for each in statement.named}
    if any(statement.everyone_but and statement.allows for statement in found):
        anyone = principal("AWS", ANYONE, frozenset())  # it names nobody, and may mean anybody
        named.setdefault(anyone.key, anyone)
    return list(named.values())


def _knock(named: Principal, found: Iterable[Statement]) -> Knock:
    matching = [statement for statement in found if statement.matches(named)]
    return Knock(named, _effect(matching), ordered(matching))


def _effect(matching: list[Statement]) -> Effect:
    """What is certain decides, unless what is not could turn it: the worst and the best case must agree."""
    certain = [statement for statement in matching if statement.certain]
    doubtful = [statement for statement in matching if not statement.certain]
    worst = _verdict(certain, denies=[each for each in doubtful if each.denies])
    best = _verdict(certain, allows=[each for each in doubtful if each.allows])
    if best == "denied":
        return "denied"
    if worst != best or any(each.everyone_but and each.denies for each in doubtful):
        return "unknown"
    return best


def _verdict(certain: list[Statement], *, allows: Iterable[Statement] = (), denies: Iterable[Statement] = ()) -> Effect:
    """The effect if the doubtful statements given, and no others, apply. A conditional Deny changes nothing."""
    denying = [*(each for each in certain if each.denies), *denies]
    refused = frozenset[str]().union(*(each.acts for each in denying if not each.conditional))
    allowing = [each for each in (*(each for each in certain if each.allows), *allows) if each.acts - refused]
    if not allowing:
        return "denied"
    return "conditional" if all(each.conditional for each in allowing) else "allow"
