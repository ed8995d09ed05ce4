"""Users, groups and errors as the SCIM endpoint writes them."""

from __future__ import annotations

from typing import Any

from grantwire.sandbox.identity_center.facts import ENABLED, Email, Person, Team
from grantwire.sandbox.truth import stamp

_SCHEMA = "urn:ietf:params:scim:"
LIST = f"{_SCHEMA}api:messages:2.0:ListResponse"
ERROR = f"{_SCHEMA}api:messages:2.0:Error"
ISSUER = "https://scim.aws.com/"
_DETAILS = {
    400: "Request is unparsable, syntactically incorrect, or violates schema.",
    401: "Authorization header is invalid or missing.",
    403: "Operation is not permitted based on the supplied authorization.",
    404: "Specified resource does not exist.",
    429: "Too many requests exceeded the limits.",
}
_FAILED = "Service failed to process the request."


def user(row: Person) -> dict[str, Any]:
    """A user: one address, and only what the directory knows."""
    name = _known(givenName=row.given_name, familyName=row.family_name)
    return _known(
        id=row.id,
        externalId=external_id(row),
        meta=_meta("User", row.created_at, row.updated_at),
        schemas=[f"{_SCHEMA}schemas:core:2.0:User"],
        userName=row.user_name,
        name=name or None,
        displayName=row.display_name,
        title=row.title,
        userType=row.user_type,
        active=row.status == ENABLED,
        emails=[_email(each) for each in _main(row.emails)] or None,
    )


def external_id(row: Person | Team) -> str | None:
    """The id that the identity provider gave over SCIM: the directory keeps several, each with its issuer."""
    return next((number for issuer, number in row.external_ids if issuer.startswith(ISSUER)), None)


def group(row: Team) -> dict[str, Any]:
    """A group. Its member list is empty, whoever is in it."""
    return _known(
        id=row.id,
        externalId=external_id(row),
        meta=_meta("Group", row.created_at, row.created_at),
        schemas=[f"{_SCHEMA}schemas:core:2.0:Group"],
        displayName=row.display_name,
        members=[],
    )


def problem(status: int, request_id: str, now: int) -> dict[str, Any]:
    """An error's body, as it was seen: https://github.com/slashdevops/idp-scim-sync/issues/30"""
    return {
        "schema": [ERROR],
        "detail": _DETAILS.get(status, _FAILED),
        "status": str(status),
        "exceptionRequestId": request_id,
        "timeStamp": str(stamp(now)).replace("T", " ").replace("Z", ".000"),
    }


def provider() -> dict[str, Any]:
    """What the endpoint says it can do."""
    able = {"patch": True, "filter": True, "bulk": False, "changePassword": False, "sort": False, "etag": False}
    more: dict[str, dict[str, Any]] = {"filter": {"maxResults": 100}, "bulk": {"maxOperations": 1}}
    scheme = {"type": "oauthbearertoken", "name": "OAuth Bearer Token", "primary": True}
    return {
        "schemas": [f"{_SCHEMA}schemas:core:2.0:ServiceProviderConfig"],
        "authenticationSchemes": [scheme],
    } | {name: {"supported": supported} | more.get(name, {}) for name, supported in able.items()}


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _meta(kind: str, created: int | None, modified: int | None) -> dict[str, Any]:
    return _known(resourceType=kind, created=stamp(created), lastModified=stamp(modified))


def _main(emails: tuple[Email, ...]) -> tuple[Email, ...]:
    """SCIM shows one address of several: https://docs.aws.amazon.com/singlesignon/latest/developerguide/limitations.html"""
    return next(((each,) for each in emails if each.primary), emails[:1])


def _email(each: Email) -> dict[str, Any]:
    return _known(value=each.value, type=each.type, primary=each.primary)
