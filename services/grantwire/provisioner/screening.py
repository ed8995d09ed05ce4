"""Whether a command is let in at all: decided before it is in anybody's way, without asking AWS. Pure."""

from dataclasses import dataclass

from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.contracts.snapshots import Reason
from grantwire.graph.operation import Known
from grantwire.provisioner.names import malformed
from grantwire.provisioner.rules import Rules


@dataclass(frozen=True, slots=True)
class Addressed:
    """What the subject says: the team is stamped by the bus, the rest must agree with the body."""

    team: str
    connector: str
    account: str
    verb: str


@dataclass(frozen=True, slots=True)
class Managed:
    """The connector as it is now: its own account, the instance of Identity Center that it reads, and whether it reads
    an organization. None where there is none of that id."""

    connector: Connector
    state: ConnectorState
    account: str | None
    has_center: bool


def screen(
    command: AccessCommand, addressed: Addressed, managed: Managed | None, known: Known, rules: Rules
) -> Reason | None:
    """Why the command is refused, or None."""
    return (
        _misaddressed(command, addressed)
        or malformed(command)
        or _unsupported(command)
        or _unmanaged(command, managed, known)
        or rules.refusal(command, addressed.team)
    )


def _misaddressed(command: AccessCommand, addressed: Addressed) -> Reason | None:
    said = (command.connector, command.account, command.verb())
    told = (addressed.connector, addressed.account, addressed.verb)
    if said == told:
        return None
    text = f"Its subject says {'.'.join(told)} and its body {'.'.join(said)}; next: publish it where its body says."
    return Reason(code="misaddressed", text=text)


def _unsupported(command: AccessCommand) -> Reason | None:
    if command.expires_at is None:
        return None
    text = "This version does not end access by itself, so it gives none that must end (expires_at)."
    return Reason(code="no_leases", text=text)


def _unmanaged(command: AccessCommand, managed: Managed | None, known: Known) -> Reason | None:
    if managed is None:
        text = f"There is no connector {command.connector!r}; `grantwire connector list` shows those there are."
        return Reason(code="unknown_connector", text=text)
    connector = managed.connector
    if managed.state in (ConnectorState.DRAFT, ConnectorState.PAUSED):
        return Reason(code="connector_inactive", text=f"Connector {connector.id!r} is {managed.state.value}.")
    if not connector.provisioning and not command.dry_run:
        text = (
            f"Connector {connector.id!r} only reads; next: give its role the permissions that `grantwire connector "
            f"show {connector.id} --policies` lists, then `grantwire connector edit {connector.id} --provisioning`."
        )
        return Reason(code="provisioning_off", text=text)
    return _elsewhere(command, managed, known)


def _elsewhere(command: AccessCommand, managed: Managed, known: Known) -> Reason | None:
    own = command.account == managed.account
    inside = managed.connector.organizations and known.account_of == managed.connector.id
    if not own and not inside:
        text = f"Connector {managed.connector.id!r} has no account {command.account}."
        return Reason(code="unknown_account", text=text)
    group = command.target.kind is Kind.IDENTITY_GROUP
    directory = command.relation is RelationKind.ASSIGNED or group
    if directory and not managed.has_center:
        return Reason(code="no_identity_center", text=f"Connector {managed.connector.id!r} reads no Identity Center.")
    if group and not own:
        text = f"A group of the directory is changed in the connector's own account, {managed.account}."
        return Reason(code="wrong_account", text=text)
    return None
