"""Which settings may be to blame when AWS refuses a connector's role: it never says which. Pure."""

from collections.abc import Iterator
from typing import Final

from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsCause, AwsError

_ASSUME: Final = "sts:AssumeRole"
_REFUSALS: Final = ("AccessDenied", "AccessDeniedException")
WRONG_PARTITION: Final = "WrongPartition"


def suspects(connector: Connector, error: AwsError) -> list[tuple[str, str]]:
    """Fields with what to compare; none where no setting is to blame, such as for the process's own credentials."""
    if error.operation != _ASSUME or error.cause is not AwsCause.DENIED or error.code not in _REFUSALS:
        return []
    operator = connector.operator_role_arn
    return list(_operator(connector) if operator and error.role_arn == operator else _role(connector))


def _role(connector: Connector) -> Iterator[tuple[str, str]]:
    if connector.role_arn is None:
        return
    who = "the operator role" if connector.operator_role_arn else "who runs Grantwire"
    yield "role_arn", f"is there such a role, and does its trust policy name {who}?"
    if connector.external_id is None:
        yield "external_id", "none is given: where the trust policy has a condition on sts:ExternalId, give the same"
    else:
        yield "external_id", "it must be the one in the trust policy's condition on sts:ExternalId, to the letter"


def _operator(connector: Connector) -> Iterator[tuple[str, str]]:
    yield "operator_role_arn", "is there such a role, and does its trust policy name who runs Grantwire?"
    given = "none is given: give the one" if connector.operator_external_id is None else "it must be the one"
    yield "operator_external_id", f"{given} that the operator role's trust policy asks for, if it asks for one"
