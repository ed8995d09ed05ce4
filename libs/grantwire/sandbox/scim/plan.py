"""What a SCIM endpoint is from the start: its tenant and its access token. Standard library only."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from grantwire.sandbox import ids


@dataclass(frozen=True)
class ScimPlan:
    """`tenant` is the first part of the endpoint's path and no secret; `token` is one."""

    tenant: str
    token: str

    @property
    def path(self) -> str:
        """Where the endpoint is, without a slash at its end."""
        return f"/{self.tenant}/scim/v2"


def endpoint(seed: int, account: str) -> ScimPlan:
    """The endpoint of a seed."""
    return ScimPlan(_uuid(ids.digest(seed, account, "scim tenant")), token(seed, account, 0))


def token(seed: int, account: str, generation: int) -> str:
    """An access token as long and as odd as AWS's; a later generation replaces it."""
    made = [ids.digest(seed, account, "scim token", generation, part) for part in range(8)]
    return f"{_uuid(made[0])}:{_uuid(made[1])}:{base64.b64encode(b''.join(made)).decode()}"


def _uuid(made: bytes) -> str:
    number = made.hex()
    return f"{number[:8]}-{number[8:12]}-{number[12:16]}-{number[16:20]}-{number[20:32]}"
