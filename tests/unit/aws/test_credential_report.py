"""The CSV of a credential report: every row typed, or an error; never a shorter report."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantwire.aws.credentials.report import rows_of
from grantwire.aws.credentials.shapes import LastUse, ReportedKey
from grantwire.aws.errors import INCONSISTENT
from grantwire.contracts.failures import AwsError

WHAT = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
NAMES = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,"
    + ",".join(f"access_key_{n}_{what}" for n in (1, 2) for what in WHAT)
    # Nothing is read from the last columns, so a cut within the last of them changes nothing that is told.
    + ",cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)
NO_CERTIFICATES = "false,N/A,false,N/A"
THEN, WHEN = "2024-01-02T03:04:05+00:00", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
UNSAID = "not_supported,no_information,not_supported,not_supported"
NO_KEY = "false,N/A,N/A,N/A,N/A"
ROOT = f"<root_account>,arn:aws:iam::1:root,{THEN},{UNSAID},TRUE,{NO_KEY},{NO_KEY},{NO_CERTIFICATES}"
USED, OFF = f"true,{THEN},2025-03-04T05:06:07+00:00,eu-west-1,s3", f"false,{THEN},N/A,N/A,N/A"
ANN = (
    f"ann,arn:aws:iam::1:user/ann,{THEN},true,{THEN},2025-01-02T05:04:05+02:00,N/A,false,{USED},{OFF},{NO_CERTIFICATES}"
)
BOB = f"bob,arn:aws:iam::1:user/bob,{THEN},false,N/A,N/A,N/A,true,{NO_KEY},{NO_KEY},{NO_CERTIFICATES}"


def report(*lines: str, names: str = NAMES) -> bytes:
    return "\n".join([names, *lines, ""]).encode()


def test_what_the_report_says_and_does_not_say() -> None:
    root, ann, bob = rows_of(report(ROOT, ANN, BOB))
    assert (root.is_root, root.console_access, root.password_last_used, root.mfa_active) == (True, None, None, True)
    assert (ann.is_root, ann.console_access, ann.password_last_used) == (False, True, WHEN)
    assert ann.password_last_changed == WHEN.replace(year=2025)
    used = LastUse(datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC), "s3", "eu-west-1")
    assert ann.keys == (ReportedKey(True, WHEN, used), ReportedKey(False, WHEN, LastUse(None, None, None)))
    assert (bob.arn, bob.created_at, bob.console_access, bob.keys) == ("arn:aws:iam::1:user/bob", WHEN, False, ())


def test_a_key_that_is_off_is_a_key_even_if_only_its_use_is_dated() -> None:
    [_, ann] = rows_of(report(ROOT, ANN.replace(OFF, f"false,N/A,{THEN},us-east-1,sts")))
    assert ann.keys[1] == ReportedKey(False, None, LastUse(WHEN, "sts", "us-east-1"))


def test_columns_that_aws_adds_are_left_alone() -> None:
    added = report(ROOT + ",x", ANN + ",y", names=NAMES + ",passkeys_active")
    assert rows_of(added) == rows_of(report(ROOT, ANN))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no column user"),
        (report(ROOT, names=NAMES.replace("mfa_active", "mfa")), "no column mfa_active"),
        (report(), "one root user"),
        (report(ANN), "one root user"),
        (report(ROOT, ROOT.replace("root,", "x,")), "one root user"),
        (report(ROOT, ANN, ANN), "a user twice"),
        (report(ROOT, ANN[:-30]), "not as many fields"),
        (report(ROOT, ANN + ",more"), "not as many fields"),
        (report(ROOT, ANN.replace(",true,", ",perhaps,", 1)), "'perhaps' as its password_enabled"),
        (report(ROOT, ANN.replace(THEN, "yesterday", 1)), "'yesterday' as its user_creation_time"),
        (report(ROOT, ANN.replace(THEN, "N/A", 1)), "no user_creation_time"),
        (report(ROOT, ANN.replace("arn:aws:iam::1:user/ann", "N/A")), "no arn"),
        (report(ROOT, "\xff").decode().encode("latin-1"), "cannot be read as CSV"),
        (report(ROOT, 'ann,"arn'), "cannot be read as CSV"),
    ],
)
def test_what_is_cut_or_odd_is_an_error(content: bytes, why: str) -> None:
    with pytest.raises(AwsError, match=why) as caught:
        rows_of(content)
    assert caught.value.code == INCONSISTENT


@given(st.integers(0, len(report(ROOT, ANN, BOB)) - 1))
def test_a_report_that_is_cut_anywhere_within_a_line_is_refused(length: int) -> None:
    whole = report(ROOT, ANN, BOB)
    cut = whole[:length]
    if whole[length : length + 1] == b"\n" or cut.endswith(b"\n"):
        return  # between two lines nothing tells: what the users are is for other calls to say
    try:
        found = rows_of(cut)
    except AwsError:
        return
    assert found == rows_of(whole)[: len(found)], "a cut line was believed"
