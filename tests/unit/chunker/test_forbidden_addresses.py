"""Where a stranger's address may lead: hosts are resolved once, checked, and then exactly that IP is connected to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.addresses import Allowed
from shared.checked_network import Resolve, resolve
from shared.errors import BadSource, ForbiddenAddress, Misconfigured, Transient
from shared.fetching.fetching import Fetched, fetch
from tests.corpus.addresses import FORBIDDEN, NO_WEB_ADDRESS, Address
from tests.unit.chunker.test_fetching import Answer, answering

pytestmark = pytest.mark.anyio


class Server:
    """A server on 127.0.0.1 that remembers its requests."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[Server]:
    made = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            made.requests.append(request)
            await answer(request.split(b" ")[1].decode(), writer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listening.close()


async def get(url: str, *, allow: str = "", resolve: Resolve = resolve) -> Fetched:
    return await fetch(
        url,
        limit_bytes=100_000,
        deadline_seconds=10,
        connect_timeout_seconds=5,
        allowed=Allowed.parse(allow),
        resolve=resolve,
    )


def names(**hosts: str) -> Resolve:
    """A resolver that knows some hosts, and asks the system for others."""

    async def look_up(host: str, port: int) -> list[str]:
        known = hosts.get(host.replace(".", "_"))
        return known.split() if known else await resolve(host, port)

    return look_up


@pytest.mark.parametrize("address", FORBIDDEN, ids=lambda address: address.url)
async def test_an_address_that_is_not_public_is_refused_by_name(address: Address) -> None:
    with pytest.raises(ForbiddenAddress, match=address.kind) as caught:
        await get(address.url)
    assert "PODCAST_FETCH_ALLOW" in caught.value.hint


@pytest.mark.parametrize("url", NO_WEB_ADDRESS)
async def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(BadSource, match="not an http or https address"):
        await get(url)


@pytest.mark.parametrize("address", FORBIDDEN, ids=lambda address: address.url)
async def test_a_redirect_leads_nowhere_that_the_address_itself_could_not(address: Address) -> None:
    redirecting = answering("302 Found", location=address.url)
    async with server(redirecting) as public:
        with pytest.raises(ForbiddenAddress, match=address.kind):
            await get(f"http://public.example:{public.port}/", allow="public.example", resolve=_public)


async def _public(host: str, port: int) -> list[str]:
    return ["127.0.0.1"] if host == "public.example" else await resolve(host, port)


async def test_a_name_that_answers_differently_the_second_time_gains_nothing() -> None:
    """DNS rebinding: a public address at the check, loopback at the connection."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        del port
        asked.append(host)
        return ["192.88.98.1"] if len(asked) == 1 else ["127.0.0.1"]  # public, and never answers

    async with server(answering("200 OK", b"secret")) as inside:
        with contextlib.suppress(Transient):
            await fetch(
                f"http://rebinding.example:{inside.port}/",
                limit_bytes=1_000,
                deadline_seconds=3,
                connect_timeout_seconds=1,
                resolve=rebinding,
            )
    assert asked == ["rebinding.example"]
    assert inside.connections == 0


async def test_each_hop_is_resolved_and_checked_anew() -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        del port
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async with server(answering("302 Found", location="/again")) as here:
        with pytest.raises(ForbiddenAddress, match=r"127\.0\.0\.2"):
            await get(f"http://a.example:{here.port}/", allow="127.0.0.1", resolve=rebinding)
    assert (asked, here.connections) == (["a.example", "a.example"], 1)


async def test_of_several_addresses_only_the_public_ones_are_connected_to() -> None:
    async with server(answering("200 OK", b"secret")) as inside:
        url = f"http://mixed.example:{inside.port}/"
        with pytest.raises(ForbiddenAddress, match="loopback"):
            await get(url, resolve=names(mixed_example="127.0.0.1 ::1 10.0.0.1"))
        assert inside.connections == 0
        page = await get(url, allow="127.0.0.1", resolve=names(mixed_example="10.0.0.1 127.0.0.1"))
    assert page.data == b"secret"


@pytest.mark.parametrize("allow", ["127.0.0.0/8", "127.0.0.1", "10.0.0.0/8, inside.example", " INSIDE.example. ,"])
async def test_a_network_or_a_host_can_be_allowed(allow: str) -> None:
    async with server(answering("200 OK", b"words")) as inside:
        found = await get(
            f"http://inside.example:{inside.port}/", allow=allow, resolve=names(inside_example="127.0.0.1")
        )
    assert found.data == b"words"
    assert f"Host: inside.example:{inside.port}".encode() in inside.requests[0]


@pytest.mark.parametrize("allow", ["10.0.0.0/33", "http://a", "a b", "*", "127.0.0.1:80"])
def test_an_entry_that_allows_nothing_is_named(allow: str) -> None:
    with pytest.raises(Misconfigured, match="neither a network nor a host name"):
        Allowed.parse(allow)


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy resolves names itself, unchecked."""
    async with server(answering("200 OK", b"by proxy")) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        with pytest.raises(ForbiddenAddress):
            await get("http://10.0.0.1/")
    assert proxy.connections == 0


async def test_tls_asks_for_the_certificate_of_the_name_not_of_the_address() -> None:
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _, name, __: asked.append(name)  # type: ignore[assignment] # returns None, as it may
    listening = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    with contextlib.suppress(Transient):
        await get(f"https://named.example:{port}/", allow="127.0.0.1", resolve=names(named_example="127.0.0.1"))
    listening.close()
    assert asked == ["named.example"]


async def test_https_does_not_lead_to_http() -> None:
    from shared.fetching.places import first_place  # noqa: PLC0415 - no certificate authority here: the rule alone

    with pytest.raises(BadSource, match="from https to http"):
        first_place("https://a.example/").followed_to("http://a.example/")


async def test_a_login_is_sent_to_its_own_host_and_no_other() -> None:
    login = b"authorization: Basic dXNlcjpwYXNz"

    async def redirecting(path: str, writer: asyncio.StreamWriter) -> None:
        target = {"/": "/same", "/same": f"http://other.example:{here.port}/other"}.get(path)
        answer = answering("302 Found", location=target) if target else answering("200 OK", b"words")
        await answer(path, writer)

    async with server(redirecting) as here:
        found = await get(
            f"http://user:pass@one.example:{here.port}/",
            allow="one.example, other.example",
            resolve=names(one_example="127.0.0.1", other_example="127.0.0.1"),
        )
    sent = [login in request.replace(b"Authorization", b"authorization") for request in here.requests]
    assert sent == [True, True, False]
    assert found.final_url == f"http://other.example:{here.port}/other"


async def test_a_login_in_a_redirect_is_not_sent() -> None:
    async def redirecting(path: str, writer: asyncio.StreamWriter) -> None:
        location = f"http://user:pass@127.0.0.1:{here.port}/b"
        await (answering("302 Found", location=location) if path == "/" else answering("200 OK", b"x"))(path, writer)

    async with server(redirecting) as here:
        await get(here.url, allow="127.0.0.1")
    assert b"authorization" not in here.requests[1].lower()


@pytest.mark.parametrize(
    ("status", "location"),
    [("404 Not Found", ""), ("500 Oops", ""), ("302 Found", "ftp://user:hunter2@x/"), ("302 Found", "/loop")],
)
async def test_no_password_is_in_an_error(status: str, location: str) -> None:
    async with server(answering(status, location=location) if location else answering(status)) as here:
        with pytest.raises((BadSource, Transient)) as caught:
            await get(f"http://user:hunter2@127.0.0.1:{here.port}/", allow="127.0.0.1")
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in f"{error} {error!r}"
        error = error.__cause__


@pytest.mark.parametrize(
    "url", ["ftp://user:hunter2@example.org/", "http://user:hunter2@/", "http://user:hunter2@[::1/", "x://u:hunter2@h"]
)
async def test_no_password_is_in_the_error_of_an_address_that_cannot_be_read(url: str) -> None:
    with pytest.raises(BadSource) as caught:
        await get(url)
    assert "hunter2" not in str(caught.value)
