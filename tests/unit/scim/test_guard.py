"""Which endpoints may be asked: everything that hides where it leads is refused, each with its own sentence."""

import httpx
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from grantwire.contracts.failures import Invalid
from grantwire.scim.guard import Endpoint, Origin, Partition, allowed_origin, allowed_origins, endpoint, partition_of

TENANT = "/11111111-2222-3333-4444-555555555555/scim/v2"
AWS = f"https://scim.us-east-1.amazonaws.com{TENANT}"
HOST = "scim.us-east-1.amazonaws.com"

REFUSED = [
    ("nothing", "", "is empty"),
    ("too long", AWS + "/" * 3_000, "has more than 2,048 characters"),
    ("no scheme", f"{HOST}{TENANT}", "is not a URL with a scheme and a host"),
    ("plain http", f"http://{HOST}{TENANT}", "is plain http"),
    ("another scheme", f"gopher://{HOST}{TENANT}", "has the scheme gopher"),
    ("a file", "file:///etc/passwd", "has the scheme file"),
    ("a user name", f"https://{HOST}@evil.example{TENANT}", "has a user name or password before its host"),
    ("a password", f"https://user:pass@{HOST}{TENANT}", "has a user name or password before its host"),
    ("a fragment", f"{AWS}#@evil.example", "has a fragment"),
    ("a fragment in the host", f"https://evil.example#.{HOST}{TENANT}", "has a fragment"),
    ("a query", f"{AWS}?x=1", "has a query"),
    ("a backslash", f"https://evil.example\\.{HOST}{TENANT}", "contains a backslash"),
    ("CRLF", f"{AWS}\r\nX-Injected: 1", r"contains a line break, a space or a control character \(U\+000D"),
    ("CRLF in the host", f"https://{HOST}\r\n{TENANT}", r"control character \(U\+000D"),
    ("a line feed at the end", f"{AWS}\n", r"control character \(U\+000A"),
    ("a tab", f"https://scim.us-east-1\t.amazonaws.com{TENANT}", r"control character \(U\+0009"),
    ("NUL", f"{AWS}\x00", r"control character \(U\+0000"),
    ("DEL", f"{AWS}\x7f", r"control character \(U\+007F"),
    ("a C1 control", f"{AWS}\x85", r"control character \(U\+0085"),
    ("a leading space", f" {AWS}", r"control character \(U\+0020 at 0"),
    ("escaped CRLF", f"https://{HOST}/x%0d%0aHost:evil/scim/v2", "has an escaped character"),
    ("a Cyrillic letter", f"https://\u0455cim.us-east-1.amazonaws.com{TENANT}", r"U\+0455 at 8, not ASCII"),
    ("a full-width dot", f"https://scim.us-east-1.amazonaws\uff0ecom{TENANT}", r"U\+FF0E"),
    ("a line separator", f"{AWS}\u2028", r"U\+2028"),
    ("punycode", f"https://xn--cim-qed.us-east-1.amazonaws.com{TENANT}", "has an internationalized host name"),
    ("no host", f"https://{TENANT}", "has no host"),
    ("a port alone", f"https://:443{TENANT}", "has no host"),
    ("an odd port", f"https://{HOST}:8443{TENANT}", "has the port 8443; AWS's SCIM endpoint has 443"),
    ("port 22", f"https://{HOST}:22{TENANT}", "has the port 22"),
    ("port zero", f"https://{HOST}:0{TENANT}", "has a port that is not a number from 1 to 65535"),
    ("a huge port", f"https://{HOST}:65536{TENANT}", "has a port that is not a number"),
    ("an empty port", f"https://{HOST}:{TENANT}", "has a port that is not a number"),
    ("two ports", f"https://{HOST}:443:80{TENANT}", "has a port that is not a number"),
    ("a word for a port", f"https://{HOST}:https{TENANT}", "has a port that is not a number"),
    ("the metadata service", f"https://169.254.169.254{TENANT}", "names the IP address 169.254.169.254 instead"),
    ("the loopback", f"https://127.0.0.1{TENANT}", "names the IP address 127.0.0.1"),
    ("a public address", f"https://8.8.8.8{TENANT}", "names the IP address 8.8.8.8"),
    ("a decimal address", f"https://2852039166{TENANT}", "decimal, hexadecimal, octal or shortened form"),
    ("a hexadecimal address", f"https://0xA9FEA9FE{TENANT}", "decimal, hexadecimal, octal or shortened form"),
    ("hexadecimal parts", f"https://0xa9.0xfe.0xa9.0xfe{TENANT}", "decimal, hexadecimal, octal or shortened"),
    ("an octal address", f"https://0251.0376.0251.0376{TENANT}", "decimal, hexadecimal, octal or shortened"),
    ("a short address", f"https://127.1{TENANT}", "decimal, hexadecimal, octal or shortened form"),
    ("an address and a dot", f"https://127.0.0.1.{TENANT}", "decimal, hexadecimal, octal or shortened form"),
    ("IPv6", f"https://[::1]{TENANT}", "names the IP address ::1"),
    ("IPv6 written out", f"https://[0:0:0:0:0:0:0:1]{TENANT}", "decimal, hexadecimal, octal or shortened"),
    ("IPv4 in IPv6", f"https://[::ffff:169.254.169.254]{TENANT}", "IP address"),
    ("a zone", f"https://[fe80::1%25eth0]{TENANT}", "has brackets that hold no IPv6 address"),
    ("open brackets", f"https://[::1{TENANT}", "has brackets that hold no IPv6 address"),
    ("a trailing dot", f"https://{HOST}.{TENANT}", "has a host that ends in a dot"),
    ("an empty label", f"https://scim..amazonaws.com{TENANT}", "is not a proper DNS name"),
    ("an escaped host", f"https://scim%2eus-east-1.amazonaws.com{TENANT}", "is not a proper DNS name"),
    ("another host", f"https://evil.example{TENANT}", "leads to evil.example, which is not a SCIM host of AWS"),
    ("AWS in front", f"https://{HOST}.evil.example{TENANT}", "is not a SCIM host of AWS"),
    ("AWS behind", f"https://evil-{HOST}{TENANT}", "is not a SCIM host of AWS"),
    ("another service", f"https://sts.us-east-1.amazonaws.com{TENANT}", "is not a SCIM host of AWS"),
    ("a deeper name", f"https://a.scim.us-east-1.amazonaws.com{TENANT}", "is not a SCIM host of AWS"),
    ("no region", f"https://scim.amazonaws.com{TENANT}", "is not a SCIM host of AWS"),
    ("localhost", f"https://localhost{TENANT}", "leads to localhost"),
    ("China", f"https://scim.cn-north-1.amazonaws.com.cn{TENANT}", "is of the partition aws-cn, but the connector"),
    ("GovCloud", f"https://scim.us-gov-west-1.amazonaws.com{TENANT}", "is of the partition aws-us-gov"),
    ("China's domain, a region elsewhere", f"https://scim.us-east-1.amazonaws.com.cn{TENANT}", "is not a SCIM host"),
    ("a region in China, the other domain", f"https://scim.cn-north-1.amazonaws.com{TENANT}", "is not a SCIM host"),
    ("no path", f"https://{HOST}", "has a path other than /TENANT/scim/v2/"),
    ("another path", f"https://{HOST}/x/scim/v2/Users", "has a path other than /TENANT/scim/v2/"),
    ("a way up", f"https://{HOST}/x/../scim/v2", r"has \. or \.\. in its path"),
    ("two slashes", f"https://{HOST}//scim/v2", "has a path other than"),
]


@pytest.mark.parametrize(("text", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_hides_where_it_leads_is_refused_and_told_why(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why) as caught:
        endpoint(text, "aws")
    assert caught.value.field == "scim_endpoint"
    assert "next: copy the SCIM endpoint" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "scim.us-east-1.amazonaws.com"),
        ("aws", "scim.ap-southeast-5.amazonaws.com"),
        ("aws-cn", "scim.cn-northwest-1.amazonaws.com.cn"),
        ("aws-us-gov", "scim.us-gov-east-1.amazonaws.com"),
    ],
)
def test_an_endpoint_of_the_partition_passes(partition: Partition, host: str) -> None:
    found = endpoint(f"https://{host}{TENANT}/", partition)
    assert found == Endpoint(Origin("https", host, 443), TENANT, explicit=False)
    assert found.url == f"https://{host}{TENANT}"


def test_letters_in_the_host_and_the_proper_port_make_no_difference() -> None:
    assert endpoint(f"HTTPS://SCIM.us-east-1.AmazonAWS.com:443{TENANT}", "aws") == endpoint(AWS, "aws")


def test_regions_of_isolated_partitions_are_nobody_s() -> None:
    assert partition_of("scim.us-iso-east-1.amazonaws.com") is None


def test_a_secret_before_the_host_is_not_repeated() -> None:
    with pytest.raises(Invalid) as caught:
        endpoint(f"https://user:hunter2hunter2@{HOST}{TENANT}", "aws")
    assert "hunter2" not in str(caught.value)


def test_an_allowed_origin_passes_by_scheme_host_and_port_together() -> None:
    allowed = {allowed_origin("https://scim.example.internal:8443"), allowed_origin("http://127.0.0.1:9000")}
    assert endpoint("https://scim.example.internal:8443/any/v2/", "aws", allowed).explicit
    assert endpoint("http://127.0.0.1:9000/t/scim/v2", "aws-cn", allowed).url == "http://127.0.0.1:9000/t/scim/v2"
    for near in ("https://scim.example.internal/v2", "https://127.0.0.1:9000/v2", "http://127.0.0.1:9001/v2"):
        with pytest.raises(Invalid):
            endpoint(near, "aws", allowed)


@pytest.mark.parametrize("text", ["http://2130706433:9000/v2", "http://127.1:9000/v2", "http://0x7f000001:9000/v2"])
def test_an_allowed_address_is_allowed_in_its_own_form_alone(text: str) -> None:
    with pytest.raises(Invalid, match="decimal, hexadecimal, octal or shortened form"):
        endpoint(text, "aws", {allowed_origin("http://127.0.0.1:9000")})


def test_an_allowed_origin_does_not_allow_odd_paths() -> None:
    allowed = {allowed_origin("https://scim.example.internal")}
    for path in ("/a/../b", "/a%2fb", "//a", "/a;b"):
        with pytest.raises(Invalid, match="path"):
            endpoint(f"https://scim.example.internal{path}", "aws", allowed)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://10.0.0.1:8000", "plain http to another machine"),
        ("http://scim.example.internal", "plain http to another machine"),
        ("https://scim.example.internal/scim", "has a path"),
        ("https://user@scim.example.internal", "user name"),
        ("https://scim.example.internal.", "ends in a dot"),
        ("scim.example.internal", "is not a URL"),
    ],
)
def test_what_cannot_be_allowed_is_refused(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why) as caught:
        allowed_origin(text)
    assert caught.value.field == "scim_allowed_origins"


@pytest.mark.parametrize("text", ["http://localhost:9000", "http://[::1]:9000", "http://127.0.0.2"])
def test_plain_http_may_be_allowed_on_this_machine(text: str) -> None:
    assert str(allowed_origin(text)) == text


PIECES = st.sampled_from(
    [
        *"@:/\\#?%.[]0aZ-\t \u3002\u2100",
        "443",
        ":443",
        "\r\n",
        "evil.example",
        "127.0.0.1",
        "xn--",
        "/..",
        "user@",
        "CN",
    ]
)
REGIONS = st.sampled_from(
    ["us-east-1", "eu-central-2", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "x", "US-WEST-2"]
)


@given(REGIONS, st.sampled_from(["https", "HTTPS", "http"]), st.integers(0, 90), st.lists(PIECES, max_size=2))
def test_whatever_passes_leads_to_aws_for_httpx_too(region: str, scheme: str, at: int, pieces: list[str]) -> None:
    text = f"{scheme}://scim.{region}.amazonaws.com{TENANT}/"
    text = text[:at] + "".join(pieces) + text[at:]
    try:
        found = endpoint(text, "aws")
    except Invalid:
        event("refused")
        return
    event("passed")
    url = httpx.URL(f"{found.url}/Users")
    assert (url.scheme, url.port, url.userinfo, url.query) == ("https", None, b"", b"")
    assert url.host == found.origin.host
    assert partition_of(url.host) == "aws"
    assert url.raw_path.endswith(b"/scim/v2/Users")


def test_several_origins_are_parted_by_commas_or_blanks() -> None:
    found = allowed_origins("https://a.example, http://127.0.0.1:9000\thttps://a.example")
    assert found == {allowed_origin("https://a.example"), allowed_origin("http://127.0.0.1:9000")}
    assert allowed_origins("") == allowed_origins(" ,") == frozenset()
    with pytest.raises(Invalid, match="plain http to another machine"):
        allowed_origins("https://a.example,http://10.0.0.1")
