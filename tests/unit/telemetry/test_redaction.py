"""Secrets never reach a log line, and what is no secret stays readable."""

from time import process_time
from typing import Any

import pytest

from grantwire.telemetry import mask, mask_text
from grantwire.telemetry.redaction import is_secret_key


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "POSTGRES_PASSWORD",
        "scim_token",
        "scimToken",
        "external_id",
        "externalId",
        "child_external_id",
        "secret",
        "client-secret",
        "aws_secret_access_key",
        "Authorization",
        "set-cookie",
        "private_key",
        "apiKey",
    ],
)
def test_a_secret_is_known_by_its_key(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize("key", ["tokenizer", "secretary", "key", "access_key_id", "principal_id", "passes", "account"])
def test_other_keys_are_left_alone(key: str) -> None:
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://grantwire:s3cret@127.0.0.1:1/db", "postgresql://grantwire:***@127.0.0.1:1/db"),
        ("at nats://u:p@h:4222, then", "at nats://u:***@h:4222, then"),
        ("nats://a-token@h:4222", "nats://***@h:4222"),
        ("https://host/path?token=abc&x=1", "https://host/path?token=***&x=1"),
        ('{"password": "hunter2"}', '{"password": "***"}'),
        ("scim_token='abc'", "scim_token='***'"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer ***"),
        ("https://example.com/a:b@c", "https://example.com/a:b@c"),
        ("user@example.com signed in", "user@example.com signed in"),
        ("arn:aws:iam::210987654321:role/admin", "arn:aws:iam::210987654321:role/admin"),
    ],
)
def test_credentials_inside_text_are_masked_and_the_rest_is_kept(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ({"a": [{"password": "x", "b": 1}]}, {"a": [{"password": "***", "b": 1}]}),
        ({"sync_secrets": True, "token": None}, {"sync_secrets": True, "token": None}),  # settings and absences
        (("nats://u:p@h", 3), ["nats://u:***@h", 3]),
    ],
)
def test_nested_values_are_masked(value: Any, masked: Any) -> None:
    assert mask(value) == masked


def test_what_is_nested_without_end_is_left_out() -> None:
    endless: dict[str, Any] = {"password": "x"}
    endless["again"] = endless
    assert "x" not in str(mask(endless)).replace("'again'", "")


@pytest.mark.parametrize("piece", ["a", "a_", "://", "token", "token=", "://a:", "bearer ", "://a:b"])
def test_a_hostile_line_takes_no_longer_than_its_length_deserves(piece: str) -> None:
    began = process_time()  # what other processes take is not counted
    mask_text(piece * (400_000 // len(piece)))
    assert process_time() - began < 5
