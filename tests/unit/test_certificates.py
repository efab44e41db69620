"""When a server's certificate expires is read from what it presents, whoever has signed it."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest

from shared.runtime import metrics
from shared.runtime.certificates import Peer, broker_and_store, expires_at, keep_read, not_after, peers
from shared.settings import Settings
from tests.waiting import until


def make(folder: Path, *options: str) -> tuple[Path, Path]:
    """A certificate signed by itself, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = (
        "openssl",
        "req",
        "-x509",
        "-nodes",
        "-subj",
        "/CN=example",
        "-out",
        str(certificate),
        "-keyout",
        str(key),
    )
    subprocess.run((*command, *options), capture_output=True, check=True, timeout=60)
    return certificate, key


def said_by_openssl(certificate: Path) -> float:
    command = ("openssl", "x509", "-noout", "-enddate", "-in", str(certificate))
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return float(ssl.cert_time_to_seconds(said.strip().removeprefix("notAfter=")))


RSA = ("-newkey", "rsa:2048")
ELLIPTIC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


@pytest.mark.parametrize("key", [RSA, ELLIPTIC], ids=["rsa", "ec"])
@pytest.mark.parametrize("days", ["1", "90", "20000"])
def test_the_end_of_validity_is_what_openssl_says(tmp_path: Path, key: tuple[str, ...], days: str) -> None:
    certificate, _ = make(tmp_path, *key, "-days", days)
    assert not_after(ssl.PEM_cert_to_DER_cert(certificate.read_text())) == said_by_openssl(certificate)


def test_what_is_no_certificate_is_a_value_error(tmp_path: Path) -> None:
    good = ssl.PEM_cert_to_DER_cert(make(tmp_path, *ELLIPTIC)[0].read_text())
    for bad in (b"", b"\x30", b"hello, this is no certificate", good[:100], bytes(200)):
        with pytest.raises(ValueError, match=r"certificate|match|invalid"):
            not_after(bad)


async def test_it_is_read_from_a_server_and_shown(tmp_path: Path) -> None:
    certificate, key = make(tmp_path, *RSA, "-days", "30")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await expires_at("127.0.0.1", port) == said_by_openssl(certificate)
        peer = Peer("broker", "127.0.0.1", port)
        reading = asyncio.create_task(keep_read([Peer("store", "127.0.0.1", 1), peer]))  # nobody is at the first
        try:
            shown = metrics.CERTIFICATE_EXPIRES.labels(peer.name)
            await until(lambda: shown._value.get() == said_by_openssl(certificate), "the gauge has the date")
        finally:
            reading.cancel()


async def test_a_server_without_tls_is_an_os_error() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"AMQP\x00\x00\x09\x01")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        with pytest.raises(ssl.SSLError):
            await expires_at("127.0.0.1", server.sockets[0].getsockname()[1])


def test_only_servers_with_tls_have_one() -> None:
    plain = Settings(store_url="s3://k:s@minio:9000/podcast?secure=false")
    assert broker_and_store(plain, ["amqp://u:p@broker:5672"]) == []
    safe = Settings(store_url="s3://k:s@store.example/podcast")
    found = [peer.name for peer in broker_and_store(safe, ["amqps://u:p@one/v", "amqps://u:p@two:5000/v"])]
    assert found == ["broker one:5671", "broker two:5000", "store store.example:443"]
    assert broker_and_store(Settings(store_url="file:///tmp/x"), []) == []
    assert [peer.name for peer in peers("speech", ["http://a:1", "https://b/v1"])] == ["speech b:443"]
