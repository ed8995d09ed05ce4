"""What a person makes in AWS before a connector can work: each role, whom it must trust, and what it may do. Pure.

The actions are those that the readers call, from the same tuples; a feature that is off asks for none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from grantwire.aws.entry import Identity
from grantwire.aws.permissions import (
    CREDENTIALS,
    IAM_ALIASES,
    IAM_ALL,
    IDENTITY_CENTER,
    IN_ACCOUNTS,
    ORGANIZATION,
    PROVISIONING,
    OperationKind,
    child_roles,
    in_management,
    policy,
)
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsError

Document = dict[str, Any]
SUGGESTED: Final = "Grantwire"  # the name of a connector role that is not there yet
CHILD_DEFAULT: Final = "OrganizationAccountAccessRole"  # the role that Organizations makes in the accounts it creates
_VERSION: Final = "2012-10-17"


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whom the connector's role must trust. ``arn`` is a placeholder in angle brackets where that is not known;
    ``note`` says what a person must check."""

    arn: str
    how: Literal["operator_role", "caller", "unknown"]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """Why a role may do something: the setting or reader that calls these actions. ``writes``: some of them change
    what they are named after, for commands."""

    name: str
    actions: tuple[str, ...]
    writes: bool = False


@dataclass(frozen=True, slots=True)
class RoleSetup:
    """A role to make. ``where`` is a phrase of which accounts it is made in."""

    role: Literal["connector", "child"]
    name: str
    where: str
    trust_policy: Document
    permissions_policy: Document
    features: list[Feature]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What somebody must be allowed who is there already."""

    who: str
    policy: Document


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything to make, in the order in which it is made; ``notes`` are sentences about the rest.

    ``further``: what most do without, each with the reason for it.
    """

    partition: str
    trusted: Trusted
    roles: list[RoleSetup]
    allowances: list[Allowance]
    further: list[Allowance]
    notes: list[str]


def setup_of(connector: Connector, caller: Identity | AwsError, *, reveal: bool) -> Setup:
    """``caller``: who the api is in AWS, or why nobody knows. ``reveal``: with the external ids themselves, which only
    a draft shows."""
    trusted = trusted_by(connector, caller)
    known = None if isinstance(caller, AwsError) else caller
    partition = _partition(connector, known)
    roles = [_connector_role(connector, trusted, partition, reveal=reveal)]
    if connector.organizations and connector.child_iam:
        roles.append(_child_role(connector, partition, reveal=reveal))
    allowances, further = _allowances(connector, known, partition), _further(connector, roles[0].name, partition)
    return Setup(partition, trusted, roles, list(allowances), list(further), list(_notes(connector)))


def trusted_by(connector: Connector, caller: Identity | AwsError) -> Trusted:
    """The operator role where the connector names one, else the caller: a session as the role that it is of."""
    if connector.operator_role_arn is not None:
        return Trusted(connector.operator_role_arn, "operator_role")
    if isinstance(caller, AwsError):
        note = f"Who runs Grantwire in AWS is not known to the api: {caller}"
        return Trusted("<the ARN of who runs Grantwire>", "unknown", note)
    if (name := _session_of(caller.arn)) is None:
        return Trusted(caller.arn, "caller")
    arn = f"arn:{caller.partition}:iam::{caller.account}:role/{name}"
    note = (
        f"The api runs as a session of the role {name}, and AWS does not show the path of a role that is in use: name "
        f"the ARN that `aws iam get-role --role-name {name} --query Role.Arn` prints, should it differ."
    )
    return Trusted(arn, "caller", note)


def _session_of(arn: str) -> str | None:
    """The name of the role that a session is of: ``arn:aws:sts::1:assumed-role/Name/session``."""
    kind, _, rest = arn.split(":", 5)[5].partition("/")
    return rest.partition("/")[0] if kind == "assumed-role" else None


def _partition(connector: Connector, caller: Identity | None) -> str:
    if arn := connector.role_arn or connector.operator_role_arn:
        return arn.split(":")[1]
    return caller.partition if caller else "aws"


def _connector_role(connector: Connector, trusted: Trusted, partition: str, *, reveal: bool) -> RoleSetup:
    features = list(_own_features(connector))
    where = (
        "the organization's management account, or a delegated administrator's"
        if connector.organizations
        else "the account to read"
    )
    return RoleSetup(
        "connector",
        connector.role_arn.rpartition("/")[2] if connector.role_arn else SUGGESTED,
        where,
        _trust(trusted.arn, _shown(connector.external_id, "external_id", reveal=reveal)),
        _permissions(features, child_roles(connector, partition) if connector.child_iam else ()),
        features,
    )


def _child_role(connector: Connector, partition: str, *, reveal: bool) -> RoleSetup:
    features, name = list(_child_features(connector)), connector.child_role_name.rpartition("/")[2]
    notes = []
    if name == CHILD_DEFAULT:
        notes.append(
            "Accounts that Organizations created have it: it trusts the management account and may do everything."
        )
    if connector.role_arn is None:
        notes.append("Put the connector role's account in the place of ACCOUNT; once the role is set, this names it.")
    return RoleSetup(
        "child",
        name,
        "every other account that is to be read",
        _trust(
            connector.role_arn or f"arn:{partition}:iam::ACCOUNT:role/{SUGGESTED}",
            _shown(connector.child_external_id, "child_external_id", reveal=reveal),
        ),
        _permissions(features),
        features,
        " ".join(notes) or None,
    )


def _own_features(connector: Connector) -> Iterator[Feature]:
    yield Feature("iam", _iam(connector))
    if connector.organizations:
        yield Feature("organizations", ORGANIZATION)
    if connector.identity_center:
        yield Feature("identity_center", IDENTITY_CENTER)
    if connector.sync_secrets:
        yield Feature("sync_secrets", CREDENTIALS)
    if connector.provisioning:
        yield _provisioning("iam", *IN_ACCOUNTS)
    if connector.provisioning and connector.identity_center:
        yield _provisioning("identity_center", *(PROVISIONING.keys() - IN_ACCOUNTS))


def _child_features(connector: Connector) -> Iterator[Feature]:
    yield Feature("iam", _iam(connector))
    if connector.sync_secrets:
        yield Feature("sync_secrets", CREDENTIALS)
    if connector.provisioning:
        yield _provisioning("iam", *IN_ACCOUNTS)


def _provisioning(name: str, *kinds: OperationKind) -> Feature:
    """What commands read and write: their sessions are narrowed to one kind of operation each."""
    return Feature(name, tuple(sorted({action for kind in kinds for action in PROVISIONING[kind]})), writes=True)


def _iam(connector: Connector) -> tuple[str, ...]:
    """Aliases are asked for in the accounts of an organization alone."""
    return tuple(each for each in IAM_ALL if connector.organizations or each not in IAM_ALIASES)


def _trust(arn: str, external_id: str | None) -> Document:
    statement: Document = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {"Version": _VERSION, "Statement": [statement]}


def _permissions(features: list[Feature], roles: tuple[str, ...] = ()) -> Document:
    """A statement for each feature, so that a person sees what it costs; those of one role may overlap."""
    statements: list[Document] = [
        {"Sid": _sid(each), "Effect": "Allow", "Action": sorted(each.actions), "Resource": "*"} for each in features
    ]
    if roles:
        statements.append(
            {"Sid": "EnterAccounts", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": list(roles)}
        )
    return {"Version": _VERSION, "Statement": statements}


def _sid(feature: Feature) -> str:
    """Letters and digits only, as AWS wants it: ``ReadIdentityCenter``, ``ProvisionIam``."""
    verb = "Provision" if feature.writes else "Read"
    return verb + "".join(word.capitalize() for word in feature.name.split("_"))


def _allowances(connector: Connector, caller: Identity | None, partition: str) -> Iterator[Allowance]:
    """Entering a role of another account needs both: its trust, and this."""
    role = connector.role_arn or f"arn:{partition}:iam::ACCOUNT:role/{SUGGESTED}"
    who = caller.arn if caller else "who runs Grantwire"
    if connector.operator_role_arn is not None:
        yield Allowance(who, policy((), [connector.operator_role_arn]))
        who = connector.operator_role_arn
    yield Allowance(who, policy((), [role]))


def _further(connector: Connector, role: str, partition: str) -> Iterator[Allowance]:
    if connector.provisioning and connector.identity_center:
        why = (
            "only if commands assign permission sets in the management account itself, and the role is in that account"
        )
        document = {"Version": _VERSION, "Statement": list(in_management(partition))}
        yield Allowance(f"the role {role}, {why}", document)


def _notes(connector: Connector) -> Iterator[str]:
    if connector.operator_role_arn is None:
        yield "Every collector must run as the identity that the trust policy names, not only the api."
    if connector.scim:
        yield "scim needs nothing of AWS's IAM: its endpoint and token come from IAM Identity Center, Settings."
    if connector.last_login:
        yield "Nothing acts on last_login yet: no permission is asked for on that account."


def _shown(value: str | None, name: str, *, reveal: bool) -> str | None:
    return value if value is None or reveal else f"<the {name} of the connector>"
