"""Who is outside an organization: the same rule as the sandbox's truth, which was written apart from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantwire.graph.outsiders import account_in, in_organization
from grantwire.sandbox import sources

OURS, THEIRS = "111122223333", "999988887777"

IDS = [
    (OURS, True),
    (THEIRS, False),
    (f"arn:aws:iam::{OURS}:role/x/y", True),
    (f"arn:aws-us-gov:iam::{THEIRS}:user/x", False),
    (f"arn:aws-cn:sts::{OURS}:assumed-role/Pipeline/build-19", True),
    (f"arn:aws:iam::{THEIRS}:saml-provider/corp", False),
    (f"arn:aws:iam::{OURS}:oidc-provider/token.example.org", True),
    ("ec2.amazonaws.com", None),
    ("*", None),
    ("AIDAEXAMPLE", None),
    ("cognito-identity.amazonaws.com", None),
    ("arn:aws:iam::1234:role/short", None),
    (f"x{OURS}", None),
]


@pytest.mark.parametrize(("native_id", "inside"), IDS)
def test_with_an_organization(native_id: str, inside: bool | None) -> None:
    assert in_organization(native_id, {OURS}, True) is inside


@pytest.mark.parametrize(("native_id", "inside"), IDS)
def test_without_one_nobody_is_known_to_be_outside(native_id: str, inside: bool | None) -> None:
    assert in_organization(native_id, {OURS}, False) is (True if inside else None)


arns = st.tuples(
    st.just("arn"),
    st.sampled_from(["aws", "aws-cn", "aws-us-gov"]),
    st.sampled_from(["iam", "sts", "cognito-identity"]),
    st.sampled_from(["", "us-east-1"]),
    st.sampled_from([OURS, THEIRS, "12", "aws", ""]),
    st.sampled_from(["root", "role/x", "user/a:b", "", "saml-provider/é", "role/two\nlines"]),
).map(":".join)


@given(arns | st.sampled_from([OURS, THEIRS, "12", "*"]))
def test_an_account_is_found_where_the_truth_finds_it(native_id: str) -> None:
    assert account_in(native_id) == sources.account_in(native_id)
