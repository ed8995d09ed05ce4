"""Options as settings: only what was given, files read, and mistakes named."""

from pathlib import Path

import pytest

from grantwire.cli.exits import Exit, Stop
from grantwire.cli.given import SETTINGS, settings_of
from grantwire.cli.showing import value_text
from grantwire.contracts.connectors import Connector


def test_only_what_was_given_is_a_setting() -> None:
    given = dict.fromkeys(SETTINGS) | {"organizations": False, "name": "", "include_account": ["1"], "exclude_ou": []}
    assert settings_of(given) == {"organizations": False, "name": "", "include_accounts": ["1"]}


def test_every_setting_has_an_option() -> None:
    renamed = {"account_overrides": "account_role", "scim_token": "scim_token_file"}
    for name in set(Connector.model_fields) - {"id"}:
        assert renamed.get(name, name) in SETTINGS or name.removesuffix("s") in SETTINGS, name


def test_an_account_has_another_role() -> None:
    found = settings_of({"account_role": ["111122223333=Audit", "111122224444=path/Reader"]})
    assert found["account_overrides"] == {
        "111122223333": {"role_name": "Audit"},
        "111122224444": {"role_name": "path/Reader"},
    }


def test_a_token_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("the-token\n")
    assert settings_of({"scim_token_file": tmp_path / "token"}) == {"scim_token": "the-token"}
    with pytest.raises(Stop, match="none cannot be read: No such file") as stop:
        settings_of({"scim_token_file": tmp_path / "none"})
    assert stop.value.code == Exit.USAGE


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("PT15M", "15m"),
        ("P1DT2H", "1d 2h"),
        ("PT0.5S", "PT0.5S"),
        ("Prod", "Prod"),
        ("P", "P"),
        (["a", "b"], "a, b"),
        ({"1": {"role_name": "A", "external_id": None}}, "1: role_name: A"),
        (True, "yes"),
        (False, ""),
        (None, ""),
    ],
)
def test_a_setting_is_one_line(value: object, text: str) -> None:
    assert value_text(value) == text
