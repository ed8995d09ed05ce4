"""Doing in the sandbox what a printed guide says: its commands are read as a shell reads them."""

import json
import shlex
from typing import Any


def commands(text: str) -> list[list[str]]:
    """The `aws` commands of a text, quotes and lines as a shell takes them."""
    found, open_ = [], ""
    for line in text.splitlines():
        if not open_ and not line.startswith("aws "):
            continue
        open_ = f"{open_}\n{line}" if open_ else line
        try:
            found.append(shlex.split(open_))
        except ValueError:  # a quote is still open
            continue
        open_ = ""
    return found


def run(command: list[str], iam: Any) -> dict[str, Any]:
    """One command by a boto3 client of IAM; what it answers."""
    _, service, operation, *rest = command
    assert service == "iam", command
    options = {rest[at].removeprefix("--"): rest[at + 1] for at in range(0, len(rest), 2)}
    given = {"".join(map(str.capitalize, name.split("-"))): value for name, value in options.items()}
    for name, value in given.items():
        if name.endswith("Document"):
            json.loads(value)
    answer: dict[str, Any] = getattr(iam, operation.replace("-", "_"))(**given)
    return answer
