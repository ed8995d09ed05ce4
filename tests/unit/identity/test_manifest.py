"""Nobody is forgotten: every service has an identity, every durable consumer one owner, every subject a stream."""

import pytest

from grantwire.bus import BusSettings
from grantwire.cli.catalog import SERVICES as STARTED
from grantwire.cli.catalog import load
from grantwire.contracts.streams import CONSUMERS, Consumer
from grantwire.identity import ADMIN, IDENTITIES, RELOADER, SERVICES


def test_every_service_that_can_be_started_has_an_identity() -> None:
    assert STARTED.keys() <= {each.name for each in SERVICES}


@pytest.mark.parametrize("name", STARTED)
def test_every_service_can_be_told_its_key(name: str) -> None:
    assert issubclass(load(name).Settings, BusSettings)


def test_no_two_have_the_same_name_or_an_inbox_in_common() -> None:
    everybody = (*IDENTITIES, RELOADER)
    assert len({each.name for each in everybody}) == len(everybody)
    inboxes = [subject for each in everybody for subject in each.subscribe if subject.startswith("_INBOX.")]
    assert sorted(inboxes) == sorted(f"_INBOX.{each.name}.>" for each in everybody)


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda each: each.name)
def test_a_durable_consumer_is_read_by_the_service_in_its_name_alone(consumer: Consumer) -> None:
    fetch = f"$JS.API.CONSUMER.MSG.NEXT.{consumer.stream}.{consumer.name}"
    (owner,) = (each.name for each in SERVICES if fetch in each.publish)
    assert consumer.name.startswith(f"{owner}-")


def test_only_the_admin_has_more_of_the_api_than_it_names() -> None:
    wide = [
        each.name
        for each in IDENTITIES
        for subject in each.publish
        if subject.startswith("$JS.API.") and ">" in subject
    ]
    assert wide == [ADMIN.name]
