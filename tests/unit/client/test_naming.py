"""What a caller writes becomes a command, or a sentence that says what is wrong with it."""

from typing import Any
from uuid import UUID

import pytest

from grantwire.client.naming import account_of, command_of, ref_of
from grantwire.contracts.commands import GrantAccess, Ref, RevokeAccess
from grantwire.contracts.failures import Invalid
from grantwire.contracts.resources import Kind

ID = UUID(int=7)
USER = "iam_user:arn:aws:iam::123456789012:user/team/ann"
GROUP = "iam_group:arn:aws:iam::123456789012:group/admins"
PERSON = "identity_user:9067f1c2-1111-2222-3333-444455556666"
PAIR = "provisioned_permission_set:210987654321/arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef"
TEAM = "identity_group:9067f1c2-aaaa-bbbb-cccc-444455556666"
SAID: dict[str, Any] = {"connector": "prod", "reason": "INC-7", "requester": "ann@example.com"}


@pytest.mark.parametrize(
    ("principal", "target", "account"),
    [
        (USER, GROUP, "123456789012"),
        (USER, "iam_policy:arn:aws:iam::aws:policy/ReadOnlyAccess", "123456789012"),
        (PERSON, PAIR, "210987654321"),
    ],
)
def test_the_account_follows_from_the_names(principal: str, target: str, account: str) -> None:
    command = command_of("grant", principal, target, id=ID, **SAID)
    assert isinstance(command, GrantAccess)
    assert (command.account, command.id, command.principal.native_id) == (account, ID, principal.partition(":")[2])


def test_a_group_of_the_directory_needs_the_account_named() -> None:
    with pytest.raises(Invalid, match="name the connector's own"):
        command_of("revoke", PERSON, TEAM, id=ID, **SAID)
    command = command_of("revoke", PERSON, TEAM, id=ID, account="123456789012", **SAID)
    assert isinstance(command, RevokeAccess) and command.account == "123456789012"


def test_an_account_that_contradicts_the_names_is_never_sent() -> None:
    with pytest.raises(Invalid, match="210987654321, not in 123456789012"):
        command_of("grant", PERSON, PAIR, id=ID, account="123456789012", **SAID)


@pytest.mark.parametrize("text", ["ann", "", ":x", "iam_user:", "facet of:x", "user:arn:aws:iam::1:user/a"])
def test_what_names_nothing_is_said_with_how_to_name_it(text: str) -> None:
    with pytest.raises(Invalid, match="kind:native_id") as caught:
        ref_of(text, "target")
    assert caught.value.field == "target"


@pytest.mark.parametrize("id", ["arn:aws:iam::12:user/a", "not-an-arn", "a:b"])
def test_a_name_without_its_account_is_refused(id: str) -> None:
    user = Ref(kind=Kind.IAM_USER, native_id=id)
    with pytest.raises(Invalid, match="has no account in it"):
        account_of(user, Ref(kind=Kind.IAM_GROUP, native_id="arn:aws:iam::123456789012:group/g"), None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reason": ""}, "reason"),
        ({"requester": "x" * 257}, "requester"),
        ({"connector": "Prod!"}, "connector"),
    ],
)
def test_a_field_that_cannot_be_sent_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        command_of("grant", USER, GROUP, id=ID, **{**SAID, **change})
    assert caught.value.field == said


def test_what_nobody_can_be_given_is_refused() -> None:
    with pytest.raises(Invalid, match="cannot be given"):
        command_of("grant", GROUP, USER, id=ID, **SAID)
    with pytest.raises(Invalid, match="can only be revoked"):
        command_of("grant", USER, f"inline_policy:{USER.partition(':')[2]}#p", id=ID, **SAID)
