"""The body of a snapshot: equal facts give equal bytes, cuts lose nothing, damage is seen."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grantwire.contracts.chunks import CHUNK_BYTES, decode, digest, encode, resource_row
from grantwire.contracts.failures import Malformed
from grantwire.contracts.resources import Facts, Kind, Relation, RelationKind, Resource
from grantwire.contracts.text import canonical, storable

ATTRIBUTES = st.dictionaries(
    st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists), max_size=4
)


def user(number: int, **attributes: object) -> Resource:
    return Resource(
        Kind.IAM_USER, f"arn:aws:iam::111122223333:user/u{number}", "111122223333", f"u{number}", attributes
    )


def member(number: int) -> Relation:
    return Relation(RelationKind.MEMBER_OF, f"u{number}", Kind.IAM_USER, "g", Kind.IAM_GROUP)


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows, relations = [user(n) for n in range(50)], [member(n) for n in range(50)]
    forward = encode(Facts(tuple(rows), tuple(relations)))
    backward = encode(Facts(tuple(reversed(rows)), tuple(reversed(relations))))
    assert forward == backward
    assert digest(forward, "bulk") == digest(backward, "bulk")


def test_the_digest_covers_the_plan_the_order_and_every_byte() -> None:
    chunks = [b"a\n", b"b\n"]
    assert (
        len({digest(chunks, "bulk"), digest(chunks, "minimum"), digest(chunks[::-1], "bulk"), digest([b"a\n"], "bulk")})
        == 4
    )


def test_an_empty_scope_has_no_chunks_and_still_a_digest() -> None:
    assert encode(Facts()) == []
    assert len(digest([], "bulk")) == 64


def test_cuts_keep_every_row_and_their_size() -> None:
    facts = Facts(tuple(user(n, text="x" * 1_000) for n in range(1_000)))
    chunks = encode(facts)
    assert len(chunks) > 4
    assert all(len(chunk) <= CHUNK_BYTES for chunk in chunks)
    assert {row.native_id for row in decode(chunks).resources} == {row.native_id for row in facts.resources}


@given(ATTRIBUTES)
def test_any_attributes_come_back_as_they_can_be_stored(attributes: dict[str, object]) -> None:
    facts = Facts((user(1),), (), (Resource(Kind.EXTERNAL_PRINCIPAL, "x\x00", None, "x", attributes),))
    (back,) = decode(encode(facts)).mentions
    assert canonical(storable(back.attributes)) == canonical(storable(attributes))


@given(ATTRIBUTES)
@example({"nul": "\x00"})
@example({"spelled": "\\u0000"})
@example({"lone": "\ud800", "in a list": ["\udfff"]})
@example({"numbers": [float("nan"), float("inf"), 1.5]})
def test_a_row_is_the_canonical_text_of_what_can_be_stored(attributes: dict[str, object]) -> None:
    (chunk,) = encode(Facts((user(1, **attributes),)))
    assert chunk == canonical(storable(resource_row(user(1, **attributes)))).encode() + b"\n"


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b'{"type":"resource"}', b'{"type":"cow"}', b'{"type":"resource","kind":"cow","native_id":"1"}'],
)
def test_a_damaged_row_is_malformed(line: bytes) -> None:
    with pytest.raises(Malformed):
        decode([line + b"\n"])


def test_hostile_text_becomes_storable() -> None:
    assert storable({"a\x00": ["\ud800", float("nan")]}) == {"a\ufffd": ["\ufffd", "nan"]}
