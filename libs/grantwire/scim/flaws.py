"""What can be wrong with a connection or an answer, before ``errors`` makes a sentence of it."""


class Unresolved(Exception):
    """The name has no address, or nobody could say. The text says which."""


class Forbidden(Exception):
    """A connection that must not be made. The text says to where, and why not."""


class Distrusted(Exception):
    """A certificate that is not trusted for the endpoint's name. The text says why."""


class TokenRepeated(Exception):
    """The answer contains the access token. It was thrown away unread."""


class Garbled(Exception):
    """An answer that is cut, or not the endpoint's. The text completes "The answer …"."""


class Compressed(Exception):
    """An answer that is packed although plain was asked for: its true size cannot be known without unpacking it."""


class TooLarge(Exception):
    """An answer of more bytes than are taken. The rest was not read."""


class Refused(Exception):
    """Any HTTP status but 200. ``delay`` is the Retry-After in seconds, ``said`` the endpoint's own words."""

    def __init__(self, status: int, *, delay: float | None = None, said: str = "") -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.delay = delay
        self.said = said
