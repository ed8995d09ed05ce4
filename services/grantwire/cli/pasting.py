"""What `up` and `demo` say in the end: the summary for people, every URL, and the next commands ready to paste."""

import json
import os
import re
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

from rich.text import Text

from grantwire.cli.client import Api
from grantwire.cli.house import House
from grantwire.cli.output import clean, err, styled
from grantwire.cli.settings import demo_state_dir, up_state_dir
from grantwire.cli.words import cause_and_step, counted

_ODD_CLASSES: Final = ("service_linked", "sso_reserved")
_FEW: Final = 3
_PLAIN: Final = re.compile(r"[\w.@-]+")
Rows: TypeAlias = list[dict[str, Any]]


def print_summary(found: dict[str, Any]) -> None:
    """The numbers, on stderr: without --json nothing of `up` is data."""
    console = err()
    for name in ("resources", "relations"):
        console.print(Text(f"{name:<11}{_counted(found[name])}"))
    for line in scope_lines(found["scopes"], found["connectors"]):
        console.print(line)
    took = f"synced in {found['sync_seconds']:.1f} s, {found['seconds']:.1f} s in all"
    rows = ", ".join(f"{count:,} rows {how}" for how, count in found["rows"].items() if count) or "nothing changed"
    told = counted(found["changes"], "change message")
    calls = f"{found['calls_total']} AWS calls" + (f", {found['throttled']} throttled" if found["throttled"] else "")
    console.print(Text(f"{calls}; {rows}, {told}; {took}", style="bold"))


def scope_lines(scopes: dict[str, Rows], connectors: Rows) -> Iterator[Text]:
    """Each scope that is not complete, why, and what to do about it; the complete ones too while they are few."""
    complete = scopes["complete"]
    if len(complete) <= _FEW:
        for scope in complete:
            yield _line("complete", scope, _unread(scope))
    else:
        plans = Counter(str(scope["plan"]) for scope in complete)
        yield styled("complete") + Text(f" {len(complete)} scopes · plan {' and '.join(sorted(plans))}")
    for state in ("unreachable", "stale"):
        for scope in scopes[state]:
            cause, step = cause_and_step(scope["reason"])
            yield _line(state, scope, cause)
            for line in filter(None, (step, _step(state, scope, connectors, told=bool(step)))):
                yield Text(clean(f"      next: {line}"), style="dim")


def _line(state: str, scope: dict[str, Any], note: str) -> Text:
    name = f" {scope['name']}" if scope.get("name") else ""
    return styled(state) + Text(clean(f" {scope['scope']}{name}" + (f" · {note}" if note else "")))


def _step(state: str, scope: dict[str, Any], connectors: Rows, *, told: bool) -> str:
    """What there is to do besides what the reason says."""
    if state == "unreachable":
        return "" if told else "nothing; it is read again when AWS shows the account as active"
    owner = connectors[0]["id"] if len(connectors) == 1 else "CONNECTOR"
    if scope.get("account") and any(each.get("organization") for each in connectors):
        return f"grantwire connector accept-gap {owner} {scope['account']} --reason TEXT --until DATE"
    return "" if told else f"`grantwire connector show {owner}` has the log"


async def tell(command: str, running: House, found: dict[str, Any]) -> None:
    """Where everything is, and what to try next."""
    async with Api(running.api) as api:
        principal, target = await _interesting(api)
    title = " DEMO: simulated AWS, not for production " if command == "demo" else " Grantwire is up "
    lines = [Text(""), Text(title, style="reverse bold")]
    lines += [Text(f"{name:<10}{value}") for name, value in _places(running)]
    lines += [Text(""), Text("Next, in another terminal:", style="bold")]
    lines += [Text(f"  {line}", style="cyan") for line in _next(principal, target, _where(command, running))]
    lines += [Text(""), Text(f"The trace of this sync: {found['trace']}")] if found["trace"] else []
    for line in [*lines, Text("Ctrl-C stops everything; the state is kept.", style="dim")]:
        err().print(line, soft_wrap=True)  # what is to be pasted must stay one line


def _counted(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return " · ".join(f"{count:,} {kind}" for kind, count in ordered) or "none"


def _unread(scope: dict[str, Any]) -> str:
    unread = [each["what"] if isinstance(each, dict) else str(each) for each in scope.get("unread") or ()]
    return f"plan {scope['plan']}" + (f", could not read {', '.join(unread)}" if unread else "")


def _places(running: House) -> list[tuple[str, str]]:
    servers = running.servers
    places = [("api", running.api.url), ("token", str(servers.state.path / "secrets" / "admin-token"))]
    places += [("traces", running.api.traces)] if running.api.traces else []
    places += [("nats", _without_secret(servers.nats_url)), ("database", _without_secret(servers.database_url))]
    return places + ([("log", str(servers.log))] if servers.log else [])


def _without_secret(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _where(command: str, running: House) -> str:
    usual = demo_state_dir() if command == "demo" else up_state_dir()
    return "" if running.servers.state.path == usual else f" --state-dir {shlex.quote(str(running.servers.state.path))}"


def _next(principal: str | None, target: str | None, where: str) -> list[str]:
    program = _program(sys.argv[0])
    lines = [f"{program} who-can {shlex.quote(target)}{where}"] if target else []
    lines += [f"{program} can {shlex.quote(principal)}{where}"] if principal else []
    return [*lines, f"{program} status{where}"]


def _program(started_as: str) -> str:
    """How another terminal in this directory can start us: by name only if the shell would find the same."""
    found = shutil.which("grantwire")
    if found and Path(found).resolve() == Path(started_as).resolve():
        return "grantwire"
    return shlex.quote(os.path.relpath(started_as)) if Path(started_as).name == "grantwire" else "grantwire"


async def _interesting(api: Api) -> tuple[str | None, str | None]:
    """Somebody to ask about, and a role that many users or roles may knock at, as short as they can be named."""
    text = b"".join([block async for block in api.blocks("/v1/export")])
    rows = [json.loads(line) for line in text.splitlines()]
    resources = [row for row in rows if row["type"] == "resource"]
    principal, target = choose(knocks(resources, [row for row in rows if row["type"] == "relation"]))
    return short_name(principal, resources), short_name(target, resources)


def knocks(resources: Rows, relations: Rows) -> Rows:
    """Trusts among the account's ordinary users and roles."""
    ordinary = {row["native_id"] for row in resources if row["attributes"].get("role_class") not in _ODD_CLASSES}
    return [
        row
        for row in relations
        if (row["kind"], row["target_kind"]) == ("can_assume", "iam_role")
        and row["source_kind"] in ("iam_user", "iam_role")
        and {row["source"], row["target"]} <= ordinary
    ]


def choose(found: Rows) -> tuple[str | None, str | None]:
    """The first user, or source, of the target with most sources. Both None where nobody can assume anything."""
    if not found:
        return None, None
    target = Counter(sorted(row["target"] for row in found)).most_common(1)[0][0]
    sources = sorted((row["source_kind"] != "iam_user", row["source"]) for row in found if row["target"] == target)
    return sources[0][1], target


def short_name(native_id: str | None, resources: Rows) -> str | None:
    """The name, where it is plain and nothing else answers to it; else the native id."""
    name = next((row["name"] for row in resources if row["native_id"] == native_id), "")
    alike = [row for row in resources if row["name"].lower() == name.lower()]
    return name if len(alike) == 1 and _PLAIN.fullmatch(name) else native_id
