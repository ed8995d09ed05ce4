"""IP addresses written as hosts, in the forms that some program or other takes for one. Pure."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

# The last label decides: no top-level domain is a number, and inet_aton reads 127.1, 0x7f.1 and 2130706433.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def canonical_address(host: str) -> Address | None:
    """The address that the text names in its one canonical form, else None."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return address if str(address) == host else None


def is_numeric(host: str) -> bool:
    """Whether anything may read the host as an IP address, in whichever notation."""
    return ":" in host or bool(_NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]))
