"""Which commands are let in, and why the others are not."""

from typing import Any
from uuid import uuid4

import pytest

from grantwire.contracts.commands import BY_VERB, AccessCommand, GrantAccess, Ref
from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import Invalid, Malformed
from grantwire.contracts.resources import Kind
from grantwire.graph.operation import Known
from grantwire.provisioner.names import malformed, resource_of
from grantwire.provisioner.rules import Rules
from grantwire.provisioner.screening import Addressed, Managed, screen

OWN, MEMBER, OTHER = "111122223333", "444455556666", "999999999999"
SET = "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0123456789abcdef"
ANN = "0123456789-01234567-89ab-cdef-0123-456789abcdef"
EVERYBODY = Rules.parse({"allow": [{"teams": ["*"]}]}, "rules.yaml")


def ref(kind: Kind, native_id: str) -> Ref:
    return Ref(kind=kind, native_id=native_id)


def user(account: str = MEMBER, name: str = "ann") -> Ref:
    return ref(Kind.IAM_USER, f"arn:aws:iam::{account}:user/{name}")


def group(account: str = MEMBER) -> Ref:
    return ref(Kind.IAM_GROUP, f"arn:aws:iam::{account}:group/dev")


def command(
    principal: Ref | None = None, target: Ref | None = None, account: str = MEMBER, verb: str = "grant", **more: Any
) -> AccessCommand:
    fields = {"id": uuid4(), "connector": "prod", "account": account, "requester": "bob", "reason": "on call", **more}
    return BY_VERB[verb](principal=principal or user(), target=target or group(), **fields)


def screened(wanted: AccessCommand, **but: Any) -> str | None:
    connector = Connector(id="prod", organizations=True, provisioning=but.get("provisioning", True))
    managed = Managed(connector, but.get("state", ConnectorState.CONNECTED), OWN, but.get("has_center", True))
    known = Known(None, {"state": "ACTIVE"}, but.get("account_of", "prod"))
    addressed = Addressed(but.get("team", "payments"), "prod", wanted.account, wanted.verb())
    found = screen(
        wanted,
        but.get("addressed", addressed),
        None if but.get("gone") else managed,
        known,
        but.get("rules", EVERYBODY),
    )
    return found.code if found else None


def test_a_proper_command_is_let_in() -> None:
    assert screened(command()) is None
    pair = ref(Kind.PROVISIONED_PERMISSION_SET, f"{MEMBER}/{SET}")
    assert screened(command(ref(Kind.IDENTITY_USER, ANN), pair)) is None
    assert screened(command(ref(Kind.IDENTITY_USER, ANN), ref(Kind.IDENTITY_GROUP, ANN), account=OWN)) is None


@pytest.mark.parametrize(
    ("principal", "target"),
    [
        (ref(Kind.IAM_USER, "ann"), group()),
        (ref(Kind.IAM_USER, f"arn:aws:iam::{MEMBER}:role/ann"), group()),
        (user(), ref(Kind.IAM_POLICY, f"arn:aws:iam::{MEMBER}:role/x")),
        (ref(Kind.IDENTITY_USER, "ann"), ref(Kind.PROVISIONED_PERMISSION_SET, f"{MEMBER}/{SET}")),
        (ref(Kind.IDENTITY_USER, ANN), ref(Kind.PROVISIONED_PERMISSION_SET, SET)),
        (ref(Kind.IDENTITY_USER, ANN), ref(Kind.PROVISIONED_PERMISSION_SET, f"{MEMBER}/arn:aws:iam::1:x")),
        (user(OTHER), group()),
        (ref(Kind.IAM_USER, f"arn:aws:iam::{MEMBER}:user/ann\n"), group()),
    ],
)
def test_names_that_say_nothing_or_contradict_each_other_are_refused(principal: Ref, target: Ref) -> None:
    assert screened(command(principal, target)) == "malformed"


def test_an_inline_policy_of_somebody_else_is_refused() -> None:
    policy = ref(Kind.INLINE_POLICY, f"arn:aws:iam::{MEMBER}:user/eve#admin")
    assert screened(command(user(), policy, verb="revoke")) == "malformed"
    own = ref(Kind.INLINE_POLICY, f"arn:aws:iam::{MEMBER}:user/ann#admin")
    assert screened(command(user(), own, verb="revoke")) is None


def test_no_namesake_in_another_account_is_meant() -> None:
    assert screened(command(account=OTHER)) == "wrong_account"


@pytest.mark.parametrize(
    ("but", "code"),
    [
        ({"gone": True}, "unknown_connector"),
        ({"state": ConnectorState.PAUSED}, "connector_inactive"),
        ({"provisioning": False}, "provisioning_off"),
        ({"account_of": None}, "unknown_account"),
        ({"account_of": "other"}, "unknown_account"),
        ({"addressed": Addressed("payments", "prod", OWN, "grant")}, "misaddressed"),
        ({"addressed": Addressed("payments", "prod", MEMBER, "revoke")}, "misaddressed"),
        ({"rules": Rules(given=False)}, "no_rules"),
        ({"rules": Rules()}, "not_allowed"),
    ],
)
def test_each_wrong_turn_has_its_reason(but: dict[str, Any], code: str) -> None:
    assert screened(command(), **but) == code


def test_without_rules_and_without_provisioning_only_dry_runs_are_let_in() -> None:
    wanted = command(dry_run=True)
    assert screened(wanted, rules=Rules(given=False), provisioning=False) is None


def test_groups_of_the_directory_are_changed_in_the_connectors_own_account() -> None:
    wanted = command(ref(Kind.IDENTITY_USER, ANN), ref(Kind.IDENTITY_GROUP, ANN))
    assert screened(wanted) == "wrong_account"
    assert screened(wanted, has_center=False) == "no_identity_center"


def test_a_rule_lets_in_what_it_names_and_no_more() -> None:
    rules = Rules.parse({"allow": [{"teams": ["payments"], "verbs": ["grant"], "targets": ["iam_group"]}]}, "f")
    assert screened(command(), rules=rules) is None
    assert screened(command(verb="revoke"), rules=rules) == "not_allowed"
    assert screened(command(), rules=rules, team="ops") == "not_allowed"
    policy = ref(Kind.IAM_POLICY, "arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert screened(command(target=policy), rules=rules) == "not_allowed"


@pytest.mark.parametrize(
    "content", [{"allow": [{}]}, {"deny": []}, {"allow": [{"teams": ["x"], "targets": ["y"]}]}, []]
)
def test_rules_that_cannot_be_understood_are_refused_whole(content: Any) -> None:
    with pytest.raises(Invalid, match=r"rules\.yaml"):
        Rules.parse(content or {"allow": 1}, "rules.yaml")


def test_what_cannot_be_given_is_no_command() -> None:
    with pytest.raises(Malformed, match="cannot be given"):
        GrantAccess.parse(command().model_copy(update={"target": user(name="x")}).encode())


def test_one_thing_at_a_time_is_changed_for_each_pair_principal_and_group() -> None:
    pair = ref(Kind.PROVISIONED_PERMISSION_SET, f"{MEMBER}/{SET}")
    assert resource_of(command(ref(Kind.IDENTITY_USER, ANN), pair)) == f"assigned/{MEMBER}/{SET}"
    assert resource_of(command()) == f"iam/{user().native_id}"
    directory = command(ref(Kind.IDENTITY_USER, ANN), ref(Kind.IDENTITY_GROUP, ANN))
    assert resource_of(directory) == f"directory/{ANN}"
    assert malformed(command()) is None
