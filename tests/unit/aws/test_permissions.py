"""The policies that allow exactly what the plans call."""

import json

import pytest

from grantwire.aws.permissions import (
    IAM_ALL,
    IDENTITY_CENTER,
    IDENTITY_CENTER_FINDING,
    IDENTITY_CENTER_MINIMUM,
    IDENTITY_CENTER_OPTIONAL,
    IN_ACCOUNTS,
    ORGANIZATION,
    PROVISIONING,
    SESSION_POLICY_LIMIT,
    OperationKind,
    child_roles,
    in_management,
    policy,
    session_policy,
)
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import Invalid


def test_the_session_policy_allows_what_is_called_and_fits() -> None:
    text = session_policy(IAM_ALL)
    assert json.loads(text) == policy(IAM_ALL)
    assert len(text) <= SESSION_POLICY_LIMIT
    assert json.loads(text)["Statement"] == [{"Effect": "Allow", "Action": list(IAM_ALL), "Resource": "*"}]


def test_a_session_policy_that_aws_would_refuse_is_refused_here() -> None:
    with pytest.raises(Invalid):
        session_policy(f"iam:Action{number}" for number in range(300))


def connector(**more: object) -> Connector:
    return Connector.model_validate({"id": "prod", "organizations": True, **more})


def test_the_connector_role_may_assume_the_child_roles_by_name() -> None:
    overrides = {
        "111122223333": {"role_name": "audit/Reader"},
        "111122224444": {"external_id": "other"},
        "111122225555": {"role_name": "GrantwireRead"},
    }
    settings = connector(
        role_arn="arn:aws-us-gov:iam::999988887777:role/G", child_role_name="GrantwireRead", account_overrides=overrides
    )
    names = ["arn:aws-us-gov:iam::*:role/GrantwireRead", "arn:aws-us-gov:iam::*:role/audit/Reader"]
    assert list(child_roles(settings)) == names
    reads, chains = json.loads(session_policy((*IAM_ALL, *ORGANIZATION), child_roles(settings)))["Statement"]
    assert reads["Action"] == [*IAM_ALL, *ORGANIZATION]
    assert chains == {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": names}


def test_without_an_organization_no_role_may_be_assumed() -> None:
    assert child_roles(connector(organizations=False)) == ()
    assert "sts:AssumeRole" not in session_policy(IAM_ALL, ())


def test_a_path_is_no_wildcard() -> None:
    assert child_roles(connector(child_role_name="odd*$?/Reader")) == ("arn:aws:iam::*:role/odd${*}${$}${?}/Reader",)


def test_names_that_do_not_fit_become_any_role_of_the_partition() -> None:
    overrides = {f"{number:012}": {"role_name": f"Reader{number}"} for number in range(100)}
    settings = connector(role_arn="arn:aws-cn:iam::999988887777:role/G", account_overrides=overrides)
    text = session_policy((*IAM_ALL, *ORGANIZATION), child_roles(settings))
    assert len(text) <= SESSION_POLICY_LIMIT
    assert json.loads(text)["Statement"][1]["Resource"] == ["arn:aws-cn:iam::*:role/*"]


def test_a_person_gets_the_same_policy() -> None:
    settings = connector()
    assert policy(ORGANIZATION, child_roles(settings)) == json.loads(
        session_policy(ORGANIZATION, child_roles(settings))
    )


def test_reading_identity_center_fits_a_session_policy() -> None:
    settings = connector(role_arn="arn:aws:iam::999988887777:role/G", child_role_name="a/" * 200 + "Reader")
    reads, chains = json.loads(session_policy(IDENTITY_CENTER, child_roles(settings)))["Statement"]
    assert reads["Action"] == list(IDENTITY_CENTER)
    assert chains["Resource"] == list(child_roles(settings))
    assert not any(
        action.partition(":")[2].startswith(("Create", "Delete", "Put", "Update")) for action in reads["Action"]
    )
    assert {*IDENTITY_CENTER_MINIMUM, *IDENTITY_CENTER_OPTIONAL} == set(IDENTITY_CENTER)
    assert set(IDENTITY_CENTER_FINDING) <= set(IDENTITY_CENTER_MINIMUM)


@pytest.mark.parametrize("kind", PROVISIONING)
def test_each_kind_of_operation_fits_a_session_policy(kind: OperationKind) -> None:
    settings = connector(role_arn="arn:aws:iam::999988887777:role/G", child_role_name="a/" * 200 + "Reader")
    text = session_policy(PROVISIONING[kind], child_roles(settings), in_management("aws-us-gov"))
    assert len(text) <= SESSION_POLICY_LIMIT
    assert len(set(PROVISIONING[kind])) == len(PROVISIONING[kind])
    service = {action.partition(":")[0] for action in PROVISIONING[kind]}
    assert (service == {"iam"}) is (kind in IN_ACCOUNTS)
