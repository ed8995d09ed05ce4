"""Which line of the report is which key's, and which use is the newest."""

import pytest

from grantwire.aws.credentials.shapes import AccessKey, LastUse, ReportedKey
from grantwire.collectors.credentials.answers import Answers, Asked, Holder
from grantwire.collectors.credentials.uses import known, newest, reported, untold
from tests.unit.collectors.credentials import NEVER, arn, held, key, line, report, row, used

K, L = key("K", "ada", 1), key("L", "ada", 2)
S3, EC2 = used(8), used(9, "ec2")


@pytest.mark.parametrize(
    ("keys", "lines", "found"),
    [
        ([K], [line(1, use=S3)], {"K": S3}),
        ([K, L], [line(2, use=EC2), line(1, use=S3)], {"K": S3, "L": EC2}),
        ([K], [], {}),
        ([K], [line(None, use=S3)], {}),
        ([K], [line(5, use=S3)], {"K": S3}),  # changed after it was created: the only one on both sides
        ([K, L], [line(1, use=S3), line(5, use=EC2)], {"K": S3, "L": EC2}),
        ([L], [line(1, use=S3)], {}),  # a line older than the key is another key's
        ([K], [line(4, use=S3), line(5, use=EC2)], {}),  # one of the two was deleted since
        ([key("N", "ada", 11)], [line(12, use=S3)], {}),  # younger than the report
        ([K, key("N", "ada", 1)], [line(1, use=S3), line(1, use=EC2)], {}),  # twins
    ],
)
def test_a_line_is_a_keys_or_nobodys(
    keys: list[AccessKey], lines: list[ReportedKey], found: dict[str, LastUse]
) -> None:
    assert reported(keys, Holder("ada", arn("ada"), True, line=row("ada", *lines)), report(of=10)) == found


def test_without_report_or_line_nothing_is_reported() -> None:
    assert reported([K], Holder("ada", arn("ada"), True), report()) == {}
    assert reported([K], Holder("ada", arn("ada"), True, line=row("ada", line(1, use=S3))), None) == {}


def test_the_newest_use_wins_and_one_that_never_was_loses() -> None:
    assert newest([S3, EC2, NEVER, None]) == EC2
    assert newest([NEVER, S3]) == S3
    assert newest([NEVER, None]) == NEVER
    assert newest([None]) is None


def told(holder: Holder, asked: list[AccessKey] | None = None, **uses: LastUse) -> Answers:
    keys = Asked({holder.name: tuple(asked)} if asked is not None else {})
    return Answers(report(of=10), (), (holder,), keys, Asked(dict(uses)))


def test_defect_three_last_used_is_the_newest_of_report_call_and_memory() -> None:
    """The tool this is measured against keeps the oldest."""
    ada = Holder("ada", arn("ada"), True, line=row("ada", line(1, use=S3)), held=(held("K", "ada", used=EC2, of=6),))
    assert known(told(ada)) == {"K": EC2}, "the report is older than what is remembered"
    assert known(told(ada, [K], K=used(9.5))) == {"K": used(9.5)}, "the call is newer"
    newer = Holder("ada", arn("ada"), True, line=row("ada", line(1, use=EC2)), held=(held("K", "ada", used=S3, of=6),))
    assert known(told(newer)) == {"K": EC2}, "the report is newer"
    never = Holder("ada", arn("ada"), True, line=row("ada", line(1)), held=(held("K", "ada", used=S3, of=6),))
    assert known(told(never)) == {"K": S3}, "what was used once stays so"


def test_what_the_report_does_not_tell_is_asked_once() -> None:
    fresh = key("N", "ada", 11)
    ada = Holder("ada", arn("ada"), True, line=row("ada", line(1, use=S3)))
    assert untold(told(ada, [K, fresh])) == ["N"]
    remembered = (held("N", "ada", 11, used=S3, of=10),)
    assert untold(told(Holder("ada", arn("ada"), True, line=row("ada"), held=remembered))) == []
    older = (held("N", "ada", 11, used=S3, of=6),)
    assert untold(told(Holder("ada", arn("ada"), True, line=row("ada"), held=older))) == ["N"], "a newer report"
    denied = (held("N", "ada", 11, of=10),)
    assert untold(told(Holder("ada", arn("ada"), True, line=row("ada"), held=denied))) == ["N"], "never read"
