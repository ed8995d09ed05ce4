"""Policy documents on their way in and out: checked as far as the sandbox needs, URL-encoded as IAM shows them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from grantwire.sandbox.operations.registry import Failure


@lru_cache(maxsize=16_384)
def shown(document: str) -> str:
    """A document as IAM answers it: URL-encoded by RFC 3986, byte by byte, which is a fifth of what an answer takes."""
    return quote(document, safe="-._~")


def checked_document(text: str, trust: bool = False) -> dict[str, Any]:
    """The document as JSON; `MalformedPolicyDocument` when it is none, or lacks what every policy must have."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _malformed("Syntax errors in policy.") from error
    if not isinstance(found, dict) or "Statement" not in found:
        raise _malformed("Syntax errors in policy.")
    statements = found["Statement"] if isinstance(found["Statement"], list) else [found["Statement"]]
    for statement in statements:
        _check_statement(statement, trust)
    return found


def _check_statement(statement: object, trust: bool) -> None:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        raise _malformed("Syntax errors in policy.")
    if "Action" not in statement and "NotAction" not in statement:
        raise _malformed("Missing required field Action")
    if trust and "Resource" in statement:
        raise _malformed("Has prohibited field Resource")
    if trust and "Principal" not in statement and "NotPrincipal" not in statement:
        raise _malformed("Missing required field Principal")
    if not trust and ("Principal" in statement or "NotPrincipal" in statement):
        raise _malformed("Policy document should not specify a principal.")
    if not trust and "Resource" not in statement and "NotResource" not in statement:
        raise _malformed("Policy statement must contain resources.")


def _malformed(text: str) -> Failure:
    return Failure("MalformedPolicyDocument", text)


def checked_trust(call_world: Any, text: str) -> str:
    """A trust policy in its stored spelling; own principals must exist."""
    stored, missing = call_world.bind(checked_document(text, trust=True))
    if missing is not None:
        raise _malformed(f'Invalid principal in policy: "AWS":"{missing}"')
    return str(stored)
