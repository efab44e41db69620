"""Encrypted connections to a real RabbitMQ, a real MinIO and a speech server: what works, and what is said if not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.store.users import StoreAdmin
from deploy.tls.certificates import Certificate, authority, issue
from services.synthesizer.speech import SpeechPool
from shared.client.voices import SpeechClient
from shared.deadlines import in_thread
from shared.errors import BrokerDown, Misconfigured, PodcastError, SpeechDown, StoreDown
from shared.protocol import topology
from shared.protocol.messages import ChunkRequested
from shared.runtime.broker import connected
from shared.runtime.service import Service
from shared.settings import Settings
from shared.store.port import open_store
from tests.integration.running import request, running
from tests.servers.speech_process import SpeechProcess
from tests.servers.tls import TlsMinioServer, TlsRabbitServer
from tests.waiting import until

NAMES = ("127.0.0.1", "podcast-servers")
"""`localhost` leads to the servers too, and is not among the names."""


@pytest.fixture(scope="module")
def ours() -> Certificate:
    return authority("Tests")


@pytest.fixture(scope="module")
def theirs() -> Certificate:
    """Another authority, of the same name."""
    return authority("Tests")


def expired(signed_by: Certificate, folder: Path) -> Certificate:
    """A certificate for 127.0.0.1 that was good in January 2020. Only `openssl ca` makes such."""
    signed_by.write(folder, "authority")
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n")
    lines = (
        *("[ca]", "default_ca = d"),
        *("[d]", "certificate = authority.pem", "private_key = authority.key", "database = index.txt"),
        *("serial = serial", "new_certs_dir = .", "default_md = sha256", "policy = p", "x509_extensions = e"),
        *("[p]", "commonName = supplied"),
        *("[e]", "subjectAltName = IP:127.0.0.1", "authorityKeyIdentifier = keyid"),
    )
    (folder / "ca.conf").write_text("\n".join(lines) + "\n")
    for command in (
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout old.key -out old.csr -subj /CN=old",
        "ca -batch -config ca.conf -in old.csr -out old.pem -startdate 20200101000000Z -enddate 20200201000000Z",
    ):
        subprocess.run(("openssl", *command.split()), cwd=folder, check=True, capture_output=True, timeout=60)
    return Certificate((folder / "old.pem").read_text(), (folder / "old.key").read_text())


@pytest.fixture(scope="module")
def broker(ours: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRabbitServer]:
    server = TlsRabbitServer(tmp_path_factory.mktemp("rabbitmq"), issue(ours, NAMES))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def store(ours: Certificate, minio_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsMinioServer]:
    server = TlsMinioServer(tmp_path_factory.mktemp("minio"), minio_binary, issue(ours, NAMES), ours.certificate)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def speech(ours: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("speech")
    issue(ours, NAMES).write(folder, "speech")
    environment = {
        "PODCAST_SPEECH_PORT": "0",
        "PODCAST_SPEECH_DEFAULT_ENGINE": "espeak-ng",
        "PODCAST_SPEECH_WORKERS": "1",
        "PODCAST_SPEECH_CERTIFICATE_PATH": str(folder / "speech.pem"),
        "PODCAST_SPEECH_KEY_PATH": str(folder / "speech.key"),
    }
    with SpeechProcess("services.speech.app", environment=environment) as server:
        yield f"https://127.0.0.1:{server.port}"


# ---------------------------------------------------------------- what each client does


async def use_broker(url: str, ca: str) -> None:
    async with connected(Settings(amqp_url=url, ca=ca)) as connection:
        await topology.declare(connection)


async def use_store(url: str, ca: str) -> None:
    opened = open_store(Settings(store_url=url, ca=ca))
    await opened.ping()
    await opened.put("audio/x", b"audio")
    assert await opened.get("audio/x") == b"audio"


async def use_speech(url: str, ca: str) -> None:
    settings = Settings(speech_url=url, ca=ca)
    async with SpeechPool(settings) as pool:
        spoken = await pool.speak("Hello, this is said over TLS.", voice="default", model="default", speed=1.0)
    assert spoken.audio.startswith(b"RIFF")


async def use_voices(url: str, ca: str) -> None:
    assert await SpeechClient(url, Settings(speech_url=url, ca=ca)).voices()


# ---------------------------------------------------------------- the right ones


async def test_every_server_is_reached_with_our_authority(
    broker: TlsRabbitServer, store: TlsMinioServer, speech: str, ours: Certificate
) -> None:
    await use_broker(broker.amqps(broker.url), ours.certificate)
    await use_store(store.bucket(), ours.certificate)
    await use_speech(speech, ours.certificate)
    await use_voices(speech, ours.certificate)
    admin = StoreAdmin(Settings(store_url=store.https(store.node.url("users")), ca=ours.certificate))
    await admin.make_bucket()
    assert await admin.users() == {}


async def test_a_service_consumes_over_tls(broker: TlsRabbitServer, tmp_path: Path, ours: Certificate) -> None:
    settings = Settings(amqp_url=broker.amqps(broker.url), store_url=tmp_path.as_uri(), ca=ours.certificate)
    service = Service(settings, topology.SYNTHESIZER, slots=1, deadline_seconds=5)
    seen: list[ChunkRequested] = []

    @service.on(ChunkRequested)
    async def handle(message: ChunkRequested) -> None:
        seen.append(message)

    async with running(service):
        await service.publish(request())
        await until(lambda: seen, "the message has come round")


async def test_the_authority_is_read_from_a_file(
    broker: TlsRabbitServer, ours: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_text(ours.certificate)
    monkeypatch.setenv("PODCAST_CA_FILE", str(tmp_path / "ca.pem"))
    async with connected(Settings(amqp_url=broker.amqps(broker.url))):
        pass
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(Misconfigured, match=r"PODCAST_CA_FILE.*has no certificate in it"):
        async with connected(Settings(amqp_url=broker.amqps(broker.url))):
            pass


async def test_two_authorities_are_trusted_while_one_replaces_the_other(
    broker: TlsRabbitServer, ours: Certificate, theirs: Certificate
) -> None:
    await use_broker(broker.amqps(broker.url), theirs.certificate + ours.certificate)


# ---------------------------------------------------------------- the wrong ones


async def says(error: type[PodcastError], call: object, words: str) -> None:
    with pytest.raises(error, match=words):
        await call  # type: ignore[misc]


@pytest.mark.parametrize("trusted", ["nobody of ours", "somebody else"])
async def test_a_certificate_of_somebody_else_is_refused(
    broker: TlsRabbitServer, store: TlsMinioServer, speech: str, theirs: Certificate, trusted: str
) -> None:
    ca = theirs.certificate if trusted == "somebody else" else ""
    words = r"The certificate of the {}.* is not trusted: .* set PODCAST_CA_FILE to"
    await says(BrokerDown, use_broker(broker.amqps(broker.url), ca), words.format("broker at amqps://127"))
    await says(StoreDown, use_store(store.bucket(), ca), words.format("store at s3://127"))
    await says(SpeechDown, use_speech(speech, ca), words.format("speech server at"))
    await says(SpeechDown, use_voices(speech, ca), words.format("speech server at"))
    url = store.https(store.node.url("users"))
    await says(StoreDown, StoreAdmin(Settings(store_url=url, ca=ca)).users(), words.format("store at s3://127"))


async def test_a_certificate_for_another_name_is_refused(
    broker: TlsRabbitServer, store: TlsMinioServer, speech: str, ours: Certificate
) -> None:
    words = r"The certificate of the {}.*localhost.* is for another name: .*localhost.*Use a name in the address that"
    ca = ours.certificate
    await says(BrokerDown, use_broker(broker.amqps(broker.url, host="localhost"), ca), words.format("broker"))
    url = store.https(store.node.url("users"), host="localhost")
    await says(StoreDown, use_store(url, ca), words.format("store"))
    await says(SpeechDown, use_speech(speech.replace("127.0.0.1", "localhost"), ca), words.format("speech server"))


async def test_a_server_that_does_not_encrypt_is_named(broker: TlsRabbitServer, ours: Certificate) -> None:
    url = broker.url.replace("amqp://", "amqps://")
    await says(BrokerDown, use_broker(url, ours.certificate), r"No encrypted connection to the broker .*speak TLS\?")


async def test_no_address_turns_the_check_off(broker: TlsRabbitServer) -> None:
    await says(BrokerDown, use_broker(f"{broker.amqps(broker.url)}/?no_verify_ssl=1", ""), "is not trusted")


async def test_a_certificate_that_has_expired_is_refused_and_a_new_one_is_served_after_a_restart(
    ours: Certificate, tmp_path: Path
) -> None:
    server = TlsRabbitServer(tmp_path / "rabbitmq", expired(ours, tmp_path / "expired"))
    try:
        await in_thread(server.start)
        await says(BrokerDown, use_broker(server.amqps(server.url), ours.certificate), r"has expired\. Renew it")
        server.install(issue(ours, NAMES))
        await in_thread(server.stop)
        await in_thread(server.start)
        await use_broker(server.amqps(server.url), ours.certificate)
    finally:
        await in_thread(server.stop)
