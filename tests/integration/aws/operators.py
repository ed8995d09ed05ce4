"""An operator role in an account of its own, which the connector's role trusts instead of the ambient user."""

import json
from dataclasses import dataclass
from typing import Any

from grantwire.contracts.connectors import Connector
from grantwire.sandbox.server import Sandbox
from tests.integration.aws.entering import admin, connector, member

EXTERNAL_ID = "operators-own-id"
NAME = "GrantwireOperator"


@dataclass(frozen=True)
class Operator:
    """The role, and the account that it is in."""

    arn: str
    account: str


def trusting(principal: str, external_id: str | None) -> str:
    """A trust policy of one principal."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def operator_role(sandbox: Sandbox) -> Operator:
    """Make it: it may assume the connector's role, which trusts nobody else from now on."""
    wanted, account = connector(sandbox), member(sandbox)
    assert wanted.role_arn is not None and wanted.account is not None
    roles, trust = admin(sandbox, account), trusting(sandbox.plan.operator_account, EXTERNAL_ID)
    arn = roles.create_role(RoleName=NAME, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    roles.put_role_policy(RoleName=NAME, PolicyName="Everything", PolicyDocument=document)
    admin(sandbox, wanted.account).update_assume_role_policy(
        RoleName=wanted.role_arn.rpartition("/")[2], PolicyDocument=trusting(arn, wanted.external_id)
    )
    return Operator(arn, account)


def operated(sandbox: Sandbox, operator: Operator, **but: Any) -> Connector:
    """The connector of the organization, through the operator role."""
    named = {"operator_role_arn": operator.arn, "operator_external_id": EXTERNAL_ID}
    return connector(sandbox, **{**named, **but})
