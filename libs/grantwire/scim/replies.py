"""One answer of the endpoint: read within its limits, and a JSON object or an error. Nothing is unpacked."""

import json
from typing import Any, Final, NoReturn

import httpx

from grantwire.scim.bearer import Bearer
from grantwire.scim.flaws import Compressed, Garbled, TokenRepeated, TooLarge

_JSON: Final = ("application/json", "application/scim+json")
_MOST_SAID: Final = 16 * 1024  # bytes of a refusal that are read for its words


async def body_of(response: httpx.Response, most: int) -> bytes:
    """The whole body of at most ``most`` bytes. Raises ``Compressed``, ``TooLarge`` and the transport's errors."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Compressed
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > most:
        raise TooLarge
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > most:
            raise TooLarge
    return bytes(body)


def document(content_type: str, body: bytes, token: Bearer) -> dict[str, Any]:
    """The JSON object in the body. Raises ``Garbled``, and ``TokenRepeated`` for a token behind JSON's escapes."""
    form = content_type.partition(";")[0].strip().lower()
    if form not in _JSON:
        raise Garbled(f"is {ascii(form[:60]) if form else 'of no stated type'} instead of JSON")
    if not body.strip():
        raise Garbled("is empty")
    found = _parsed(body)
    if not isinstance(found, dict):
        raise Garbled("is JSON, but not an object")
    if token.within(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")):
        del found  # tracebacks may show locals
        raise TokenRepeated
    return found


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except RecursionError:
        raise Garbled("is nested too deeply") from None
    except ValueError as error:
        raise Garbled(f"is not well-formed JSON ({type(error).__name__})") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


async def words_of(response: httpx.Response, token: Bearer) -> str:
    """What a refusal says of itself in SCIM's ``detail`` (or ``message``); empty where it cannot be told."""
    try:
        said = document(response.headers.get("content-type", ""), await body_of(response, _MOST_SAID), token)
    except (Garbled, Compressed, TooLarge):
        return ""
    found = said.get("detail") or said.get("message")
    return found if isinstance(found, str) else ""
