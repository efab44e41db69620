"""Addresses that a stranger may give to reach what they should not: as data, for every entry that takes an address.

None of them may be connected to by default. `kind` is what the error calls it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """An address and why it is refused.

    Attributes:
        url: as a stranger writes it.
        kind: a word of the error.
    """

    url: str
    kind: str


FORBIDDEN: tuple[Address, ...] = tuple(
    Address(url, kind)
    for url, kind in (
        ("http://127.0.0.1/", "loopback"),
        ("http://127.255.255.254:8080/", "loopback"),
        ("http://localhost/", "loopback"),
        ("http://LOCALHOST./", "loopback"),
        ("http://any.localhost/", "loopback"),
        ("http://[::1]/", "loopback"),
        ("http://[0:0:0:0:0:0:0:1]/", "loopback"),
        # other spellings of 127.0.0.1
        ("http://2130706433/", "loopback"),
        ("http://0x7f000001/", "loopback"),
        ("http://017700000001/", "loopback"),
        ("http://0x7f.1/", "loopback"),
        ("http://127.1/", "loopback"),
        ("http://127.0.1/", "loopback"),
        # an IPv4 address inside an IPv6 one
        ("http://[::ffff:127.0.0.1]/", "loopback"),
        ("http://[::ffff:7f00:1]/", "loopback"),
        ("http://[::127.0.0.1]/", "loopback"),
        ("http://[64:ff9b::127.0.0.1]/", "loopback"),
        ("http://[64:ff9b::a9fe:a9fe]/", "link-local"),
        ("http://[2002:7f00:1::]/", "loopback"),
        ("http://[2002:a00:1::1]/", "private"),
        ("http://[2001:db9::5efe:10.0.0.1]/", "private"),
        ("http://[::ffff:169.254.169.254]/", "link-local"),
        ("http://[64:ff9b:1::1]/", "translated"),
        ("http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "reserved"),
        # this machine
        ("http://0.0.0.0/", "this machine"),
        ("http://0/", "this machine"),
        ("http://0.1.2.3/", "this machine"),
        ("http://[::]/", "this machine"),
        # private networks, and what clouds keep at link-local addresses
        ("http://10.0.0.1/", "private"),
        ("http://172.16.0.1/", "private"),
        ("http://172.31.255.255/", "private"),
        ("http://192.168.1.1/", "private"),
        ("http://100.64.0.1/", "shared"),
        ("http://100.127.255.255/", "shared"),
        ("http://169.254.169.254/latest/meta-data/", "link-local"),
        ("http://2852039166/", "link-local"),
        ("http://0xA9FEA9FE/", "link-local"),
        ("http://[fe80::1]/", "link-local"),
        ("http://[fc00::1]/", "private"),
        ("http://[fd00:ec2::254]/", "private"),
        ("http://[fec0::1]/", "private"),
        # unassigned or reserved
        ("http://192.0.0.170/", "reserved"),
        ("http://192.0.2.1/", "reserved"),
        ("http://198.18.0.1/", "reserved"),
        ("http://198.51.100.1/", "reserved"),
        ("http://203.0.113.1/", "reserved"),
        ("http://[2001:db8::1]/", "reserved"),
        ("http://[100::1]/", "discarded"),
        ("http://[4000::1]/", "reserved"),
        # multicast and broadcast
        ("http://224.0.0.1/", "multicast"),
        ("http://239.255.255.250:1900/", "multicast"),
        ("http://255.255.255.255/", "reserved"),
        ("http://240.0.0.1/", "reserved"),
        ("http://[ff02::1]/", "multicast"),
        # user names, fragments and ports that look like something else
        ("http://example.org@127.0.0.1/", "loopback"),
        ("http://example.org:80@127.0.0.1:8080/", "loopback"),
        ("http://127.0.0.1#@example.org/", "loopback"),
        ("http://127.0.0.1?@example.org/", "loopback"),
        ("http://a:b@[::1]:80/", "loopback"),
        ("http://example.org\\@127.0.0.1/", "loopback"),
        ("HTTP://127.0.0.1/", "loopback"),
        ("https://127.0.0.1/", "loopback"),
    )
)

NO_WEB_ADDRESS: tuple[str, ...] = (
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stat",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "data:text/plain,word",
    "javascript:alert(1)",
    "http:///etc/passwd",
    "//127.0.0.1/",
    "127.0.0.1",
    "http://0177.0.0.01/",
    "http://127.0.0.1:99999/",
    "",
)
