"""Jobs through all services, each with its own user of the broker and of the store: nothing it needs is refused."""

from __future__ import annotations

import asyncio
import functools
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shared.protocol import topology
from shared.protocol.messages import JobRequest, TextSource
from tests.clients.conftest import COMMAND_SECONDS, clean_environment
from tests.end_to_end import texts
from tests.integration.gateway.gateway_settings import STACK_KEY, with_key
from tests.servers.minio import MinioServer
from tests.servers.rabbitmq import RabbitServer
from tests.servers.rights import BrokerUsers, StoreUsers
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech
from tests.servers.webhook_receiver import WebhookReceiver, accepting
from tests.waiting import until

ALL = (*SERVICES, "webhooks", "feeds", "gateway")
REFUSALS = ("ACCESS_REFUSED", "refused", "AccessDenied", "does not let this user")


@dataclass
class Restricted:
    """A system in which nobody may more than its role.

    Attributes:
        services: every service as a process; its own settings are the administrator's, for the test.
        broker: the users of its vhost.
        store: the users of its bucket.
        directory: of the test.
    """

    services: Services
    broker: BrokerUsers
    store: StoreUsers
    directory: Path

    def rights_of(self, role: str) -> dict[str, str]:
        return {
            "PODCAST_AMQP_URL": self.broker.url(role),
            "PODCAST_STORE_URL": self.store.urls[role],
            "PODCAST_DECLARE_TOPOLOGY": "false",
        }

    async def podcast(self, role: str, *arguments: str | Path) -> str:
        """Run `podcast` as somebody who has this role."""
        environment = {**clean_environment(self.directory), **self.rights_of(role)}
        command = (sys.executable, "-m", "services.cli.app", *map(str, arguments))
        ended = await asyncio.to_thread(
            functools.partial(
                subprocess.run, command, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS
            )
        )
        assert ended.returncode == 0, ended
        return str(ended.stdout)

    async def gateway(self) -> httpx.AsyncClient:
        return with_key(self.services.of("gateway")[0].health_url)

    def refusals(self) -> list[str]:
        """What the services' logs say of refusals."""
        lines = [f"{name}: {line}" for name in ALL for line in self.services.log(name).splitlines()]
        return [line for line in lines if any(word in line for word in REFUSALS)]


@pytest.fixture
async def restricted(
    rabbitmq: RabbitServer, minio: MinioServer, tone_speech: ToneSpeech, tmp_path: Path
) -> AsyncIterator[Restricted]:
    url = rabbitmq.vhost()
    broker = BrokerUsers(rabbitmq, url.rpartition("/")[2])
    broker.import_definitions()
    store = StoreUsers(minio, minio.bucket().rpartition("/")[2].partition("?")[0], tmp_path / "secrets")
    await store.provision()
    environment = {
        "PODCAST_AMQP_URL": url,
        "PODCAST_STORE_URL": store.admin.store_url,
        "PODCAST_SPEECH_URL": tone_speech.url,
        "PODCAST_SPEECH_ENGINE": "tones",
        "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
        "PODCAST_CHUNK_LIMIT_CHARACTERS": "300",
        "PODCAST_ATTEMPTS_LIMIT": "2",
        "PODCAST_GRACE_SECONDS": "0.5",
        "PODCAST_RETENTION_DAYS": "3650",
        "PODCAST_GATEWAY_KEY": STACK_KEY,
        "PODCAST_WEBHOOK_ALLOW": "127.0.0.0/8",
    }
    with Services(environment, tmp_path / "logs") as services:
        system = Restricted(services, broker, store, tmp_path)
        for name in ALL:
            services.start(name, **system.rights_of(name))
        await services.ready()
        tone_speech.behave()
        yield system
        tone_speech.behave()
        tone_speech.delay(0)
    rabbitmq.drop_vhost(url)


def job(text: str, **fields: object) -> JobRequest:
    return JobRequest.model_validate(
        {"source": TextSource(text=text, format="markdown"), **fields}, strict=False, from_attributes=True
    )


async def hears_all(system: Restricted, request: JobRequest, source: str) -> None:
    written, heard = await system.services.spoken(request, system.directory)
    assert heard == written
    assert " ".join(heard).split() == source.replace("#", " ").split()


async def test_a_client_s_job_survives_failures_and_a_restart(restricted: Restricted, tone_speech: ToneSpeech) -> None:
    """Retries through wait queues, a hand-back at SIGTERM, a redelivery after SIGKILL with its markers in the store."""
    source = texts.article(2_500, seed=91)
    (restricted.directory / "article.md").write_text(source)
    tone_speech.misbehave("status", count=1, status=500)
    tone_speech.delay(5.0)  # longer than the grace period
    submitted = await restricted.podcast("client", "submit", "--format", "mp3", restricted.directory / "article.md")
    request = job(source, job_id=submitted.strip(), formats=("mp3",))
    await restricted.services.reaches(request.job_id, "synthesizing")
    (worker,) = restricted.services.of("synthesizer")
    for number in (signal.SIGTERM, signal.SIGKILL):
        tone_speech.forget()
        await until(lambda: tone_speech.recorded()["count"] >= 2, "chunks are being spoken")
        restricted.services.strike(worker, number)
        tone_speech.delay(0.3)
        await until(lambda: worker.process.exit_code is not None, "the synthesizer ends")
        restricted.services.restart(worker)
        await restricted.services.ready()
    watched = await restricted.podcast("client", "watch", "-q", request.job_id)
    assert watched.startswith("completed")
    await restricted.podcast("client", "fetch", request.job_id, "-o", restricted.directory / "fetched.mp3")
    await hears_all(restricted, request, source)
    assert "handed back" in restricted.services.log("synthesizer")
    assert restricted.refusals() == []


async def test_an_operator_replays_a_dead_letter_and_the_job_goes_on(
    restricted: Restricted, tone_speech: ToneSpeech
) -> None:
    source = texts.article(1_200, seed=92)
    word = source.split()[40]
    tone_speech.misbehave("status", containing=word, status=400)
    (restricted.directory / "article.md").write_text(source)
    submitted = await restricted.podcast("client", "submit", restricted.directory / "article.md")
    request = job(source, job_id=submitted.strip())
    assert (await restricted.services.ended(request.job_id)).state == "failed"
    assert json.loads(await restricted.podcast("operator", "dlq", "list", "--all", "--json"))
    tone_speech.behave()
    await restricted.podcast("operator", "dlq", "replay", "--job", request.job_id)
    assert (await restricted.services.reaches(request.job_id, "completed")).state == "completed"
    await hears_all(restricted, request, source)
    await restricted.podcast("operator", "prune", "--older-than", "30d")
    await restricted.podcast("operator", "delete", request.job_id)
    assert restricted.refusals() == []


async def test_the_gateway_does_all_that_it_offers(restricted: Restricted, tone_speech: ToneSpeech) -> None:
    tone_speech.delay(0)
    receiver = WebhookReceiver(accepting)
    async with receiver.listening(), await restricted.gateway() as client:
        endpoint = await client.post("/v1/webhooks", json={"url": receiver.url})
        assert endpoint.status_code == 201, endpoint.text
        preview = await client.post("/v1/preview", json={"text": "# A\n\nOne sentence.", "source_format": "markdown"})
        assert preview.status_code == 200, preview.text
        answer = await client.post(
            "/v1/jobs",
            json={"text": "# B\n\nAnother sentence is said.", "source_format": "markdown"},
            headers={"Idempotency-Key": "once"},
        )
        assert answer.status_code == 202, answer.text
        job_id = answer.json()["job_id"]
        async with client.stream("GET", f"/v1/jobs/{job_id}/events") as events:
            async for line in events.aiter_lines():
                if '"state":"completed"' in line.replace(" ", ""):
                    break
        assert (await client.get(f"/v1/jobs/{job_id}/episode")).status_code == 200
        await until(lambda: receiver.received, "the webhook is sent")
        spoken = await client.post(
            "/v1/audio/speech", json={"input": "Said at once.", "model": "default", "voice": "default"}, timeout=60
        )
        assert spoken.status_code == 200, spoken.text
        assert (await client.post("/v1/keys", json={"name": "k", "scopes": ["read"]})).status_code == 201
        assert (await client.get("/v1/dead-letters")).status_code == 200
        assert (await client.get("/v1/audit")).status_code == 200
        assert (await client.delete(f"/v1/jobs/{job_id}?purge=true")).status_code in {200, 202, 204}
    assert restricted.refusals() == []


async def test_every_user_is_changed_while_jobs_run_and_nothing_is_lost(
    restricted: Restricted, tone_speech: ToneSpeech
) -> None:
    """The order of docs/operations.md: new users beside the old, services one after another, then the old go."""
    source = texts.article(2_500, seed=93)
    tone_speech.delay(0.2)
    request = job(source)
    await restricted.services.submit(request)
    await restricted.services.reaches(request.job_id, "synthesizing")
    old = [account.user for account in restricted.broker.accounts.values()]
    restricted.broker.renew()
    for role in restricted.store.urls:
        restricted.store.renew(role)
    restricted.broker.import_definitions()
    await restricted.store.provision()
    for worker in restricted.services.workers:
        worker.environment.update(restricted.rights_of(worker.service))
        restricted.services.strike(worker, signal.SIGTERM)
        await until(lambda worker=worker: worker.process.exit_code is not None, "it ends")  # type: ignore[misc]
        restricted.services.restart(worker)
        await restricted.services.ready()
    for user in old:
        restricted.broker.server.delete_user(user)
    removed = [line for line in await restricted.store.provision(retire=True) if "removed" in line]
    assert len(removed) == len(restricted.store.urls)
    assert (await restricted.services.ended(request.job_id)).state == "completed"
    await hears_all(restricted, request, source)
    after = job(texts.article(300, seed=94))
    await restricted.services.submit(after)
    assert (await restricted.services.ended(after.job_id)).state == "completed"
    assert restricted.refusals() == []
    assert await restricted.services.dead_letters() == {}
    assert sum((await restricted.services.depths(*(queue.name for queue in topology.WORK_QUEUES))).values()) >= 0
