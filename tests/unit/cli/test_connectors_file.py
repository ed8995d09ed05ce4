"""connectors.yaml: what is accepted, and how a mistake is named."""

from pathlib import Path

import pytest

from grantwire.cli.connectors_file import load
from grantwire.cli.exits import Exit, Stop

GOOD = """
- id: prod
  role_arn: arn:aws:iam::123456789012:role/Grantwire
  external_id: abc-123
  interval: 5m
- id: dev
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "connectors.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", [GOOD, "connectors:" + GOOD])
def test_a_list_and_a_mapping_are_the_same(tmp_path: Path, text: str) -> None:
    prod, dev = load(written(tmp_path, text))
    assert (prod.id, prod.account, prod.interval.total_seconds(), dev.role_arn) == ("prod", "123456789012", 300, None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- id: prod\n  role: x\n", "connector 1 ('prod'): role: there is no such field; the fields are id,"),
        ("- id: prod\n  role_arn: arn:aws:s3:::x\n", "connector 1 ('prod'): role_arn: 'arn:aws:s3:::x' is not the ARN"),
        ("- id: prod\n  include_accounts: [123456789012]\n", "include_accounts.0: YAML reads bare digits as a number"),
        ("- id: prod\n  external_id: 12345\n", "external_id: YAML reads bare digits as a number"),
        ("- name: x\n", "connector 1: id: is missing"),
        ("- id: a\n- id: a\n", "connector 2 has the id 'a', which an earlier one has"),
        ("- 7\n", "connector 1 is not a mapping of fields"),
        ("connector:\n- id: a\n", "its top level must be a list of connectors or the one key `connectors`"),
        ("", "it names no connector"),
        ("- id: [\n", "it is not YAML (line 2, column 1)"),
    ],
)
def test_a_mistake_names_file_connector_and_field(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(Stop) as stop:
        load(path)
    assert says in str(stop.value)
    assert str(path) in str(stop.value)
    assert stop.value.code == Exit.USAGE


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"none\.yaml cannot be read: No such file") as stop:
        load(tmp_path / "none.yaml")
    assert stop.value.code == Exit.USAGE
    assert "--connectors" in stop.value.next_step


def test_a_wrong_secret_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(Stop) as stop:
        load(written(tmp_path, "- id: prod\n  external_id: hunter2 hunter2\n"))
    assert "hunter2" not in str(stop.value)
