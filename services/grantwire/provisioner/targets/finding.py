"""From a command to its target: the connector's settings, a session narrowed to what the kind of target needs."""

from dataclasses import dataclass, field
from typing import Final

from grantwire.aws.iam.access import IamAccess
from grantwire.aws.identity_center.access import IdentityCenterAccess
from grantwire.aws.provisioning import ProvisioningSessions, operation_kind
from grantwire.aws.session import AwsSession
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import NotFound
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph import Graph, connectors
from grantwire.graph.connectors import StoredConnector
from grantwire.graph.known import Around
from grantwire.graph.operation import Known, Operation
from grantwire.provisioner.ports import Target
from grantwire.provisioner.targets.center import Assigned, DirectoryMembership
from grantwire.provisioner.targets.iam import IamMembership, InlinePolicy, PolicyAttachment

MOST_KEPT: Final = 256  # versions of settings
_IN_IAM: Final = (Kind.IAM_GROUP, Kind.IAM_POLICY, Kind.INLINE_POLICY)


@dataclass(frozen=True)
class StoredTargets:
    """Targets of the connectors that the graph keeps. Settings of one version are always the same ones."""

    graph: Graph
    sessions: ProvisioningSessions
    settings: dict[tuple[str, int], Connector] = field(default_factory=dict)

    async def target(self, operation: Operation, around: Around) -> Target:
        """Raises ``NotFound``, ``SecretKeyError``, ``AwsError``."""
        stored, facts = around.connector, around.facts
        if stored is None:
            raise NotFound(f"Connector {operation.connector!r} was removed.")
        settings = await self._settings(stored)
        command = operation.command
        kind = operation_kind(command.relation, command.target.kind)
        session = self.sessions.get(settings, stored.version, operation.account, kind)
        if command.target.kind in _IN_IAM:
            return _in_iam(session, operation, stored, facts)
        return _in_center(session, operation, stored, facts)

    async def _settings(self, stored: StoredConnector) -> Connector:
        key = stored.connector.id, stored.version
        if key not in self.settings:
            if len(self.settings) >= MOST_KEPT:
                self.settings.clear()
            self.settings[key] = await connectors.settings(self.graph, *key)
        return self.settings[key]


def _in_iam(session: AwsSession, operation: Operation, stored: StoredConnector, facts: Known) -> Target:
    access, command, own = IamAccess(session), operation.command, operation.account == stored.account
    role = stored.connector.role_arn if own else stored.connector.child_role(operation.account).arn
    unique_id = command.unique_id or facts.unique_id
    if command.target.kind is Kind.IAM_GROUP:
        return IamMembership(access, command, unique_id, role)
    if command.target.kind is Kind.IAM_POLICY:
        return PolicyAttachment(access, command, unique_id, role)
    return InlinePolicy(access, command, unique_id, role)


def _in_center(session: AwsSession, operation: Operation, stored: StoredConnector, facts: Known) -> Target:
    center, command, role = stored.identity_center, operation.command, stored.connector.role_arn
    if center is None or stored.account is None:
        raise NotFound(f"Connector {stored.connector.id!r} reads no Identity Center by now.")
    access = IdentityCenterAccess(session, center)
    if command.relation is RelationKind.ASSIGNED:
        return Assigned(access, command, facts, stored.account, role)
    return DirectoryMembership(access, command, center.identity_store, stored.account, role)
