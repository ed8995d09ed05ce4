"""What is taken for a seed, and what an error tells. That the spelling is right the real server says, by letting in."""

import pytest

from grantwire.contracts.failures import Invalid
from grantwire.identity import new_seed, public_key, sign


def test_a_seed_and_its_public_key_say_what_they_are() -> None:
    seed = new_seed()
    assert (seed[:2], len(seed)) == ("SU", 58)
    assert (public_key(seed)[0], len(public_key(seed))) == ("U", 56)
    assert public_key(f" {seed}\n") == public_key(seed) != public_key(new_seed())
    assert sign(seed, "a") == sign(seed, "a") != sign(seed, "b")


def corrupted() -> list[str]:
    seed = new_seed()
    other = "A" if seed[20] != "A" else "B"
    return ["", "x", "nätig", seed[:-1], seed + "A", seed.lower(), seed[:20] + other + seed[21:], public_key(seed)]


KINDS = ("empty", "one", "no ascii", "cut", "longer", "lower", "changed", "public")


@pytest.mark.parametrize("text", corrupted(), ids=KINDS)  # by name: the seeds are others in each process
def test_what_is_no_seed_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(Invalid) as told:
        public_key(text)
    assert len(text) < 10 or text[2:] not in str(told.value)
