"""The policies that allow exactly what the plans call."""

import json

import pytest

from grantwire.aws.permissions import IAM_ALL, SESSION_POLICY_LIMIT, policy, session_policy
from grantwire.contracts.failures import Invalid


def test_the_session_policy_allows_what_is_called_and_fits() -> None:
    text = session_policy(IAM_ALL)
    assert json.loads(text) == policy(IAM_ALL)
    assert len(text) <= SESSION_POLICY_LIMIT
    assert json.loads(text)["Statement"] == [{"Effect": "Allow", "Action": list(IAM_ALL), "Resource": "*"}]


def test_a_session_policy_that_aws_would_refuse_is_refused_here() -> None:
    with pytest.raises(Invalid):
        session_policy(f"iam:Action{number}" for number in range(300))
