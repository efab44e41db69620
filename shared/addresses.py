"""Addresses supplied by strangers: which may be connected to, and how to display one without its password.

No I/O. `shared/checked_network.py` applies the rules to what a name resolves to, when the connection is opened.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

from shared.errors import Misconfigured

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HIDDEN = "***"
_PASSWORD_LIMIT_CHARACTERS = 300
_USER_INFO = re.compile(
    r"(?<=://)(?:"
    r"[^\s/?#]*@"
    # An unescaped slash in a password makes the host and port unreadable; the password must be hidden all the same.
    rf"|[^\s/?#:@\[\]]*:(?!\d{{0,5}}(?:[/?#\s]|\Z))[^\s@]{{0,{_PASSWORD_LIMIT_CHARACTERS}}}@"
    r")"
)


def without_password(url: str) -> str:
    """The address with user name and password replaced by `***`; a user name alone is often a token."""
    return _USER_INFO.sub(f"{_HIDDEN}@", url)


def without_login(url: str) -> str:
    """The address without any user name and password."""
    return _USER_INFO.sub("", url)


def scrub(text: str) -> str:
    """The text, with the password of every address in it hidden. Takes linear time."""
    return _USER_INFO.sub(f"{_HIDDEN}@", text) if "://" in text else text


# ---------------------------------------------------------------- which addresses may be connected to

# From the registries of special-purpose addresses (RFC 6890 and its successors), as of 2026. Written out because what
# `ipaddress` considers private differs between Python versions.
_FORBIDDEN: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "this machine"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared with a provider's customers"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "reserved for documentation"),
        ("192.31.196.0/24", "reserved"),
        ("192.52.193.0/24", "reserved"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "reserved"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("198.51.100.0/24", "reserved for documentation"),
        ("203.0.113.0/24", "reserved for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "this machine"),
        ("::1/128", "loopback"),
        ("64:ff9b:1::/48", "translated to a private network"),
        ("100::/64", "discarded"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "reserved for documentation"),
        ("3fff::/20", "reserved for documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


def forbidden_kind(address: Address) -> str | None:
    """The kind of address (loopback, private, …) if strangers may not make us connect to it, else None.

    An IPv4 address embedded in an IPv6 one (mapped, NAT64, 6to4, ISATAP) is checked as well.
    """
    inner = _embedded(address)
    if inner is not None and (kind := forbidden_kind(inner)):
        return kind
    for network, kind in _FORBIDDEN:
        if address in network:
            return kind
    if isinstance(address, ipaddress.IPv6Address) and inner is None and address not in _GLOBAL_V6:
        return "reserved"
    return None


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    number = int(address)
    is_compatible = address in _COMPATIBLE and number > 0xFFFF  # noqa: PLR2004 - `::` and `::1` hold no IPv4 address
    if address in _NAT64 or is_compatible or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be connected to although it is not public.

    Attributes:
        networks: addresses, whatever name resolved to them.
        hosts: names, whatever they resolve to; lower case, without a trailing dot.
        name: of the setting, for the hint of an error.
    """

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    name: str = "PODCAST_FETCH_ALLOW"

    @classmethod
    def parse(cls, setting: str, *, name: str = "PODCAST_FETCH_ALLOW") -> Self:
        """Parse a setting such as `10.0.0.0/8, ::1, wiki.intranet`.

        Raises:
            Misconfigured: an entry is neither a network nor a host name.
        """
        networks: list[Network] = []
        hosts: set[str] = set()
        for entry in filter(None, (part.strip() for part in setting.split(","))):
            try:
                networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                host = _plain_name(entry)
                if not _HOST.fullmatch(host):
                    raise Misconfigured(
                        f"{name} names {entry!r}, which is neither a network nor a host name.",
                        hint="Write networks and host names with commas between them: 10.0.0.0/8, wiki.intranet.",
                    ) from None
                hosts.add(host)
        return cls(tuple(networks), frozenset(hosts), name)

    def admits(self, host: str, address: Address) -> bool:
        """Whether the host or the address is on the list."""
        inner = _embedded(address)
        return _plain_name(host) in self.hosts or any(
            address in network or (inner is not None and inner in network) for network in self.networks
        )


_HOST = re.compile(r"(?=.*[a-z])[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?){0,20}")


def is_localhost(host: str) -> bool:
    """Whether the name itself denotes this machine."""
    return f".{_plain_name(host)}".endswith(".localhost")


def _plain_name(host: str) -> str:
    return host.lower().removesuffix(".")
