"""SCIM's users as rows, and which of its failures may pass."""

import pytest

from grantwire.collectors.kit.reasons import asked_to_wait, may_pass
from grantwire.collectors.scim.facts import facts_from_users
from grantwire.contracts import chunks
from grantwire.contracts.failures import AwsCause, AwsError, ScimError
from grantwire.contracts.resources import Kind, Resource
from grantwire.scim import ScimUser


def test_a_user_is_what_the_endpoint_says_and_no_more() -> None:
    facts = facts_from_users([ScimUser("90-1", "ann@example.com", True, "00u1"), ScimUser("90-2", "bob", None, None)])
    assert facts.resources == (
        Resource(
            Kind.SCIM_USER,
            "scim:90-1",
            None,
            "ann@example.com",
            {"user_name": "ann@example.com", "active": True, "external_id": "00u1"},
        ),
        Resource(Kind.SCIM_USER, "scim:90-2", None, "bob", {"user_name": "bob", "active": None, "external_id": None}),
    )
    assert (facts.relations, facts.mentions) == ((), ())


def test_the_order_of_pages_means_nothing_to_the_digest() -> None:
    users = [ScimUser(str(n), f"user{n}", n % 2 == 0, None) for n in range(5)]
    one, two = chunks.encode(facts_from_users(users)), chunks.encode(facts_from_users(users[::-1]))
    assert chunks.digest(one, "scim") == chunks.digest(two, "scim")


def failure(cause: AwsCause, delay: float | None) -> ScimError:
    return ScimError("no", cause=cause, operation="scim:ListUsers", code="x", delay=delay)


@pytest.mark.parametrize(
    ("cause", "delay", "passes"),
    [
        (AwsCause.TRANSIENT, None, True),
        (AwsCause.TRANSIENT, 120.0, True),
        (AwsCause.TRANSIENT, 121.0, False),  # left to the next run
        (AwsCause.DENIED, None, False),
        (AwsCause.FINAL, None, False),
    ],
)
def test_what_may_pass_a_little_later(cause: AwsCause, delay: float | None, passes: bool) -> None:
    error = failure(cause, delay)
    assert (may_pass(error), asked_to_wait(error)) == (passes, delay)


def test_aws_asks_for_no_wait() -> None:
    error = AwsError("no", cause=AwsCause.TRANSIENT, operation="iam:ListUsers", code="Throttling")
    assert (may_pass(error), asked_to_wait(error)) == (True, None)
