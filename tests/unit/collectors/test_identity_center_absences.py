"""What is asked before an absence is believed, and what its answer means."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import pytest

from grantwire.aws.errors import INCONSISTENT
from grantwire.aws.identity_center.shapes import Assignment
from grantwire.collectors.identity_center import coverage
from grantwire.collectors.identity_center.absences import MOST, Absences
from grantwire.collectors.identity_center.answers import Provisioned
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph.lacking import Ends

SET, ACCOUNT = "arn:aws:sso:::permissionSet/ssoins-1/ps-1", "111122223333"
PAIR = f"{ACCOUNT}/{SET}"
GONE = AwsError("gone", cause=AwsCause.GONE, operation="x:Y", code="ResourceNotFoundException")
DENIED = AwsError("denied", cause=AwsCause.DENIED, operation="x:Y", code="AccessDeniedException")
SLOW = AwsError("slow", cause=AwsCause.TRANSIENT, operation="x:Y", code="ThrottlingException")


@dataclass
class Graph:
    """What the graph has and the list lacks."""

    ids: dict[Kind, list[str]] = field(default_factory=dict)
    ends: dict[RelationKind, list[Ends]] = field(default_factory=dict)

    async def resources(self, kind: Kind, present: Collection[str], most: int) -> list[str]:
        assert most == MOST
        return [id for id in self.ids.get(kind, []) if id not in present]

    async def relations(self, kind: RelationKind, present: Collection[tuple[str, str]], most: int) -> list[Ends]:
        return [each for each in self.ends.get(kind, []) if (each.source, each.target) not in present]


class Aws:
    """Answers each call by its name; an error is raised. What is not prepared must not be asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def ask(*_: object) -> Any:
            self.asked.append(name)
            if isinstance(self.answers[name], Exception):
                raise self.answers[name]
            return self.answers[name]

        return ask


def absences(graph: Graph, aws: Aws) -> Absences:
    sources: Any = aws
    return Absences(graph, sources, sources, ACCOUNT)


def provisioned(*assigned: str) -> Provisioned:
    rows = tuple(Assignment(ACCOUNT, SET, "USER", each) for each in assigned)
    return Provisioned((SET,), frozenset(), {SET: rows})


async def test_where_nothing_is_lacking_nobody_is_asked() -> None:
    aws = Aws()
    one = absences(Graph(ids={Kind.IDENTITY_USER: ["u"]}), aws)
    await one.of_users(["u"])
    await one.of_groups([])
    await one.of_memberships([], "by_group")
    await one.of_sets([], ())
    await one.of_assignments(ACCOUNT, provisioned("u"))
    assert aws.asked == []


@pytest.mark.parametrize(("exists", "stale"), [(True, True), (False, False), (DENIED, False), (GONE, False)])
async def test_a_user_who_is_still_there_makes_the_list_unbelievable(exists: Any, stale: bool) -> None:
    one = absences(Graph(ids={Kind.IDENTITY_USER: ["u"], Kind.IDENTITY_GROUP: ["g"]}), Aws(exists=exists))
    for check in (one.of_users([]), one.of_groups([])):
        if not stale:
            await check
            continue
        with pytest.raises(AwsError, match="which is still there") as caught:
            await check
        assert (caught.value.cause, caught.value.code) == (AwsCause.TRANSIENT, INCONSISTENT)


async def test_a_failure_is_no_proof_of_absence() -> None:
    with pytest.raises(AwsError, match="slow"):
        await absences(Graph(ids={Kind.IDENTITY_USER: ["u"]}), Aws(exists=SLOW)).of_users([])


@pytest.mark.parametrize(("plan", "call"), [("by_group", "memberships_of"), ("by_member", "members")])
async def test_a_membership_is_asked_for_from_the_other_side(plan: Any, call: str) -> None:
    aws = Aws(**{call: ()})
    graph = Graph(ends={RelationKind.MEMBER_OF: [Ends(Kind.IDENTITY_USER, "u", "g")]})
    await absences(graph, aws).of_memberships([], plan)
    assert aws.asked == [call]


async def test_policies_of_a_set_are_not_asked_for_where_they_were_denied() -> None:
    graph = Graph(ends={RelationKind.ATTACHED: [Ends(Kind.IAM_POLICY, "arn:p", SET)]})
    aws = Aws(managed_policies=("arn:p",))
    await absences(graph, aws).of_sets([], (coverage.MANAGED,))
    assert aws.asked == []
    with pytest.raises(AwsError, match="arn:p, which is still there"):
        await absences(graph, aws).of_sets([], (coverage.TAGS,))


@pytest.mark.parametrize(
    ("accounts_of", "assignments", "stale"),
    [((ACCOUNT,), (), True), ((), (), False), (DENIED, ("somebody",), True), (DENIED, (), False), (GONE, (), False)],
)
async def test_a_pair_is_asked_for_of_its_set_or_of_its_assignments(
    accounts_of: Any, assignments: tuple[str, ...], stale: bool
) -> None:
    graph = Graph(ids={Kind.PROVISIONED_PERMISSION_SET: [PAIR]})
    check = absences(graph, Aws(accounts_of=accounts_of, assignments=assignments)).of_assignments(
        ACCOUNT, Provisioned((), frozenset(), {})
    )
    if not stale:
        await check
        return
    with pytest.raises(AwsError, match="which is still there"):
        await check


@pytest.mark.parametrize(
    ("assignments_of", "left", "stale"),
    [
        ((SET,), ("other",), True),
        ((), ("other",), False),
        ((), (), False),
        (DENIED, ("other",), False),
        (DENIED, (), True),  # AWS would have taken the set back with its last assignment
    ],
)
async def test_an_assignment_is_asked_for_of_its_principal(assignments_of: Any, left: Any, stale: bool) -> None:
    graph = Graph(ends={RelationKind.ASSIGNED: [Ends(Kind.IDENTITY_USER, "u", PAIR)]})
    check = absences(graph, Aws(assignments_of=assignments_of)).of_assignments(ACCOUNT, provisioned(*left))
    if not stale:
        await check
        return
    with pytest.raises(AwsError, match="u, which is still there"):
        await check


async def test_of_a_deleted_principal_nobody_is_asked() -> None:
    graph = Graph(ends={RelationKind.ASSIGNED: [Ends(Kind.EXTERNAL_PRINCIPAL, "u", PAIR)]})
    aws = Aws()
    await absences(graph, aws).of_assignments(ACCOUNT, provisioned())
    assert aws.asked == []
