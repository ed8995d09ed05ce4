"""What a failed call of the SCIM endpoint means, and the sentence a person gets: thing, cause and next step."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpcore

from grantwire.contracts.failures import AwsCause, ScimError
from grantwire.scim import flaws

OPERATION: Final = "scim:ListUsers"
VALIDATION: Final = "ValidationException"
_LONGEST: Final = 300  # characters of the endpoint's own words that a sentence repeats


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. The sentence's fields are ``host``, ``said``, ``status`` and ``wait``."""

    cause: AwsCause
    code: str
    sentence: str


UNAUTHORIZED: Final = Rule(
    AwsCause.DENIED,
    "UnauthorizedException",
    "{host} did not accept the SCIM access token (HTTP 401): it has expired, was deleted, or belongs to another tenant "
    "than the endpoint; next: rotate the token: in IAM Identity Center, Settings, Automatic provisioning, generate a "
    "second one, give it to the connector as scim_token, and then delete the first.",
)
DENIED: Final = Rule(
    AwsCause.DENIED,
    "AccessDeniedException",
    "{host} knows the SCIM access token but does not let it list users (HTTP 403); next: see whether automatic "
    "provisioning is still enabled in IAM Identity Center, Settings.",
)
NO_TENANT: Final = Rule(
    AwsCause.FINAL,
    "ResourceNotFoundException",
    "{host} has no users under the path of scim_endpoint (HTTP 404); next: copy the endpoint once more from IAM "
    "Identity Center, Settings, Automatic provisioning.",
)
THROTTLED: Final = Rule(
    AwsCause.TRANSIENT,
    "ThrottlingException",
    "{host} refuses requests for their rate (HTTP 429){wait}; next: nothing, it is asked again later; if this stays, "
    "give the connector a longer interval or see what else provisions over this endpoint.",
)
OUTAGE: Final = Rule(
    AwsCause.TRANSIENT,
    "InternalServerException",
    "{host} could not answer (HTTP {status}){wait}; next: nothing, it is asked again later.",
)
REDIRECT: Final = Rule(
    AwsCause.FINAL,
    "Redirected",
    "{host} answered with a redirect (HTTP {status}), which is not followed, because the token would go elsewhere; "
    "next: compare scim_endpoint with the one in IAM Identity Center, Settings, Automatic provisioning.",
)
REFUSED: Final = "{host} refused to list users (HTTP {status}{said}); next: no retry will help; read its words."
INVALID: Final = Rule(AwsCause.FINAL, VALIDATION, REFUSED)
OTHER: Final = Rule(AwsCause.FINAL, "UnknownStatus", REFUSED)
BY_STATUS: Final[Mapping[int, Rule]] = {
    400: INVALID,
    401: UNAUTHORIZED,
    403: DENIED,
    404: NO_TENANT,
    408: OUTAGE,
    429: THROTTLED,
}

FORBIDDEN: Final = Rule(
    AwsCause.FINAL,
    "EndpointForbidden",
    "No connection was made to the SCIM endpoint: {said}; next: see who answers for this name in DNS; if the endpoint "
    "is yours, allow its origin in the configuration.",
)
TOKEN_REPEATED: Final = Rule(
    AwsCause.FINAL,
    "TokenRepeated",
    "{host} repeats the SCIM access token in its answer, which AWS never does; the answer was thrown away; next: find "
    "out what answers there, and rotate the token.",
)
COMPRESSED: Final = Rule(
    AwsCause.FINAL,
    "Compressed",
    "{host} sent a compressed answer, although none was asked for; it was not unpacked, because its size is not known; "
    "next: look for a proxy between this machine and the endpoint.",
)
TOO_LARGE: Final = Rule(
    AwsCause.FINAL,
    "Oversized",
    "{host} sent a page of users larger than this process takes; it was not read to its end; next: find out what "
    "answers there: AWS's pages are far smaller.",
)
GARBLED: Final = Rule(
    AwsCause.TRANSIENT,
    "GarbledReply",
    "The answer of {host} {said}; nothing of it was used; next: it is asked again; if this stays, look for a proxy "
    "between this machine and the endpoint.",
)
UNRESOLVED: Final = Rule(
    AwsCause.TRANSIENT,
    "Unresolved",
    "The name {host} of the SCIM endpoint could not be resolved ({said}); next: check the region in scim_endpoint and "
    "this machine's DNS; it is tried again.",
)
CERTIFICATE: Final = Rule(
    AwsCause.FINAL,
    "CertificateRefused",
    "The certificate shown for {host} is not trusted ({said}), so the token was not sent; next: see what answers under "
    "this name.",
)
SLOW: Final = Rule(
    AwsCause.TRANSIENT,
    "Timeout",
    "{host} did not answer to the end in time; next: nothing, it is asked again later.",
)
CUT: Final = Rule(
    AwsCause.TRANSIENT,
    "GarbledReply",
    "The answer of {host} is cut or is not HTTP; nothing of it was used; next: it is asked again; if this stays, look "
    "for a proxy between this machine and the endpoint.",
)
UNREACHABLE: Final = Rule(
    AwsCause.TRANSIENT,
    "Unreachable",
    "{host} could not be reached ({said}); next: check the network; proxies are not used for SCIM; it is tried again.",
)
BY_EXCEPTION: Final[tuple[tuple[type[Exception], Rule], ...]] = (
    (flaws.Forbidden, FORBIDDEN),
    (flaws.Distrusted, CERTIFICATE),
    (flaws.TokenRepeated, TOKEN_REPEATED),
    (flaws.Compressed, COMPRESSED),
    (flaws.TooLarge, TOO_LARGE),
    (flaws.Garbled, GARBLED),
    (flaws.Unresolved, UNRESOLVED),
    (TimeoutError, SLOW),
    (httpcore.TimeoutException, SLOW),
    (httpcore.ProtocolError, CUT),
    (httpcore.NetworkError, UNREACHABLE),
    (OSError, UNREACHABLE),
)


def failure(error: Exception, host: str) -> ScimError:
    """The failure as ours. What is not a failure of a call is raised again."""
    if isinstance(error, ScimError):
        return error
    if isinstance(error, flaws.Refused):
        return _refused(error, host)
    for type_, rule in BY_EXCEPTION:
        if isinstance(error, type_):
            return _said(rule, host, said=_short(str(error)) or type(error).__name__)
    raise error


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header, in either of its forms; None where there is none that can be read."""
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _refused(error: flaws.Refused, host: str) -> ScimError:
    said = f": {_short(error.said)}" if error.said else ""
    wait = f" and asks to wait {error.delay:.0f} s" if error.delay is not None else ""
    return _said(_rule(error.status), host, said=said, status=error.status, wait=wait, delay=error.delay)


def _rule(status: int) -> Rule:
    if found := BY_STATUS.get(status):
        return found
    return OUTAGE if status >= 500 else REDIRECT if 300 <= status < 400 else OTHER


def _said(
    rule: Rule, host: str, *, said: str, status: int = 0, wait: str = "", delay: float | None = None
) -> ScimError:
    sentence = rule.sentence.format(host=host, said=said, status=status, wait=wait)
    return ScimError(sentence, cause=rule.cause, operation=OPERATION, code=rule.code, delay=delay)


def _short(text: str) -> str:
    """One line of what can be printed."""
    text = " ".join("".join(each if each.isprintable() else " " for each in text).split()).rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
