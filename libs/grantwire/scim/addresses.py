"""Which addresses a SCIM connection may go to. Pure.

A name that passed the guard may still lead inside: by a rebinding DNS server, a poisoned cache, a search domain.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from grantwire.scim.numeric import Address

_METADATA: Final = frozenset(
    map(ip_address, ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"))
)
_SHARED: Final = ip_network("100.64.0.0/10")
_BROADCAST: Final = ip_address("255.255.255.255")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")


def refusal(address: str, *, explicit: bool, plain: bool) -> str | None:
    """Why no connection may go there, in words, or None.

    ``explicit``: the endpoint's origin is allowed by configuration, so that private addresses may answer to it; the
    metadata service never may. ``plain``: without TLS, so that only this machine may.
    """
    try:
        parsed = _meant(ip_address(address))
    except ValueError:
        return "is not an address"
    if why := _never(parsed) or (None if explicit else _not_public(parsed)):
        return why
    return "is not on this machine, and without TLS only that is allowed" if plain and not parsed.is_loopback else None


def _meant(address: Address) -> Address:
    """NAT64 is how a network without IPv4 reaches AWS: such an address is as good as the one it stands for."""
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else address


def _never(address: Address) -> str | None:
    if address in _METADATA:
        return "is the metadata or credential service of a cloud machine"
    if address.is_unspecified:
        return "is the unspecified address, which means this machine"
    if isinstance(address, IPv6Address) and _disguised(address):
        return "is an IPv4 address in the form of an IPv6 one"
    if address.is_link_local:
        return "is link-local"
    if address.is_multicast:
        return "is multicast"
    return "is the broadcast address" if address == _BROADCAST else None


def _disguised(address: IPv6Address) -> bool:
    """Mapped, 6to4, Teredo and the old compatible form: no name of AWS has such an address."""
    compatible = address in _COMPATIBLE and not address.is_loopback
    return compatible or bool(address.ipv4_mapped or address.sixtofour or address.teredo)


def _not_public(address: Address) -> str | None:
    if address.is_loopback:
        return "is this machine itself (loopback)"
    if address in _SHARED:
        return "is of the space that carriers share (100.64.0.0/10)"
    if address.is_private:
        return "is of a private or reserved network"
    if isinstance(address, IPv6Address):
        return None if address in _GLOBAL_UNICAST else "is not a public IPv6 address"
    return None if address.is_global and not address.is_reserved else "is not public"
