"""Which SCIM endpoints may be asked at all, by their text alone. Pure; what the name leads to is for ``addresses``.

An endpoint is settings, and settings may come from somebody who wants the token or a look inside this network. It is
taken apart here, by one strict grammar, and whoever connects uses these parts and never the text.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from grantwire.contracts.failures import Invalid
from grantwire.scim.numeric import canonical_address, is_numeric

Partition = Literal["aws", "aws-cn", "aws-us-gov"]
FIELD: Final = "scim_endpoint"
ALLOWED_FIELD: Final = "scim_allowed_origins"
_LONGEST: Final = 2_048
_PORTS: Final = {"https": 443, "http": 80}
_NEXT: Final = (
    "next: copy the SCIM endpoint from IAM Identity Center, Settings, Automatic provisioning; one looks like "
    "https://scim.us-east-1.amazonaws.com/11111111-2222-3333-4444-555555555555/scim/v2/."
)
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SCIM_HOST: Final = re.compile(r"scim\.([a-z]{2}(?:-[a-z]+)+-[0-9]{1,2})\.(amazonaws\.com(?:\.cn)?)")
_SCIM_PATH: Final = re.compile(r"/[A-Za-z0-9-]{1,128}/scim/v2/?")
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port. The host is lower-case; an IPv6 address stands in it without brackets."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that passed. ``explicit``: its origin is allowed by configuration, not by being AWS's."""

    origin: Origin
    path: str
    explicit: bool

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"{self.origin}{self.path}"


def endpoint(text: str, partition: Partition, allowed: Collection[Origin] = ()) -> Endpoint:
    """AWS's SCIM endpoint of the partition, or one whose origin is ``allowed``. Raises ``Invalid``."""
    origin, path = _apart(text, FIELD)
    if origin in allowed:
        _check_path(path, _PATH)
        return Endpoint(origin, path.rstrip("/"), explicit=True)
    _check_aws(origin, partition)
    _check_path(path, _SCIM_PATH)
    return Endpoint(origin, path.rstrip("/"), explicit=False)


def allowed_origin(text: str) -> Origin:
    """An entry of the allowance, as ``https://scim.example.internal:8443``. Plain http is for this machine alone.

    Raises ``Invalid``.
    """
    origin, path = _apart(text, ALLOWED_FIELD)
    if path not in ("", "/"):
        raise Invalid(
            f"The allowed SCIM origin {origin} has a path; next: give scheme, host and port alone.", ALLOWED_FIELD
        )
    address = canonical_address(origin.host)
    if origin.scheme == "http" and origin.host != "localhost" and not (address and address.is_loopback):
        raise Invalid(
            f"The allowed SCIM origin {origin} is plain http to another machine, where the token could be read on the "
            "way; next: use https, or a loopback address.",
            ALLOWED_FIELD,
        )
    return origin


def allowed_origins(text: str) -> frozenset[Origin]:
    """Several entries, parted by commas or blanks. Raises ``Invalid``."""
    return frozenset(map(allowed_origin, text.replace(",", " ").split()))


def _apart(text: str, field: str) -> tuple[Origin, str]:
    _check_characters(text, field)
    found = _URL.fullmatch(text)
    if found is None:
        raise _no("is not a URL with a scheme and a host", field)
    scheme, authority, path, query, fragment = found.groups()
    if scheme.lower() not in _PORTS:
        raise _no(f"has the scheme {scheme[:20]}, and only https is spoken", field)
    if "@" in authority:
        raise _no("has a user name or password before its host; what follows the @ is where it really leads", field)
    if fragment is not None:
        raise _no("has a fragment (#…)", field)
    if query is not None:
        raise _no("has a query (?…)", field)
    return _origin(scheme.lower(), authority, field), path


def _check_characters(text: str, field: str) -> None:
    if not text:
        raise _no("is empty", field)
    if len(text) > _LONGEST:
        raise _no(f"has more than {_LONGEST:,} characters", field)
    for place, character in enumerate(text):
        if ord(character) <= 0x20 or 0x7F <= ord(character) <= 0xA0:
            raise _no(
                f"contains a line break, a space or a control character (U+{ord(character):04X} at {place})", field
            )
        if ord(character) > 0x7F:
            raise _no(
                f"contains the character U+{ord(character):04X} at {place}, not ASCII, which may look like another",
                field,
            )
    if "\\" in text:
        raise _no("contains a backslash, which programs read differently", field)


def _origin(scheme: str, authority: str, field: str) -> Origin:
    host, port = _host_and_port(authority.lower(), field)
    if not port:
        return Origin(scheme, _proper_host(host, field), _PORTS[scheme])
    number = port[1:]
    if not re.fullmatch("[1-9][0-9]{0,4}", number) or int(number) > 65_535:
        raise _no("has a port that is not a number from 1 to 65535", field)
    return Origin(scheme, _proper_host(host, field), int(number))


def _host_and_port(authority: str, field: str) -> tuple[str, str]:
    if authority.startswith("["):
        found = re.fullmatch(r"\[([0-9a-f:.]+)\](:.*)?", authority)
        if found is None:
            raise _no("has brackets that hold no IPv6 address", field)
        return found[1], found[2] or ""
    host, colon, port = authority.partition(":")
    return host, colon + port


def _proper_host(host: str, field: str) -> str:
    """Names and canonical addresses. Whether an address is allowed is another question."""
    if not host:
        raise _no("has no host", field)
    if canonical_address(host):
        return host
    if is_numeric(host):
        raise _no(
            f"names an IP address in a decimal, hexadecimal, octal or shortened form ({host[:60]}), which "
            "hides where it leads",
            field,
        )
    if host.endswith("."):
        raise _no("has a host that ends in a dot, which evades the comparison of names", field)
    labels = host.split(".")
    if any(label.startswith("xn--") for label in labels):
        raise _no(f"has an internationalized host name ({host[:60]}), which may look like another", field)
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise _no("has a host that is not a proper DNS name", field)
    return host


def _check_aws(origin: Origin, partition: Partition) -> None:
    if canonical_address(origin.host):
        raise _no(f"names the IP address {origin.host} instead of a host of AWS")
    if origin.scheme != "https":
        raise _no("is plain http, where the token could be read on the way")
    found = partition_of(origin.host)
    if found is None:
        raise _no(f"leads to {origin.host[:100]}, which is not a SCIM host of AWS")
    if found != partition:
        raise _no(f"is of the partition {found}, but the connector is of {partition}")
    if origin.port != 443:
        raise _no(f"has the port {origin.port}; AWS's SCIM endpoint has 443")


def partition_of(host: str) -> Partition | None:
    """The partition whose SCIM host it is; None for any other host."""
    found = _SCIM_HOST.fullmatch(host)
    if found is None:
        return None
    region, domain = found.groups()
    if region.startswith("cn-") != domain.endswith(".cn"):
        return None
    if region.startswith("cn-"):
        return "aws-cn"
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    return None if "-iso" in region else "aws"


def _check_path(path: str, form: re.Pattern[str]) -> None:
    if "%" in path:
        raise _no("has an escaped character (%…) in its path")
    if any(part in (".", "..") for part in path.split("/")):
        raise _no("has . or .. in its path")
    if not form.fullmatch(path):
        raise _no("has a path other than /TENANT/scim/v2/" if form is _SCIM_PATH else "has a path with odd characters")


def _no(why: str, field: str = FIELD) -> Invalid:
    if field == ALLOWED_FIELD:
        return Invalid(f"The allowed SCIM origin {why}; next: give it as https://HOST or https://HOST:PORT.", field)
    return Invalid(f"The SCIM endpoint {why}; {_NEXT}", field)
