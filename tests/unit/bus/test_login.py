"""Where a process finds its key."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from grantwire.bus import BusSettings
from grantwire.contracts.failures import GrantwireError
from grantwire.identity import new_seed

URL = "nats://127.0.0.1:4222"


def test_a_key_is_given_or_stands_in_a_file_or_there_is_none(tmp_path: Path) -> None:
    seed, file = new_seed(), tmp_path / "key"
    file.write_text(f"{seed}\n")
    assert BusSettings(nats_url=URL).seed() is None
    assert BusSettings(nats_url=URL, nats_nkey=SecretStr(seed)).seed() == seed
    assert BusSettings(nats_url=URL, nats_nkey=SecretStr(" "), nats_nkey_file=file).seed() == seed
    assert seed not in repr(BusSettings(nats_url=URL, nats_nkey=SecretStr(seed)))


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"SUANOTASEED"])
def test_a_file_that_holds_no_key_is_named_and_never_shown(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(GrantwireError, match=str(file)) as told:
        BusSettings(nats_url=URL, nats_nkey_file=file).seed()
    assert "NOTASEED" not in str(told.value)


def test_a_key_from_the_environment_that_is_none_is_said_by_its_variable() -> None:
    with pytest.raises(GrantwireError, match="GRANTWIRE_NATS_NKEY"):
        BusSettings(nats_url=URL, nats_nkey=SecretStr("secret")).seed()
