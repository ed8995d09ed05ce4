"""Subjects. Tokens that AWS or a person chose are encoded, so no name can widen or break a subject."""

import re
from typing import Final
from urllib.parse import unquote

# A team's way to the bounds of CHANGES. Under the API's own name the server would answer it twice, and first that the
# team's account has no JetStream.
CHANGES_INFO: Final = "gw.changes.info"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]")


def token(text: str) -> str:
    """One subject token: letters, digits, ``-`` and ``_`` stay, every other UTF-8 byte becomes ``=XX``. Reversible."""
    if not text:
        return "="
    return "".join(
        chr(byte) if _PLAIN.match(chr(byte)) and byte < 128 else f"={byte:02X}"
        for byte in text.encode("utf-8", "replace")
    )


def job(source: str, connector: str, scope: str) -> str:
    return f"gw.job.{token(source)}.{token(connector)}.{token(scope)}"


def snapshot(connector: str, source: str, scope: str) -> str:
    """Where a snapshot's begin and seal go."""
    return f"gw.snapshot.{token(connector)}.{token(source)}.{token(scope)}"


def fence(connector: str, source: str, scope: str) -> str:
    """Where the begin of a command's own reading goes, which no seal follows: in the stream of snapshots, for its place
    in it, and where nobody need be woken."""
    return f"gw.fence.{token(connector)}.{token(source)}.{token(scope)}"


def resources(connector: str, source: str, scope: str) -> str:
    """Where a snapshot's chunks go."""
    return f"gw.resources.{token(connector)}.{token(source)}.{token(scope)}"


def change(connector: str, account: str | None, kind: str) -> str:
    return f"gw.change.{token(connector)}.{token(account or '-')}.{token(kind)}"


def dead(stream: str, consumer: str) -> str:
    return f"gw.dead.{token(stream)}.{token(consumer)}"


def command(team: str, connector: str, account: str, verb: str) -> str:
    """Where the provisioner hears a command. A team publishes without its own token (``sent``): the bus puts it in."""
    return f"gw.cmd.{token(team)}.{token(connector)}.{token(account)}.{token(verb)}"


def sent(connector: str, account: str, verb: str) -> str:
    """Where a team publishes a command."""
    return f"gw.cmd.{token(connector)}.{token(account)}.{token(verb)}"


def outcome(team: str, connector: str, account: str, verb: str) -> str:
    """Where a team's progress and outcomes go; in the team's own account the same without its token."""
    return f"gw.outcome.{token(team)}.{token(connector)}.{token(account)}.{token(verb)}"


def outcomes(team: str | None) -> str:
    """All of a team's outcomes; None within the team's own account."""
    return f"gw.outcome.{token(team)}.>" if team else "gw.outcome.>"


def ask(team: str, command: str) -> str:
    """Where the provisioner answers, from Postgres, what became of a command. A team asks without its token."""
    return f"gw.ask.{token(team)}.{token(command)}"


def inbox(identity: str) -> str:
    """The prefix of an identity's own reply subjects, so that none can be allowed to read another's."""
    return f"_INBOX.{identity}"


def asked(command: str) -> str:
    """Where a team asks."""
    return f"gw.ask.{token(command)}"


def words(subject: str) -> list[str]:
    """The tokens of a subject, decoded. What no ``token`` made is taken as it is."""
    return [unquote("" if part == "=" else part.replace("=", "%")) for part in subject.split(".")]
