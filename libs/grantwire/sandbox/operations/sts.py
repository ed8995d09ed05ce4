"""STS: who am I, and becoming a role."""

from __future__ import annotations

from typing import Any

from grantwire.sandbox.access.policies import Ask
from grantwire.sandbox.access.principals import default_document
from grantwire.sandbox.access.trust import lets_in
from grantwire.sandbox.facts import Role
from grantwire.sandbox.operations.documents import checked_document
from grantwire.sandbox.operations.registry import Call, Failure, operation
from grantwire.sandbox.world import World

CHAIN_LIMIT = 3600  # a session of a role cannot get a longer session of another role


@operation("sts", "GetCallerIdentity", None)
def get_caller_identity(call: Call) -> dict[str, Any]:
    """Needs no permission."""
    return {"UserId": call.caller.user_id, "Account": call.caller.world.account, "Arn": call.caller.arn}


@operation("sts", "AssumeRole", None)
def assume_role(call: Call) -> dict[str, Any]:
    """A missing role and a role that does not let the caller in answer alike: AccessDenied."""
    arn = str(call.params["RoleArn"])
    world, role = _role(call, arn)
    ask = Ask("sts:AssumeRole", arn, _context(call))
    if world is None or role is None or not lets_in(world, role, call.caller, ask):
        text = f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        raise Failure("AccessDenied", text, 403)
    duration = _duration(call, role)
    name, narrowed_by = call.params["RoleSessionName"], _session_policies(call, world)
    session = call.sessions.grant(world.account, role.unique_id, name, call.now + duration, narrowed_by)
    return {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret,
            "SessionToken": session.token,
            "Expiration": call.now + duration,
        },
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.unique_id}:{name}",
            "Arn": f"arn:{world.partition}:sts::{world.account}:assumed-role/{role.name}/{name}",
        },
    }


def _role(call: Call, arn: str) -> tuple[World | None, Role | None]:
    parts = arn.split(":", 5)
    number = parts[4] if len(parts) == 6 else ""
    closed = call.organization is not None and call.organization.is_closed(number)
    world = call.worlds.get(number) if not closed else None
    found = world.principal(arn) if world is not None else None
    return world, found if isinstance(found, Role) else None


def _context(call: Call) -> dict[str, str]:
    context = call.caller.context()
    given = {"sts:ExternalId": "ExternalId", "sts:RoleSessionName": "RoleSessionName"}
    context |= {key: call.params[name] for key, name in given.items() if name in call.params}
    return context | {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in call.params.get("Tags", [])}


def _duration(call: Call, role: Role) -> int:
    wanted = int(call.params.get("DurationSeconds", 3600))
    if call.caller.session is not None and wanted > CHAIN_LIMIT:
        raise Failure(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        )
    if wanted > role.max_session:
        raise Failure(
            "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return wanted


def _session_policies(call: Call, world: World) -> tuple[str, ...] | None:
    documents = [call.params["Policy"]] if "Policy" in call.params else []
    for each in documents:
        checked_document(each)
    for descriptor in call.params.get("PolicyArns", []):
        document = default_document(world, descriptor["arn"])
        if document is None:
            raise Failure("MalformedPolicyDocument", f"Policy ARN {descriptor['arn']} does not exist.")
        documents.append(document)
    return tuple(documents) or None
