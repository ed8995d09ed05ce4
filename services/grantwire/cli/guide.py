"""What to make in AWS for a connector, as commands ready to paste: the policies stand in them as they are."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from grantwire.cli.output import clean

POLICY: Final = "Grantwire"  # the name of the inline policy that the commands write
View = Mapping[str, Any]
Line = tuple[str, str]  # text and style


def print_guide(console: Console, setup: View, connector: View) -> None:
    """Nothing is wrapped: a line that a terminal breaks is still one line when it is copied."""
    for text, style in lines(setup, connector):
        console.print(Text(text, style=style), soft_wrap=True)


def lines(setup: View, connector: View) -> Iterator[Line]:
    """Step by step, in the order in which it is done."""
    yield from _trusted(setup)
    number = 0
    for number, role in enumerate(setup["roles"], start=1):
        yield from _role(number, role)
    yield from _allowances(number + 1, setup)
    yield from _further(setup)
    for note in setup["notes"]:
        yield f"Note: {clean(note)}", "dim"
    if connector["state"] in ("draft", "failed"):
        yield from _last(number + 2, setup, connector)


def _trusted(setup: View) -> Iterator[Line]:
    trusted = setup["trusted"]
    who = {"operator_role": "the operator role", "caller": "who runs this api"}.get(trusted["how"], "not known")
    if setup["external_id"]:
        yield f"external id   {clean(setup['external_id'])}", "bold"
    yield f"to be trusted {clean(trusted['arn'])} ({who})", ""
    if trusted["note"]:
        yield clean(trusted["note"]), "yellow"
    yield "", ""


def _role(number: int, role: View) -> Iterator[Line]:
    kind = "child role" if role["role"] == "child" else "role"
    yield f"{number}. Make the {kind} {clean(role['name'])} in {clean(role['where'])}", "bold"
    if role["note"]:
        yield clean(role["note"]), "dim"
    yield "", ""
    name = shlex.quote(role["name"])
    yield from _command(f"aws iam create-role --role-name {name} --assume-role-policy-document", role["trust_policy"])
    yield from _command(
        f"aws iam put-role-policy --role-name {name} --policy-name {POLICY} --policy-document",
        role["permissions_policy"],
    )
    yield "", ""


def _allowances(number: int, setup: View) -> Iterator[Line]:
    yield f"{number}. See that these are allowed to assume it", "bold"
    yield "Within one account the trust policy is enough; across accounts both are needed.", "dim"
    for each in setup["allowances"]:
        yield "", ""
        yield f"{clean(each['who'])}:", ""
        yield from ((line, "cyan") for line in _document(each["policy"]))
    yield "", ""


def _further(setup: View) -> Iterator[Line]:
    """Policies that most do without: not as a command, so that nobody pastes them along."""
    for each in setup["further"]:
        yield f"Further, for {clean(each['who'])}:", "bold"
        yield from ((line, "cyan") for line in _document(each["policy"]))
        yield "", ""


def _last(number: int, setup: View, connector: View) -> Iterator[Line]:
    role = setup["roles"][0]["name"]
    arn = connector["settings"]["role_arn"] or f"arn:{setup['partition']}:iam::ACCOUNT:role/{role}"
    yield "", ""
    yield f"{number}. Then give the connector its role; the first sync begins at once", "bold"
    yield "", ""
    yield f"grantwire connector set-role {shlex.quote(connector['id'])} {shlex.quote(clean(arn))}", "cyan"


def _command(beginning: str, document: Any) -> Iterator[Line]:
    """JSON in single quotes, as shells of every system take it: no policy of ours has a quote in it."""
    first, *rest = shlex.quote("\n".join(_document(document))).split("\n")
    yield f"{beginning} {first}", "cyan"
    yield from ((line, "cyan") for line in rest)


def _document(document: Any) -> list[str]:
    return json.dumps(document, indent=2).splitlines()
