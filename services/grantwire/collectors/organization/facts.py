"""Organizations' answers become the graph's rows, by docs/reference/organization-facts.md. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from grantwire.aws.organizations.shapes import Account, Unit
from grantwire.collectors.kit.times import rfc3339
from grantwire.collectors.organization.answers import Answers
from grantwire.contracts.resources import Facts, Kind, Relation, RelationKind, Resource

COVERS: Final = (
    Kind.ORGANIZATION.value,
    Kind.ORGANIZATIONAL_UNIT.value,
    Kind.ACCOUNT.value,
    RelationKind.CONTAINS.value,
)
UNKNOWN: Final = "unknown"  # the state of an account of which AWS gives none: never taken for any other


def facts_from_organization(answers: Answers) -> Facts:
    """Organization, root, units, accounts, and what contains what."""
    resources = (_organization(answers), *_units(answers), *(_account(answers, each) for each in answers.accounts))
    return Facts(resources, tuple(_contains(answers)))


def stateless(accounts: Sequence[Account]) -> list[str]:
    """The accounts whose state AWS does not give."""
    return [account.id for account in accounts if account.state is None]


def _organization(answers: Answers) -> Resource:
    found = answers.organization
    attributes = {
        "arn": found.arn,
        "management_account": found.management_account,
        "feature_set": found.feature_set,
    }
    return Resource(Kind.ORGANIZATION, found.id, None, found.id, attributes)


def _units(answers: Answers) -> Iterator[Resource]:
    yield from (_unit(root, is_root=True) for root in answers.tree.roots)
    for units in answers.tree.units.values():
        yield from (_unit(unit, is_root=False) for unit in units)


def _unit(unit: Unit, *, is_root: bool) -> Resource:
    attributes = {"arn": unit.arn, "is_root": is_root}
    return Resource(Kind.ORGANIZATIONAL_UNIT, unit.id, None, unit.name or unit.id, attributes)


def _account(answers: Answers, account: Account) -> Resource:
    attributes: dict[str, Any] = {
        "arn": account.arn,
        "email": account.email,
        "state": account.state or UNKNOWN,
        "joined_method": account.joined_method,
        "joined_at": rfc3339(account.joined_at),
        "is_management": account.id == answers.organization.management_account,
    }
    if answers.services is not None:
        attributes["delegated_services"] = sorted(answers.services.get(account.id, ()))
    return Resource(Kind.ACCOUNT, account.id, account.id, account.name or account.id, attributes)


def _contains(answers: Answers) -> Iterator[Relation]:
    unit, account = Kind.ORGANIZATIONAL_UNIT, Kind.ACCOUNT
    for root in answers.tree.roots:
        yield Relation(RelationKind.CONTAINS, answers.organization.id, Kind.ORGANIZATION, root.id, unit)
    for parent, units in answers.tree.units.items():
        yield from (Relation(RelationKind.CONTAINS, parent, unit, each.id, unit) for each in units)
    for parent, accounts in answers.tree.accounts.items():
        yield from (Relation(RelationKind.CONTAINS, parent, unit, each.id, account) for each in accounts)
