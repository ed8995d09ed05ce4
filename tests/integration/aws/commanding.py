"""Accounts that commands change: a user, two groups, a role and policies of the same names in every one of them."""

from dataclasses import dataclass
from typing import Any

from grantwire.aws import Calls, ProvisioningSessions
from grantwire.aws.iam.access import IamAccess
from grantwire.aws.permissions import OperationKind
from grantwire.contracts.connectors import Connector
from grantwire.sandbox.server import Sandbox
from tests.integration.aws.entering import EVERYTHING, QUICK, admin, connector, everybody

USER, GROUP, ROLE, INLINE = "command-user", "command-group", "command-role", "command-inline"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
TRUST = '{"Version": "2012-10-17", "Statement": []}'
NOTHING = '{"Version": "2012-10-17", "Statement": []}'


@dataclass
class Commanded:
    """A sandbox whose connector may change things, and the account that is changed."""

    sandbox: Sandbox
    sessions: ProvisioningSessions
    connector: Connector
    account: str

    def iam(self, kind: OperationKind, account: str | None = None) -> IamAccess:
        return IamAccess(self.sessions.get(self.connector, 1, account or self.account, kind))

    @property
    def admin(self) -> Any:
        return admin(self.sandbox, self.account)

    def writes(self) -> list[tuple[str, str]]:
        """Account and operation of what was carried out since it was prepared."""
        return [(each["account"], each["operation"]) for each in self.sandbox.writes()]


def commanded(sandbox: Sandbox, calls: Calls) -> Commanded:
    """The user, the groups and the role of the same name stand in the member account and in the management account."""
    accounts = everybody(sandbox)
    for account in (accounts[0], accounts[-1]):
        prepared(admin(sandbox, account))
    sandbox.control("DELETE", "writes")
    return Commanded(sandbox, ProvisioningSessions(QUICK, calls), connector(sandbox), accounts[-1])


def prepared(iam: Any) -> None:
    iam.create_user(UserName=USER)
    iam.create_group(GroupName=GROUP)
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
    iam.put_user_policy(UserName=USER, PolicyName=INLINE, PolicyDocument=NOTHING)
    iam.put_group_policy(GroupName=GROUP, PolicyName=INLINE, PolicyDocument=NOTHING)
    iam.put_role_policy(RoleName=ROLE, PolicyName=INLINE, PolicyDocument=NOTHING)
    iam.attach_user_policy(UserName=USER, PolicyArn=EVERYTHING)
