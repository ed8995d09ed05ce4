"""Why the credentials of an account are not read."""

import pytest

from grantwire.graph.custody import Asked, unread_accounts

A, B = "111122223333", "444455556666"


def asked(**but: object) -> Asked:
    return Asked(**({"id": "prod", "account": A, "sync_secrets": True, "child_iam": True} | but))  # type: ignore[arg-type]


def scopes(*keys: str) -> dict[str, tuple[str, str | None]]:
    return {key: ("prod", key.rpartition("/")[2] if key[-1].isdigit() else None) for key in keys}


@pytest.mark.parametrize(
    ("held", "connector", "found"),
    [
        (scopes(f"iam/{A}", f"credentials/{A}"), asked(), {}),
        (scopes(f"iam/{A}"), asked(sync_secrets=False), {A: "The setting sync_secrets of connector 'prod' is off."}),
        (scopes(f"iam/{A}"), asked(), {A: "Not read yet: `grantwire sync prod` asks for it."}),
        (scopes(), asked(), {A: "Not read yet: `grantwire sync prod` asks for it."}),  # it never ran
        (scopes(), asked(account=None), {}),  # a draft
        (
            scopes(f"credentials/{A}", f"assignments/{B}", "permission_sets/ssoins-x"),
            asked(child_iam=False),
            {B: f"The setting child_iam of connector 'prod' is off, which leaves account {B} out."},
        ),
    ],
)
def test_the_reason_is_the_setting_that_keeps_it_from_being_read(
    held: dict[str, tuple[str, str | None]], connector: Asked, found: dict[str, str]
) -> None:
    assert unread_accounts(held, [connector]) == found


def test_scopes_of_a_connector_that_is_gone() -> None:
    assert unread_accounts({f"iam/{A}": ("gone", A)}, []) == {A: f"No connector reads account {A} any more."}


def test_the_reader_of_an_accounts_iam_decides() -> None:
    held = {f"iam/{A}": ("own", A), f"assignments/{A}": ("prod", A)}
    both = [asked(account=B), asked(id="own", sync_secrets=False)]
    assert unread_accounts(held, both)[A] == "The setting sync_secrets of connector 'own' is off."
