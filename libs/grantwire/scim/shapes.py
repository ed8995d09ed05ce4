"""What the SCIM endpoint answers, as frozen values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScimUser:
    """One user. ``active`` is None where the endpoint does not say it."""

    id: str
    user_name: str
    active: bool | None
    external_id: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The users that were read, one per id. Where ``whole`` is false there may be more, and ``why`` says so.

    Even of a whole listing absence proves nothing: a SCIM listing adds to what is known and never removes.
    """

    users: tuple[ScimUser, ...]
    whole: bool
    why: str | None = None
