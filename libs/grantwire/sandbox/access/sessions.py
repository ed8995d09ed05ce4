"""Credentials: long-lived keys of users, sessions of roles, and the signature of a request."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from grantwire.sandbox.access.principals import Principal
from grantwire.sandbox.ids import secret, unique_id
from grantwire.sandbox.world import World

TOLERANCE = timedelta(minutes=15)  # AWS refuses a signature whose date is further from its own clock
_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]*)/(?P<service>[^/]+)/aws4_request, *"
    r"SignedHeaders=(?P<headers>[^,]+), *Signature=(?P<signature>[0-9a-f]+)"
)


class Refused(Exception):
    """The request's credentials are not accepted: HTTP 403 with AWS's code and text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Signed:
    """A request as it came, with what its Authorization header says."""

    key: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    headers: Mapping[str, str]
    url: str
    body: bytes


def read_signature(headers: Mapping[str, str], url: str, body: bytes) -> Signed:
    """The signature of a request; `Refused` when there is none."""
    found = _CREDENTIAL.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token")
    names = tuple(found["headers"].split(";"))
    return Signed(found["key"], found["region"], found["service"], names, found["signature"], headers, url, body)


@dataclass(frozen=True)
class Session:
    """Temporary credentials of a role."""

    access_key_id: str
    secret: str
    token: str
    account: str
    role_id: str
    name: str
    expires: float
    narrowed_by: tuple[str, ...] | None


class Sessions:
    """Every credential there is: the keys of the users of all worlds, and the role sessions given out.

    `closed`: whether nobody of an account may call, because it is suspended.
    """

    def __init__(self, worlds: dict[str, World], seed: int, closed: Callable[[str], bool] = lambda _: False) -> None:
        self._worlds, self._seed, self._closed = worlds, seed, closed
        self._open: dict[str, Session] = {}

    def grant(
        self, account: str, role_id: str, name: str, expires: float, narrowed_by: tuple[str, ...] | None
    ) -> Session:
        """New credentials for a session of the role; `expires` in seconds since 1970."""
        number = len(self._open)
        key = unique_id("ASIA", self._seed, role_id, number)
        token = secret("token", self._seed, key) * 3
        session = Session(key, secret(self._seed, key), token, account, role_id, name, expires, narrowed_by)
        self._open[key] = session
        return session

    def authenticate(self, signed: Signed, now: float, real_now: datetime) -> Principal:
        """The caller. Raises `Refused` as AWS does: unknown key, expired session, old date, wrong signature."""
        if signed.key in self._open:
            session = self._open[signed.key]
            principal, key, token = self._of_session(session, signed, now), session.secret, session.token
        else:
            principal, key, token = *self._of_user(signed), None
        if self._closed(principal.world.account):
            raise _unknown()
        check_date(signed.headers.get("x-amz-date", ""), real_now)
        if not hmac.compare_digest(signature(signed, key, token), signed.signature):
            raise Refused(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
                " Access Key and signing method. Consult the service documentation for details.",
            )
        return principal

    def _of_session(self, session: Session, signed: Signed, now: float) -> Principal:
        role = self._worlds[session.account].roles.get(session.role_id)
        if role is None or signed.headers.get("x-amz-security-token") != session.token:
            raise _unknown()
        if now >= session.expires:
            raise Refused("ExpiredToken", "The security token included in the request is expired")
        return Principal(self._worlds[session.account], role, session.name, session.narrowed_by)

    def _of_user(self, signed: Signed) -> tuple[Principal, str]:
        for world in self._worlds.values():
            key = world.keys.get(signed.key)
            user = world.users.get(key.user_id) if key is not None and key.active else None
            if key is not None and user is not None:
                return Principal(world, user), key.secret
        raise _unknown()


def _unknown() -> Refused:
    return Refused("InvalidClientTokenId", "The security token included in the request is invalid.")


def check_date(stamp: str, now: datetime) -> None:
    """Refuse a signature made more than 15 minutes from now, in the words of STS and IAM."""
    form = "%Y%m%dT%H%M%SZ"
    try:
        made = datetime.strptime(stamp, form).replace(tzinfo=UTC)
    except ValueError as error:
        raise Refused("IncompleteSignature", "Date must be in ISO-8601 'basic format'.") from error
    if made < now - TOLERANCE:
        edge, sign, words = now - TOLERANCE, "-", "Signature expired: {} is now earlier than {} ({} {} 15 min.)"
    elif made > now + TOLERANCE:
        edge, sign, words = now + TOLERANCE, "+", "Signature not yet current: {} is still later than {} ({} {} 15 min.)"
    else:
        return
    raise Refused("SignatureDoesNotMatch", words.format(stamp, edge.strftime(form), now.strftime(form), sign))


def signature(signed: Signed, key: str, token: str | None) -> str:
    """The SigV4 signature the request must carry, computed by botocore from the headers that it says it signed."""
    auth = SigV4Auth(Credentials(signed.key, key, token), signed.service, signed.region)
    headers = {name: signed.headers.get(name, "") for name in signed.signed_headers}
    request = AWSRequest(method="POST", url=signed.url, data=signed.body, headers=headers)
    request.context["timestamp"] = signed.headers.get("x-amz-date", "")
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))
