"""Times are those that botocore reads, in every form that AWS has."""

from typing import Any

import pytest
from botocore.utils import parse_timestamp

from grantwire.aws.times import read_time


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-06T07:08:09Z",
        "2024-05-06T07:08:09.123Z",
        "2024-05-06T07:08:09+00:00",
        "20240506T070809Z",
        "Mon, 06 May 2024 07:08:09 GMT",
        "1714979289",
        1714979289,
        1714979289.5,
        1714979289.123456,
        -62135596800,
        0,
    ],
)
def test_a_time_is_the_one_that_botocore_reads(value: Any) -> None:
    assert read_time(value) == parse_timestamp(value)
    if isinstance(value, str) and not value.isdigit():  # of a number botocore says it in the machine's own zone
        assert read_time(value).utcoffset() == parse_timestamp(value).utcoffset()


def test_a_number_is_a_time_of_utc() -> None:
    assert read_time(1714979289.5).isoformat() == "2024-05-06T07:08:09.500000+00:00"


def test_a_number_beyond_all_years_is_refused_as_botocore_refuses_it() -> None:
    with pytest.raises(ValueError, match="out of range"):
        read_time(1e15)


@pytest.mark.parametrize("value", ["", "Z", "2024-13-40T99:99:99Z", "soon"])
def test_what_is_no_time_is_refused_as_botocore_refuses_it(value: str) -> None:
    with pytest.raises(ValueError, match="Invalid timestamp"):
        read_time(value)
