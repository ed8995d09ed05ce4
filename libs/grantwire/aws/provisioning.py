"""The sessions of commands: one for each kind of operation, which may do nothing else."""

from collections.abc import Mapping
from typing import Final

from grantwire.aws.budgets import Budgets
from grantwire.aws.calls import Calls
from grantwire.aws.clients import Clients
from grantwire.aws.permissions import IN_ACCOUNTS, PROVISIONING, OperationKind
from grantwire.aws.session import AwsSession
from grantwire.aws.sessions import Sessions
from grantwire.aws.settings import AwsSettings
from grantwire.contracts.connectors import Connector
from grantwire.contracts.resources import Kind, RelationKind

_ATTACHED: Final[Mapping[Kind, OperationKind]] = {
    Kind.IAM_POLICY: "policy_attachment",
    Kind.INLINE_POLICY: "inline_policy",
}
_MEMBER_OF: Final[Mapping[Kind, OperationKind]] = {
    Kind.IAM_GROUP: "iam_membership",
    Kind.IDENTITY_GROUP: "directory_membership",
}


def operation_kind(relation: RelationKind, target: Kind) -> OperationKind:
    """The kind of operation that gives or takes a relation. Raises ``KeyError`` for one that no command is about."""
    if relation is RelationKind.ASSIGNED:
        return "assignment"
    return {RelationKind.MEMBER_OF: _MEMBER_OF, RelationKind.ATTACHED: _ATTACHED}[relation][target]


class ProvisioningSessions:
    """All share the clients, and spend from the budgets that the collectors spend from."""

    def __init__(self, settings: AwsSettings, calls: Calls, budgets: Budgets | None = None) -> None:
        clients = Clients(settings)
        self._of = {
            kind: Sessions(settings, calls, budgets, actions=actions, clients=clients, leads_on=kind in IN_ACCOUNTS)
            for kind, actions in PROVISIONING.items()
        }

    def get(self, connector: Connector, version: int, account: str, kind: OperationKind) -> AwsSession:
        """The session that carries an operation out. ``account``: what the command names.

        IAM is changed in that account itself, and the session refuses to work in any other one; Identity Center in the
        connector's own account, wherever the command leads.
        """
        if kind in IN_ACCOUNTS:
            return self._of[kind].get(connector, version, account).only(account)
        return self._of[kind].get(connector, version)

    def warm(self) -> None:
        """Read the models of the services that are written to now: the first command would wait for it."""
        for sessions in self._of.values():
            sessions.warm()

    def forget(self, connector: Connector, version: int, account: str, kind: OperationKind) -> None:
        """Enter anew next time."""
        self._of[kind].forget(connector, version, account if kind in IN_ACCOUNTS else None)
