"""The token shows itself to nobody."""

import copy
import pickle

import pytest

from grantwire.contracts.failures import Invalid
from grantwire.scim import Bearer

TOKEN = "canary:3f1c9d7e5b2a4608:ZmFrZS1zY2ltLXRva2Vu"


def test_it_is_not_shown_compared_or_pickled() -> None:
    bearer = Bearer(TOKEN)
    assert {repr(bearer), str(bearer), f"{bearer}", f"{[bearer]}"} == {"Bearer(***)", "[Bearer(***)]"}
    assert not hasattr(bearer, "__dict__")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(bearer)
    with pytest.raises(TypeError, match="not pickled"):
        copy.copy(bearer)


def test_the_header_says_it() -> None:
    assert Bearer(TOKEN).header == (b"Authorization", b"Bearer " + TOKEN.encode())


@pytest.mark.parametrize(
    ("unfit", "why"),
    [
        (f"{TOKEN}\r\nX-Injected: 1", "a line break"),
        (f"{TOKEN}\n", "a line break"),
        (f" {TOKEN}", "a space"),
        (f"{TOKEN}\u20ac", "another character"),
        (f'{TOKEN}"', "a quote"),
        (f"{TOKEN}\\", "another character"),
        ("", "fewer than 16"),
        (TOKEN[:10], "fewer than 16"),
        (TOKEN * 500, "more than 8,192"),
    ],
)
def test_what_cannot_be_a_token_is_refused_without_repeating_it(unfit: str, why: str) -> None:
    with pytest.raises(Invalid, match=why) as caught:
        Bearer(unfit)
    assert caught.value.field == "scim_token"
    assert "next: copy the access token" in str(caught.value)
    assert TOKEN[:10] not in str(caught.value)
