"""The truth of a running sandbox by source: which facts are put to it, and which lines come back.

The lines themselves are made by `truth`, `organization.truth`, `identity_center.truth`, `credentials.truth` and
`scim.truth`, which know nothing of a server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from grantwire.sandbox.credentials.truth import CredentialTruth
from grantwire.sandbox.identity_center.truth import CenterTruth
from grantwire.sandbox.organization import truth as organizations
from grantwire.sandbox.organization.facts import after
from grantwire.sandbox.scim import truth as scim
from grantwire.sandbox.sources import Around
from grantwire.sandbox.truth import Line, PlanName, Truth

if TYPE_CHECKING:
    from grantwire.sandbox.state import State

ORGANIZATION, IAM, CENTER, CREDENTIALS, SCIM = "organization", "iam", "identity_center", "credentials", "scim"
SOURCES = (ORGANIZATION, IAM, CENTER, CREDENTIALS, SCIM)
DEFAULT = frozenset((ORGANIZATION, IAM))
CREDENTIAL_FACETS = ("iam_user.console_access", "iam_user.mfa_active", "iam_user.password_last_changed")


def told(state: State, plan: PlanName, accounts: Collection[str], wanted: Collection[str]) -> list[Line]:
    """Every line of the export of the wanted sources, each once. Raises `truth.Unexpected`."""
    if state.tree is None:
        readable: list[str] = [state.plan.account]
        found = _alone(state, plan) if IAM in wanted else []
    else:
        known = _organization(state)
        readable = sorted(known.members().intersection(accounts))
        found = _organized(state, known, plan, readable, wanted)
    if CREDENTIALS in wanted:
        found = list(_with_credentials(state, readable, found))
    if CENTER in wanted:
        found += _center(state, readable if IAM in wanted else [])
    if SCIM in wanted and state.center is not None:
        found += scim.lines(state.center.facts(), directory_told=CENTER in wanted)
    return list({repr(line): line for line in found}.values())


def _alone(state: State, plan: PlanName) -> list[Line]:
    whole, around = state.plan, Around(state.plan.partition)
    return Truth(whole.account, state.rows(whole.account), whole.expectations, state.posted, around).lines(plan)


def _organization(state: State) -> organizations.OrganizationTruth:
    assert state.tree is not None
    facts = after(state.tree.start, state.tree.journal)
    return organizations.OrganizationTruth(state.plan.partition, facts, state.account_state)


def _organized(
    state: State,
    known: organizations.OrganizationTruth,
    plan: PlanName,
    readable: list[str],
    wanted: Collection[str],
) -> list[Line]:
    if IAM not in wanted:
        return list(known.lines(plan, ())) if ORGANIZATION in wanted else []
    rows_of = {account: state.rows(account) for account in state.plans}
    said = {account: planned.expectations for account, planned in state.plans.items()}
    lines = organizations.lines(known, plan, rows_of, said, state.posted, readable)
    if ORGANIZATION in wanted:
        return lines
    own = {repr(line) for line in known.lines(plan, readable)}
    return [line for line in lines if repr(line) not in own]


def _with_credentials(state: State, readable: Iterable[str], found: list[Line]) -> Iterator[Line]:
    facets: dict[str, Line] = {}
    for account in readable:
        reported = state.reports.generated_at(account)
        truth = CredentialTruth(state.plan.partition, account, state.rows(account), reported)
        facets |= truth.facets()
        yield from truth.lines()
    for line in found:
        more = facets.get(line.get("native_id", "")) if line["kind"] == "iam_user" else None
        yield line if more is None else line | {"attributes": line["attributes"] | more}


def _center(state: State, readable: Iterable[str]) -> list[Line]:
    if state.center is None:
        return []
    rows = {account: state.rows(account) for account in readable}
    members = _organization(state).members() if state.tree is not None else {state.plan.account}
    arns = organizations.arns(state.plan.partition, rows)
    return list(CenterTruth(state.center.facts(), members, arns, state.center.shows_status).lines())


def without(lines: Iterable[Line], unread: Collection[str]) -> list[Line]:
    """The lines as a reader tells them who could not read some kinds (`attached`) or attributes (`iam_user.tags`)."""
    return [_less(line, unread) for line in lines if line["kind"] not in unread]


def _less(line: Line, unread: Collection[str]) -> Line:
    kept: dict[str, Any] = {
        name: value for name, value in line["attributes"].items() if f"{line['kind']}.{name}" not in unread
    }
    return line | {"attributes": kept}
