"""TLS to the pinned address asks for the name, trusts what it is told to, and sends the token to nobody else."""

from pathlib import Path

import pytest

from grantwire.contracts.failures import AwsCause, ScimError
from tests.integration.scim.answers import by_cursor
from tests.integration.scim.certificates import Certificate, certify, needs_openssl
from tests.integration.scim.reading import Names, read
from tests.integration.scim.server import serving

pytestmark = needs_openssl
HOST = "scim.example.internal"
HERE = ["127.0.0.1"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certify(tmp_path_factory.mktemp("certificates"), HOST)


async def test_the_name_is_asked_for_and_the_address_is_pinned(certificate: Certificate) -> None:
    async with serving(by_cursor(150), certificate.context()) as server:
        names = Names(HERE, ["169.254.169.254"])
        listing = await read(server, host=HOST, names=names, ca_bundle=str(certificate.file))
        assert (len(listing.users), listing.whole) == (150, True)
        assert server.names == [HOST]
        assert {asked.headers["host"] for asked in server.asked} == {f"{HOST}:{server.port}"}
        assert names.asked == [(HOST, server.port)]


async def test_a_certificate_of_another_name_is_refused_before_the_token_is_sent(tmp_path: Path) -> None:
    other = certify(tmp_path, "evil.example")
    async with serving(by_cursor(3), other.context()) as server:
        with pytest.raises(ScimError, match=r"is not trusted .*so the token was not sent") as caught:
            await read(server, host=HOST, names=Names(HERE), ca_bundle=str(other.file))
        assert (server.asked, server.names) == ([], [HOST])
    assert (caught.value.cause, caught.value.code) == (AwsCause.FINAL, "CertificateRefused")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
async def test_the_environment_s_certificates_are_not_trusted(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificate.file))
    async with serving(by_cursor(3), certificate.context()) as server:
        with pytest.raises(ScimError, match="is not trusted"):
            await read(server, host=HOST, names=Names(HERE))
        assert server.asked == []


async def test_plain_http_behind_an_https_endpoint_gets_no_token() -> None:
    async with serving(by_cursor(3)) as server:
        server.scheme = "https"
        with pytest.raises(ScimError, match="did not answer to the end in time") as caught:
            await read(server, host=HOST, names=Names(HERE), attempts=1, connect_timeout=0.3)
        assert server.asked == []
    assert caught.value.cause is AwsCause.TRANSIENT
