"""Which settings are secret is said twice, for pydantic and for what is stored: both must say the same."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, Field

from grantwire.contracts.connectors import SECRET_FIELDS, Connector


def hidden(model: type[BaseModel], at: str = "") -> Iterator[str]:
    """The paths of the fields that no repr shows; those of models in mappings too."""
    for name, field in model.model_fields.items():
        if not field.repr:
            yield f"{at}{name}"
        for inner in models(field.annotation):
            yield from hidden(inner, f"{at}{name}.*.")


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models(argument)


def test_every_hidden_field_is_stored_as_a_secret() -> None:
    assert sorted(hidden(Connector)) == sorted(SECRET_FIELDS)


def test_a_new_hidden_field_would_be_missed_here() -> None:
    class Wider(Connector):
        password: str | None = Field(default=None, repr=False)

    assert set(hidden(Wider)) - set(SECRET_FIELDS) == {"password"}


def test_a_field_that_sounds_secret_is_hidden() -> None:
    words = ("token", "external_id", "password", "secret_key")
    assert {name for name in Connector.model_fields if name.endswith(words)} <= set(SECRET_FIELDS)


def test_no_repr_and_no_refusal_shows_a_secret() -> None:
    given = {
        "id": "prod",
        "external_id": "canary-1",
        "operator_external_id": "canary-2",
        "child_external_id": "canary-3",
        "account_overrides": {"111122223333": {"external_id": "canary-4"}},
        "scim_token": "canary-5",
    }
    assert "canary" not in repr(Connector.model_validate(given))
    refusals = ({"scim_token": 5}, {"external_id": "canary 6"}, {"account_overrides": {"1": {"external_id": "canary"}}})
    for wrong in (*refusals, {"canary": "no field"} | {"id": "UPPER"}):
        try:
            Connector.model_validate(given | wrong)
        except ValueError as error:
            assert "input_value" not in str(error) and "canary-" not in str(error)
        else:
            raise AssertionError(f"{wrong} was accepted")
