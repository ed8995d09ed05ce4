"""What a person is told to allow: reading and provisioning apart, and nothing for what is off."""

from typing import Any

import pytest

from grantwire.aws.entry import Identity
from grantwire.aws.permissions import IDENTITY_CENTER, IN_ACCOUNTS, PROVISIONING, in_management
from grantwire.aws.setup import Document, Setup, setup_of
from grantwire.contracts.connectors import Connector

CALLER = Identity("111122223333", "arn:aws-cn:iam::111122223333:user/op", "aws-cn")
IN_IAM = {action for kind in IN_ACCOUNTS for action in PROVISIONING[kind]}
IN_CENTER = {action for kind in PROVISIONING.keys() - IN_ACCOUNTS for action in PROVISIONING[kind]}
WRITES = ("Add", "Attach", "Create", "Delete", "Detach", "Put", "Remove", "Update")


def setup(**settings: Any) -> Setup:
    return setup_of(Connector.model_validate({"id": "prod", **settings}), CALLER, reveal=False)


def statements(document: Document) -> dict[str, set[str]]:
    return {each["Sid"]: set(each["Action"]) for each in document["Statement"] if each["Sid"] != "EnterAccounts"}


def writes(actions: set[str]) -> set[str]:
    return {each for each in actions if each.partition(":")[2].startswith(WRITES)}


def test_provisioning_has_statements_of_its_own() -> None:
    own, child = setup(organizations=True, identity_center=True, provisioning=True).roles
    found = statements(own.permissions_policy)
    assert (found["ProvisionIam"], found["ProvisionIdentityCenter"]) == (IN_IAM, IN_CENTER)
    assert found["ReadIdentityCenter"] == set(IDENTITY_CENTER)
    assert not any(writes(actions) for sid, actions in found.items() if sid.startswith("Read"))
    assert statements(child.permissions_policy)["ProvisionIam"] == IN_IAM
    assert "ProvisionIdentityCenter" not in statements(child.permissions_policy)


@pytest.mark.parametrize("settings", [{}, {"organizations": True, "identity_center": True}])
def test_without_it_nothing_may_be_changed(settings: dict[str, Any]) -> None:
    found = setup(**settings)
    assert found.further == []
    for role in found.roles:
        assert not any(writes(actions) for actions in statements(role.permissions_policy).values())


def test_without_identity_center_only_iam_is_changed() -> None:
    found = setup(provisioning=True)
    (own,) = found.roles
    assert set(statements(own.permissions_policy)) == {"ReadIam", "ProvisionIam"}
    assert found.further == []


def test_the_rights_in_the_management_account_stand_apart_with_their_reason() -> None:
    found = setup(organizations=True, identity_center=True, provisioning=True)
    (further,) = found.further
    assert "only if commands assign permission sets in the management account itself" in further.who
    assert further.policy["Statement"] == list(in_management("aws-cn"))
    assert "aws-reserved" not in repr(found.roles)
