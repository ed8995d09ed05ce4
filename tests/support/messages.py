"""An example of every message that leaves a service, as goldens and documents show it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from grantwire.contracts import changes, outcomes
from grantwire.contracts.changes import Change
from grantwire.contracts.commands import GrantAccess, Ref, RevokeAccess
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.messages import Message
from grantwire.contracts.outcomes import CommandTold, Evidence, PlannedCall
from grantwire.contracts.resources import Kind
from grantwire.contracts.snapshots import Body, Outcome, Reason, SnapshotBegun, SnapshotSealed, Unread

ID: Final = UUID("0197c2d4-5a1e-4c0b-9f57-2f0d6f3f6a10")
AT: Final = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)
ACCOUNT: Final = "123456789012"
OWN: Final = "111122223333"
PERSON: Final = Ref(kind=Kind.IDENTITY_USER, native_id="90677a1c-8071-70f2-1c3a-5f2f4f0b9a11")
PAIR: Final = Ref(
    kind=Kind.PROVISIONED_PERMISSION_SET,
    native_id=f"{ACCOUNT}/arn:aws:sso:::permissionSet/ssoins-7223b1c5d8e9f001/ps-0f1e2d3c4b5a6978",
)
USER: Final = Ref(kind=Kind.IAM_USER, native_id=f"arn:aws:iam::{ACCOUNT}:user/ann")
GROUP: Final = Ref(kind=Kind.IAM_GROUP, native_id=f"arn:aws:iam::{ACCOUNT}:group/admins")
_SAID: Final[dict[str, Any]] = {"connector": "prod", "requester": "ann@example.com", "reason": "INC-4711"}
_GRANT: Final = GrantAccess(
    id=ID, account=ACCOUNT, principal=PERSON, target=PAIR, valid_until=AT + timedelta(hours=1), **_SAID
)
_REVOKE: Final = RevokeAccess(id=ID, account=ACCOUNT, principal=USER, target=GROUP, unique_id="AIDAEXAMPLE", **_SAID)
_REQUEST: Final = "7f0f1a3e-1111-4222-8333-944455556666"


def examples() -> list[Message]:
    """One of each type, in the order of the contracts."""
    return [*_sync(), *_changes(), _GRANT, _REVOKE, *told()]


def told() -> list[CommandTold]:
    """What may be told of a command."""
    held, gone = _evidence(held=True), _evidence(held=False)
    return [
        _told(outcomes.CommandAccepted),
        _told(outcomes.CommandParked, n=1, reason=_reason("account_inactive", "AWS has suspended the account.")),
        _told(outcomes.AccessGranted, n=1, observed=held, request_ids=[_REQUEST], revision=4_212),
        _told(outcomes.AccessHeld, n=1, observed=held, revision=4_212),
        _told(outcomes.AccessRevoked, _REVOKE, n=1, observed=gone, request_ids=[_REQUEST], revision=4_213),
        _told(outcomes.AccessGone, _REVOKE, n=1, observed=gone, revision=4_213),
        _told(outcomes.CommandPlanned, n=1, observed=gone, plan=_plan()),
        _told(outcomes.CommandRefused, n=1, reason=_reason("unknown_principal", "AWS knows no such identity_user.")),
        _told(outcomes.CommandFailed, n=1, observed=gone, reason=_reason("not_observed", "AWS does not show it.")),
        _told(outcomes.CommandSuperseded, n=1, reason=_reason("superseded", "A newer command took its place.")),
        _told(outcomes.CommandExpired, n=1, reason=_reason("expired", "It could not begin in time.")),
    ]


def _sync() -> list[Message]:
    run, snapshot = "3f0c8a52-0000-4000-8000-000000000001", "3f0c8a52-0000-4000-8000-000000000002"
    scope = {"connector": "prod", "source": "iam", "scope": f"iam/{ACCOUNT}"}
    sealed = SnapshotSealed(
        snapshot=snapshot,
        run=run,
        account=ACCOUNT,
        fence=176_400,
        last_read=176_455,
        read_began_at=AT,
        plan="bulk",
        outcome=Outcome.COMPLETE,
        unread=[Unread(what="iam_user.tags", why="iam:ListUserTags is not allowed")],
        covers=["iam_user", "iam_group", "member_of"],
        body=Body.CHUNKS,
        chunks=2,
        bytes=181_204,
        digest="c4f1",
        calls={"iam:ListUsers": 2},
        seconds=1.25,
        **scope,
    )
    job = CollectScope(run=run, settings_version=3, **scope)
    return [job, SnapshotBegun(snapshot=snapshot, run=run, **scope), sealed]


def _changes() -> list[Change]:
    said: dict[str, Any] = {"revision": 4_212, "n": 0, "at": AT, "connector": "prod", "account": ACCOUNT}
    said |= {"scope": f"iam/{ACCOUNT}", "cause": f"command {ID}"}
    user = {**said, "kind": USER.kind, "native_id": USER.native_id, "name": "ann"}
    member = {**said, "kind": "member_of", "source": USER.native_id, "source_kind": USER.kind}
    member |= {"target": GROUP.native_id, "target_kind": GROUP.kind}
    scope = {**said, "kind": "scope", "resources": {"iam_user": 12}, "relations": {"member_of": 31}}
    before = USER.native_id.replace("ann", "anne")
    return [
        changes.ResourceAdded(**user, values={"path": "/"}),
        changes.ResourceChanged(**user, fields=["mfa_active", "tags"], values={"mfa_active": True}),
        changes.ResourceRemoved(**user),
        changes.ResourceRenamed(**user, previous_native_id=before, fields=["path"]),
        changes.RelationAdded(**member),
        changes.RelationChanged(**member, fields=["membership_id"], values={"membership_id": "m-1"}),
        changes.RelationRemoved(**member),
        changes.RelationRenamed(**member, previous_source=before, previous_target=GROUP.native_id),
        changes.ScopeLoaded(**scope),
        changes.ScopeRetired(**scope, why="The account left the organization.", purged_after=AT + timedelta(days=30)),
        changes.ScopeReturned(**scope),
    ]


def _told(
    kind: type[CommandTold], command: GrantAccess | RevokeAccess = _GRANT, n: int = 0, **more: Any
) -> CommandTold:
    return kind(
        command=command.id,
        n=n,
        team="payments",
        connector=command.connector,
        account=command.account,
        verb=command.verb(),
        fingerprint=command.fingerprint(),
        principal=command.principal,
        target=command.target,
        requester=command.requester,
        at=AT,
        **more,
    )


def _evidence(*, held: bool) -> Evidence:
    return Evidence(held=held, at=AT, operation="sso:ListAccountAssignments")


def _reason(code: str, text: str) -> Reason:
    return Reason(code=code, text=text)


def _plan() -> list[PlannedCall]:
    given = {"TargetId": ACCOUNT, "PrincipalType": "USER", "PrincipalId": PERSON.native_id}
    role = f"arn:aws:iam::{OWN}:role/GrantwireConnector"
    return [
        PlannedCall(operation="sso:ListAccountAssignments", account=OWN, role=role, writes=False),
        PlannedCall(operation="sso:CreateAccountAssignment", account=OWN, role=role, writes=True, parameters=given),
    ]
