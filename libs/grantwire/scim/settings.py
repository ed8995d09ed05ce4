"""How patient the SCIM reader is, and how much it takes. Values; whoever starts the process fills them in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScimSettings:
    """Times in seconds. ``read_timeout`` is the longest silence, ``request_seconds`` a request from dial to last byte.

    ``attempts`` counts the first try. A Retry-After beyond ``wait_max`` is not waited for: it is the error's ``delay``.
    ``ca_bundle`` is a file of certificates to trust instead of certifi's.
    """

    connect_timeout: float = 5.0
    read_timeout: float = 15.0
    request_seconds: float = 30.0
    listing_seconds: float = 600.0
    page_bytes: int = 4 * 1024 * 1024
    most_users: int = 500_000
    attempts: int = 4
    wait_initial: float = 0.5
    wait_max: float = 20.0
    ca_bundle: str | None = None
