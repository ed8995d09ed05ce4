"""Secrets sealed for storage: opened only with a key, and only as what they are."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from grantwire.contracts.connectors import SECRET_FIELDS, AccountOverride, Connector
from grantwire.contracts.failures import SecretKeyError
from grantwire.graph import secrets
from grantwire.graph.keys import Keys, new_key
from grantwire.graph.resealing import Count, judge, reseal
from tests.support.keys import KEYS, OTHER, OTHER_KEY, SECRET_KEY

MEMBER, SECOND = "111122223333", "444455556666"
OVERRIDES = {MEMBER: {"external_id": "canary-4"}, SECOND: {"role_name": "Reader", "external_id": "canary-5"}}
PROD = Connector.model_validate(
    {
        "id": "prod",
        "name": "Production",
        "external_id": "canary-1",
        "operator_external_id": "canary-2",
        "child_external_id": "canary-3",
        "account_overrides": OVERRIDES | {"777788889999": {"role_name": "Plain"}},
        "scim_token": "canary-6",
    }
)
CLEAR = PROD.model_dump(mode="json")
PATHS = {
    "external_id",
    "operator_external_id",
    "child_external_id",
    f"account_overrides.{MEMBER}.external_id",
    f"account_overrides.{SECOND}.external_id",
    "scim_token",
}
BOTH = Keys.parse(f"{SECRET_KEY},{OTHER_KEY}", "tests")


def of(keys: Keys = KEYS) -> dict[str, Any]:
    return secrets.seal(keys, "prod", CLEAR)


def test_every_secret_is_sealed_and_opens_again() -> None:
    stored = of()
    assert "canary" not in json.dumps(stored)
    assert set(secrets.secret_fields(stored)) == PATHS
    assert all(set(value) == {"sealed", "key"} for value in secrets.secret_fields(stored).values())
    assert {**stored, "account_overrides": None}.keys() == CLEAR.keys() and stored["name"] == "Production"
    assert secrets.unseal(KEYS, "prod", stored) == PROD


def test_the_sample_has_every_kind_of_secret() -> None:
    assert {path.replace(MEMBER, "*").replace(SECOND, "*") for path in PATHS} == set(SECRET_FIELDS)


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    assert of()["external_id"] != of()["external_id"]


def test_who_needs_no_secret_needs_no_key() -> None:
    plain = secrets.without(of())
    assert plain.name == "Production" and plain.account_overrides[SECOND].role_name == "Reader"
    assert not secrets.secret_fields(plain.model_dump(mode="json"))
    harmless = Connector(id="prod", account_overrides={MEMBER: AccountOverride(role_name="Reader")})
    assert secrets.unseal(Keys(), "prod", secrets.seal(Keys(), "prod", harmless.model_dump(mode="json"))) == harmless


def test_settings_of_before_open_as_they_are_and_are_counted() -> None:
    assert secrets.unseal(Keys(), "prod", CLEAR) == PROD
    count = Count()
    judge(Keys(), "prod", CLEAR, count)
    assert (count.clear, count.sealed, count.unreadable) == (6, {}, [])


def test_without_a_key_nothing_secret_is_kept() -> None:
    with pytest.raises(SecretKeyError, match=r"external_id of connector 'prod' cannot be kept.*secrets new-key"):
        of(Keys())


@pytest.mark.parametrize(
    ("keys", "said"),
    [(Keys(), r"no key was given\. Make a key"), (OTHER, r"the keys given are f31762ba\. Add that key")],
    ids=["no key", "another key"],
)
def test_a_key_that_does_not_open_it_is_said_with_connector_and_field(keys: Keys, said: str) -> None:
    with pytest.raises(SecretKeyError, match=rf"The external_id of connector 'prod' .*key 9684eeaf, and {said}") as no:
        secrets.unseal(keys, "prod", of())
    assert not {"canary", of()["external_id"]["sealed"], SECRET_KEY[:20]} & set(str(no.value).split())


@pytest.mark.parametrize(
    ("source", "target", "connector"),
    [
        ("scim_token", "external_id", "prod"),
        ("external_id", "external_id", "other"),
        ("child_external_id", "operator_external_id", "prod"),
    ],
)
def test_what_was_moved_does_not_open(source: str, target: str, connector: str) -> None:
    stored = of()
    with pytest.raises(SecretKeyError, match=f"The {target} of connector '{connector}' .*another field or connector"):
        secrets.opened(KEYS, connector, target, stored[source])


def test_between_accounts_nothing_moves_either() -> None:
    stored = of()
    mine, other = (stored["account_overrides"][account] for account in (MEMBER, SECOND))
    mine["external_id"] = other["external_id"]
    with pytest.raises(SecretKeyError, match=rf"account_overrides\.{MEMBER}\.external_id"):
        secrets.unseal(KEYS, "prod", stored)


@pytest.mark.parametrize("token", ["", "x", "ü", 5, None, "gAAAAAB", of()["external_id"]["sealed"][:-8] + "AAAAAAA="])
def test_an_altered_token_is_a_sentence(token: object) -> None:
    with pytest.raises(SecretKeyError, match=r"key 9684eeaf should open it and does not: it was altered"):
        secrets.unseal(KEYS, "prod", CLEAR | {"external_id": {"sealed": token, "key": "9684eeaf"}})


def test_the_first_key_encrypts_and_every_one_decrypts() -> None:
    old = of(OTHER)
    assert secrets.unseal(BOTH, "prod", old) == PROD
    assert {value["key"] for value in secrets.secret_fields(of(BOTH)).values()} == {"9684eeaf"}
    assert secrets.unseal(KEYS, "prod", of(BOTH)) == PROD


def test_what_is_under_an_old_key_is_renewed_once() -> None:
    count = Count()
    renewed = reseal(BOTH, "prod", of(OTHER), count)
    assert (count.renewed, count.sealed, count.unreadable) == (6, {"f31762ba": 6}, [])
    assert secrets.unseal(KEYS, "prod", renewed) == PROD, "the old key is needed no more"
    again = Count()
    assert reseal(BOTH, "prod", renewed, again) == renewed
    assert (again.renewed, again.sealed) == (0, {"9684eeaf": 6})


def test_what_cannot_be_opened_stays_and_keeps_no_other_from_renewal() -> None:
    mixed = of(OTHER) | {"scim_token": secrets.sealed(Keys.parse(new_key(), "x"), "prod", "scim_token", "lost")}
    count = Count()
    renewed = reseal(BOTH, "prod", mixed, count)
    assert count.renewed == 5 and len(count.unreadable) == 1
    assert renewed["scim_token"] == mixed["scim_token"]


def test_a_false_name_of_a_key_is_seen_through() -> None:
    """Or whoever writes to the table could make a rotation leave it behind."""
    stored = of(OTHER)
    stored["scim_token"] = stored["scim_token"] | {"key": "9684eeaf"}
    renewed = reseal(BOTH, "prod", stored, Count())
    assert secrets.unseal(KEYS, "prod", renewed) == PROD


def test_only_what_is_in_clear_when_that_is_asked() -> None:
    stored, count = of(OTHER) | {"external_id": "canary-1"}, Count()
    renewed = reseal(BOTH, "prod", stored, count, clear_alone=True)
    assert count.renewed == 1 and renewed["external_id"]["key"] == "9684eeaf"
    assert renewed["scim_token"] == stored["scim_token"]


@pytest.mark.parametrize("divided", [",", "\n", " , ", "\n\n"])
def test_keys_are_divided_by_commas_and_lines(divided: str) -> None:
    assert Keys.parse(f"{SECRET_KEY}{divided}{OTHER_KEY}\n", "x").ids == ["9684eeaf", "f31762ba"]


@pytest.mark.parametrize("wrong", ["hunter2", "x" * 44, SECRET_KEY[:-3], SECRET_KEY * 2, "é" * 44, "*" * 44])
def test_a_malformed_key_is_named_by_its_place_and_not_shown(wrong: str) -> None:
    with pytest.raises(SecretKeyError, match=r"^Key 2 of 2 in GRANTWIRE_SECRET_KEY is not a key") as no:
        Keys.parse(f"{SECRET_KEY},{wrong}", "GRANTWIRE_SECRET_KEY")
    assert wrong not in str(no.value)


def test_a_new_key_is_one() -> None:
    made = [new_key() for _ in range(3)]
    assert len({Keys.parse(key, "x").first for key in made}) == 3
    assert len(urlsafe_b64decode(made[0])) == 32
    assert Keys.parse(made[0].rstrip("="), "x").ids == Keys.parse(made[0], "x").ids, "padding or not"
    assert made[0][:12] not in repr(Keys.parse(made[0], "x"))
