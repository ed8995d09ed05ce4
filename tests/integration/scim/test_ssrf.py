"""Where connections really go, whatever a resolver, an answer or the environment says."""

import socket

import pytest

from grantwire.contracts.failures import AwsCause, ScimError
from grantwire.scim import Bearer, ScimReader, ScimSettings, endpoint, system_resolve
from tests.integration.scim.answers import LIST, by_cursor, in_turn, row, saying, whole
from tests.integration.scim.reading import QUICK, TENANT, TOKEN, Names, allowed, read, reader
from tests.integration.scim.server import serving

HOST = "scim.us-east-1.amazonaws.com"
HERE = "127.0.0.1"


async def refused(url: str, names: Names, *, explicit: bool = False) -> ScimError:
    made = allowed(url) if explicit else endpoint(f"{url}{TENANT}", "aws")
    async with ScimReader(made, Bearer(TOKEN), ScimSettings(**QUICK), resolve=names) as opened:
        with pytest.raises(ScimError) as caught:
            await opened.users()
    assert (caught.value.cause, caught.value.code) == (AwsCause.FINAL, "EndpointForbidden")
    assert "; next: see who answers for this name in DNS" in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("addresses", "why"),
    [
        (["169.254.169.254"], f"{HOST} leads to 169.254.169.254, which is the metadata or credential service"),
        (["127.0.0.1"], "which is this machine itself"),
        (["::1"], "which is this machine itself"),
        (["10.1.2.3"], "which is of a private or reserved network"),
        (["100.64.0.9"], "which is of the space that carriers share"),
        (["::ffff:127.0.0.1"], "which is an IPv4 address in the form of an IPv6 one"),
        (["fe80::1%lo"], "which is link-local"),
        (["52.94.1.1", "10.1.2.3"], "leads to 10.1.2.3"),
        (["evil.example"], "which is not an address"),
    ],
)
async def test_a_name_of_aws_that_leads_inside_is_refused(addresses: list[str], why: str) -> None:
    names = Names(addresses)
    assert why in str(await refused(f"https://{HOST}", names))
    assert names.asked == [(HOST, 443)], "what is refused is not asked for again"


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "::", "224.0.0.1"])
async def test_an_allowed_name_does_not_lead_to_the_metadata_service(address: str) -> None:
    async with serving(by_cursor(3)) as server:
        names = Names([HERE, address])
        await refused(f"https://scim.example.internal:{server.port}", names, explicit=True)
        assert server.connections == 0


async def test_plain_http_leads_to_this_machine_alone() -> None:
    error = await refused("http://localhost:9000", Names(["192.168.1.1"]), explicit=True)
    assert "without TLS only that is allowed" in str(error)


async def test_a_name_that_changes_its_mind_is_not_asked_twice() -> None:
    """Rebinding: checked as this machine (allowed), then the metadata service, connections made anew for each page."""
    pages = [
        LIST | {"itemsPerPage": 1, "nextCursor": "b", "Resources": [row(1)]},
        LIST | {"itemsPerPage": 1, "nextCursor": "c", "Resources": [row(2)]},
        LIST | {"itemsPerPage": 1, "Resources": [row(3)]},
    ]
    answers = [saying(whole(page, Connection="close"), close=True) for page in pages]
    names = Names([HERE], ["169.254.169.254"])
    async with serving(in_turn(*answers)) as server:
        listing = await read(server, host="localhost", names=names)
        assert (server.connections, len(listing.users), listing.whole) == (3, 3, True)
    assert len(names.asked) == 1


async def test_the_host_header_keeps_the_name() -> None:
    async with serving(by_cursor(3)) as server:
        await read(server, host="localhost", names=Names([HERE]))
    assert server.asked[0].headers["host"] == f"localhost:{server.port}"


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async with serving(by_cursor(3)) as server:
        listing = await read(server, host="localhost", names=Names(["127.0.0.9", "::1", HERE]))
    assert listing.whole


async def test_a_name_without_an_answer_is_asked_for_again() -> None:
    names = Names(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), [], [HERE])
    async with serving(by_cursor(3)) as server:
        assert (await read(server, host="localhost", names=names)).whole
    assert len(names.asked) == 3


async def test_a_name_that_does_not_exist_is_said_to_be_unresolved() -> None:
    names = Names(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    async with ScimReader(
        endpoint(f"https://{HOST}{TENANT}", "aws"), Bearer(TOKEN), ScimSettings(**QUICK), resolve=names
    ) as opened:
        with pytest.raises(ScimError, match=f"The name {HOST} of the SCIM endpoint could not be resolved") as caught:
            await opened.users()
    assert (caught.value.cause, len(names.asked)) == (AwsCause.TRANSIENT, 3)


async def test_this_machine_s_resolver_is_asked_when_no_other_is_given() -> None:
    assert HERE in await system_resolve("localhost", 80)
    async with serving(by_cursor(3)) as server:
        assert (await read(server, host="localhost")).whole


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with serving(by_cursor(3)) as elsewhere:
        redirect = saying(whole("", status=status, Location=f"{elsewhere.url}{TENANT}/Users"))
        async with serving(redirect) as server:
            with pytest.raises(ScimError, match=rf"redirect \(HTTP {status}\), which is not followed") as caught:
                await read(server)
            assert len(server.asked) == 1
        assert elsewhere.connections == 0
    assert (caught.value.cause, caught.value.code) == (AwsCause.FINAL, "Redirected")


async def test_the_environment_s_proxies_and_credentials_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(by_cursor(3)) as proxy, serving(by_cursor(3)) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert (await read(server)).whole
        assert (proxy.connections, server.connections) == (0, 1)


async def test_a_connection_to_anything_but_the_endpoint_is_not_made() -> None:
    """The last wall: even a request that should not exist does not leave."""
    async with serving(by_cursor(3)) as elsewhere, serving(by_cursor(3)) as server, reader(server) as opened:
        with pytest.raises(Exception, match=r"which is not http://127\.0\.0\.1"):
            await opened._http.get(f"{elsewhere.url}/Users")
        assert elsewhere.connections == 0
