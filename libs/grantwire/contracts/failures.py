"""Why something did not happen, in words a person can act on: the thing, the cause, the next step."""

from enum import StrEnum


class GrantwireError(Exception):
    """The base of every error that is ours; its text is a full sentence meant for a person."""


class Malformed(GrantwireError):
    """A message or row that no retry can make readable: it goes to the dead letters at once."""


class Oversized(GrantwireError):
    """A message larger than the bus accepts; it was not sent."""


class Transient(GrantwireError):
    """It may work later. ``delay`` is the least number of seconds to wait, where the cause says so."""

    def __init__(self, message: str, *, delay: float | None = None) -> None:
        super().__init__(message)
        self.delay = delay


class DependencyDown(Transient):
    """NATS or Postgres cannot be reached. Handlers wait with heartbeats; they do not burn deliveries."""


class NotFound(GrantwireError):
    """The thing asked for is not there."""


class Ambiguous(GrantwireError):
    """Several things answer to that name; ``candidates`` lists their native ids."""

    def __init__(self, message: str, candidates: list[str]) -> None:
        super().__init__(message)
        self.candidates = candidates


class Conflict(GrantwireError):
    """It contradicts what is already there."""


class Invalid(GrantwireError):
    """A field that cannot be accepted; ``field`` names it."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class SecretKeyError(GrantwireError):
    """A secret cannot be encrypted or decrypted: the key is missing, malformed, or another one. Never says the secret
    or a key; no retry helps before a person acts."""


class AwsCause(StrEnum):
    """What kind of refusal an AWS call met: decides whether to retry, wait, or tell a person."""

    TRANSIENT = "transient"  # throttled, 5xx, timeout, connection, cut reply
    DENIED = "denied"  # AccessDenied, and every credential that is not accepted
    GONE = "gone"  # NoSuchEntity and its kin
    CONFLICT = "conflict"  # ConflictException, ConcurrentModification
    CLOCK = "clock"  # the request's time differs too much from AWS's
    FINAL = "final"  # anything else: no retry will help


class AwsError(GrantwireError):
    """An AWS call that failed, said in one sentence. ``operation`` is ``service:Operation``, ``code`` AWS's own;
    ``role_arn`` the role that was wanted or acting, where that is known.

    ``ambiguous``: it was a write, and it may have been carried out all the same. ``request_id``: AWS's, if it answered.
    """

    def __init__(
        self,
        message: str,
        *,
        cause: AwsCause,
        operation: str,
        code: str,
        account: str | None = None,
        role_arn: str | None = None,
        ambiguous: bool = False,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.role_arn = role_arn
        self.ambiguous = ambiguous
        self.request_id = request_id
        self.cause = cause
        self.operation = operation
        self.code = code
        self.account = account


class ScimError(AwsError):
    """A call of the SCIM endpoint that failed. ``delay`` is the least number of seconds to wait, where it said so."""

    def __init__(self, message: str, *, cause: AwsCause, operation: str, code: str, delay: float | None = None) -> None:
        super().__init__(message, cause=cause, operation=operation, code=code)
        self.delay = delay
