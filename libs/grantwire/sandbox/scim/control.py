"""What a test may do to the SCIM endpoint, and how it is shown: `/_sandbox/scim`."""

from __future__ import annotations

from typing import Any

from grantwire.sandbox.scim import plan
from grantwire.sandbox.scim.endpoint import Scim
from grantwire.sandbox.state import State


def change(state: State, given: dict[str, Any]) -> None:
    """One of the changes that the page takes. Raises `ValueError`.

    {"older": bool}: 50 results and no paging, as older documentation has it. {"retry_after": seconds or null}: what a
    429 asks to wait. {"rotate": true}: another token, and the one before is deleted.
    """
    there = _scim(state)
    match given:
        case {"older": bool(older)}:
            there.older = older
        case {"retry_after": int() | None as seconds}:
            there.retry_after = seconds
        case {"rotate": True}:
            there.rotated += 1
            there.token = plan.token(state.plan.seed, state.plan.account, there.rotated)
        case _:
            raise ValueError(f"no change of the SCIM endpoint: {given}")


def shown(state: State) -> dict[str, Any]:
    """The endpoint as it is now."""
    there = _scim(state)
    return {
        "tenant": there.planned.tenant,
        "token": there.token,
        "older": there.older,
        "retry_after": there.retry_after,
    }


def _scim(state: State) -> Scim:
    if state.scim is None:
        raise ValueError("there is no SCIM endpoint")
    return state.scim
