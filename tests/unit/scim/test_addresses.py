"""Where a connection may go: only to public addresses, and never to the metadata service."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantwire.scim.addresses import refusal

NEVER = [
    ("169.254.169.254", "metadata"),
    ("169.254.170.2", "metadata"),
    ("fd00:ec2::254", "metadata"),
    ("169.254.1.1", "link-local"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("224.0.0.1", "multicast"),
    ("ff02::1", "multicast"),
    ("0.0.0.0", "unspecified"),
    ("::", "unspecified"),
    ("255.255.255.255", "broadcast"),
    ("::ffff:169.254.169.254", "IPv4 address in the form of an IPv6 one"),
    ("::ffff:8.8.8.8", "IPv4 address in the form of an IPv6 one"),
    ("::127.0.0.1", "IPv4 address in the form of an IPv6 one"),
    ("2002:7f00:1::", "IPv4 address in the form of an IPv6 one"),
    ("2001:0:7f00:1::", "IPv4 address in the form of an IPv6 one"),
    ("64:ff9b::169.254.169.254", "metadata"),
    ("metadata.internal", "is not an address"),
    ("", "is not an address"),
]
NOT_PUBLIC = [
    ("127.0.0.1", "loopback"),
    ("127.8.8.8", "loopback"),
    ("::1", "loopback"),
    ("10.0.0.1", "private"),
    ("172.16.0.1", "private"),
    ("192.168.1.1", "private"),
    ("fc00::1", "private"),
    ("0.1.2.3", "private or reserved"),
    ("240.0.0.1", "private or reserved"),
    ("198.18.0.1", "private or reserved"),
    ("100.64.0.1", "carriers"),
    ("100.127.255.254", "carriers"),
    ("64:ff9b::10.0.0.1", "private"),
    ("64:ff9b:1::1", "not a public IPv6|private"),
    ("fec0::1", "not a public IPv6|private"),
    ("100::1", "private"),
    ("4000::1", "not a public IPv6|private"),
]


@pytest.mark.parametrize(("address", "why"), NEVER)
@pytest.mark.parametrize("explicit", [True, False])
def test_some_addresses_are_never_connected_to(address: str, why: str, explicit: bool) -> None:
    assert why in (refusal(address, explicit=explicit, plain=False) or "")


@pytest.mark.parametrize(("address", "why"), NOT_PUBLIC)
def test_addresses_inside_are_for_allowed_origins_alone(address: str, why: str) -> None:
    found = refusal(address, explicit=False, plain=False) or ""
    assert any(word in found for word in why.split("|"))
    assert refusal(address, explicit=True, plain=False) is None


@pytest.mark.parametrize("address", ["8.8.8.8", "52.94.1.1", "2600:1f18::1", "64:ff9b::8.8.8.8"])
def test_public_addresses_pass(address: str) -> None:
    assert refusal(address, explicit=False, plain=False) is None


@pytest.mark.parametrize(
    ("address", "passes"), [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("8.8.8.8", False)]
)
def test_without_tls_only_this_machine_is_connected_to(address: str, passes: bool) -> None:
    assert (refusal(address, explicit=True, plain=True) is None) is passes


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str))
def test_what_passes_is_public_by_the_standard_library_too(address: str) -> None:
    if refusal(address, explicit=False, plain=False) is None:
        found = ip_address(address)
        assert found.is_global
        assert not (found.is_private or found.is_loopback or found.is_link_local or found.is_multicast)
