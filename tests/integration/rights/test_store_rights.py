"""On a real MinIO: each role's user is refused what belongs to others, and provisioning can be repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.store.provision import main, provision
from deploy.store.users import StoreAdmin
from shared.client import feed_tokens, show_defaults, show_episodes, shows
from shared.client.show_retention import ShowRetention
from shared.errors import Misconfigured, StoreDown
from shared.protocol.episode_of_show import EpisodeOfShow
from shared.protocol.messages import JobRequest, TextSource
from shared.settings import Settings
from shared.store import keys
from shared.store.port import LEAST_PART_BYTES, open_store
from shared.store.s3 import S3Store
from tests.servers.rights import StoreUsers
from tests.unit.gateway.made_shows import JPEG

JOB = "0193f0a1-0000-7000-8000-000000000001"
SHA = "0" * 64


async def refused(call: object) -> None:
    with pytest.raises(StoreDown, match=r"refused to .*: AccessDenied"):
        await call  # type: ignore[misc]


async def test_the_store_is_up_for_every_role_without_a_look_at_what_is_in_it(store_users: StoreUsers) -> None:
    for role in store_users.urls:
        store = store_users.store(role)
        await store.ping()
        await store.ping()


async def test_a_synthesizer_has_audio_alone(store_users: StoreUsers) -> None:
    store = store_users.store("synthesizer")
    await open_store(store_users.admin).put(keys.request(JOB), b"{}")
    await store.put(f"{keys.AUDIO}{SHA}.flac", b"audio")
    assert await store.get(f"{keys.AUDIO}{SHA}.flac") == b"audio"
    assert not await store.exists(f"{keys.AUDIO}{'1' * 64}.flac")  # and is no refusal
    await refused(store.get(keys.request(JOB)))
    await refused(store.put(keys.status(JOB), b"{}"))
    await refused(store.create(keys.request("another"), b"{}"))
    await store.delete(f"{keys.AUDIO}{SHA}.flac")  # what cannot be encoded
    await refused(store.delete(keys.request(JOB)))
    await refused(store.page(keys.JOBS))
    await refused(store.page(keys.AUDIO))
    await refused(store.page(""))


async def test_no_worker_reads_keys_of_the_api_or_secrets_of_webhooks(store_users: StoreUsers) -> None:
    admin = open_store(store_users.admin)
    wanted = [keys.api_key("abc"), keys.webhook("we_1"), keys.webhook_secret(JOB, "00")]
    for key in wanted:
        await admin.put(key, b"{}")
    for role in ("chunker", "synthesizer", "assembler", "coordinator", "client"):
        for key in wanted:
            await refused(store_users.store(role).get(key))
    assert await store_users.store("webhooks").get(keys.webhook_secret(JOB, "00")) == b"{}"
    assert await store_users.store("gateway").get(keys.api_key("abc")) == b"{}"


async def test_a_client_asks_for_a_preview_and_makes_none(store_users: StoreUsers) -> None:
    store, preview_id = store_users.store("client"), "0" * 32
    await store.put(keys.preview_source(preview_id, "book.epub"), b"a book")
    await store.create(keys.preview_waiting(preview_id), b"")
    assert [entry.key for entry in await store.entries(keys.PREVIEWS_WAITING, limit=5)]
    await store.delete(keys.preview_waiting(preview_id))
    assert not await store.exists(keys.preview(preview_id))
    await refused(store.put(keys.preview(preview_id), b"{}"))
    await refused(store.page(keys.PREVIEWS))


async def test_nobody_but_the_coordinator_writes_a_status_and_nobody_another_s_markers(store_users: StoreUsers) -> None:
    for role in store_users.urls:
        store = store_users.store(role)
        if role not in {"coordinator", "operator"}:
            await refused(store.put(keys.status(JOB), b"{}"))
        if role not in {"chunker", "operator"}:
            await refused(store.put(keys.suspect("chunker", "message", "token"), b""))
            await refused(store.page(keys.suspect("chunker", "message")))


async def test_a_large_file_goes_up_in_parts(store_users: StoreUsers, tmp_path: Path) -> None:
    path = tmp_path / "episode.mp3"
    path.write_bytes(bytes(11_000_000))
    store = store_users.store("assembler")
    await store.put_file(keys.episode(JOB, "mp3"), path)
    assert await store.size(keys.episode(JOB, "mp3")) == 11_000_000


async def test_an_assembler_writes_an_episode_in_parts_and_who_removes_jobs_may_end_that(
    store_users: StoreUsers,
) -> None:
    admin = open_store(store_users.admin)
    assembler, episode = store_users.store("assembler"), keys.episode(JOB, "mp3")
    upload_id = await assembler.open_upload(episode, content_type="audio/mpeg")
    added = await assembler.taken_up(episode, upload_id).add(1, b"\1" * LEAST_PART_BYTES)
    await assembler.create(keys.part_upload(JOB, "mp3"), upload_id.encode())
    upload = assembler.taken_up(episode, upload_id, [added])
    await upload.add(2, b"\2")
    await upload.finish()
    assert await admin.get(episode) == b"\1" * LEAST_PART_BYTES + b"\2"
    await assembler.abandon_upload(episode, upload_id)
    await assembler.delete(keys.part_upload(JOB, "mp3"))

    assert isinstance(admin, S3Store)
    for role in ("assembler", "coordinator", "gateway"):
        upload_id = await assembler.open_upload(episode)
        await store_users.store(role).abandon_upload(episode, upload_id)
        left = admin._client._list_multipart_uploads(store_users.bucket, prefix=episode)
        assert left.uploads == [], f"{role} may abort"
    upload_id = await assembler.open_upload(episode)
    for role in ("synthesizer", "chunker", "client"):
        await refused(store_users.store(role).abandon_upload(episode, upload_id))
        await refused(store_users.store(role).taken_up(episode, upload_id).add(1, b""))
    await assembler.abandon_upload(episode, upload_id)

    for unwritable in (keys.status(JOB), keys.request(JOB)):
        await refused(assembler.open_upload(unwritable))


async def test_provisioning_again_changes_nothing_and_users_are_told_apart_by_bucket(store_users: StoreUsers) -> None:
    before = await StoreAdmin(store_users.admin).users()
    said = await store_users.provision(retire=True)
    assert await StoreAdmin(store_users.admin).users() == before
    assert len(before) == len(store_users.urls)
    assert not [line for line in said if "removed" in line]


async def test_a_rotation_has_both_users_until_the_old_one_is_retired(store_users: StoreUsers) -> None:
    old = store_users.store("chunker")
    store_users.renew("chunker")
    await store_users.provision()
    new = store_users.store("chunker")
    await old.ping()
    await new.create(keys.manifest(JOB), b"{}")
    assert await old.get(keys.manifest(JOB)) == b"{}"
    assert [line for line in await store_users.provision(retire=True) if "removed" in line]
    with pytest.raises(StoreDown, match="InvalidAccessKeyId"):
        await old.get(keys.manifest(JOB))
    assert await new.get(keys.manifest(JOB)) == b"{}"


async def test_a_bucket_that_is_missing_is_named_with_what_makes_it(store_users: StoreUsers) -> None:
    admin = open_store(store_users.admin)
    assert isinstance(admin, S3Store)
    admin._client.remove_bucket(store_users.bucket)
    with pytest.raises(StoreDown, match="no such bucket, and this user may not make it"):
        await store_users.store("chunker").ping()
    await store_users.provision()
    await store_users.store("chunker").ping()


async def test_who_may_not_administer_is_told_so(store_users: StoreUsers) -> None:
    with pytest.raises(Misconfigured, match="root user"):
        await provision(Settings(store_url=store_users.urls["operator"]), store_users.folder, seconds=30)


async def test_a_wrong_secret_of_the_administrator_ends_in_time_with_the_reason(
    store_users: StoreUsers, capsys: pytest.CaptureFixture[str]
) -> None:
    url = store_users.admin.store_url.replace(store_users.server.node.password, "not the password")
    with pytest.raises(StoreDown, match="took longer than 3 s"):
        await provision(Settings(store_url=url), store_users.folder, seconds=3)
    assert "SignatureDoesNotMatch" in capsys.readouterr().out


def test_the_command_says_what_is_wrong_and_prints_policies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PODCAST_STORE_URL", "s3://root:password@127.0.0.1:1/podcast?secure=false")
    assert main(["--users", str(tmp_path)]) == 2
    (tmp_path / "store_url_chunker").write_text(f"s3://key:{'s' * 16}@127.0.0.1:1/podcast?secure=false")
    assert main(["--users", str(tmp_path), "--seconds", "1"]) == 1
    monkeypatch.setenv("PODCAST_STORE_URL", "file:///tmp/store")
    assert main(["--users", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "no file store_url_<role>" in said.err
    assert "took longer than 1 s" in said.err
    assert "Only an S3 server has users" in said.err
    assert main(["--policies", "podcast"]) == 0
    assert json.loads(capsys.readouterr().out)["podcast-chunker"]["Version"] == "2012-10-17"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("store_url_chunker", "s3://minio:9000/podcast", "no key with a secret"),
        ("store_url_chunker", "s3://key:short@minio:9000/podcast", "16 characters"),
        ("store_url_chunker", f"s3://key:{'s' * 16}@minio:9000/elsewhere", "bucket elsewhere"),
        ("store_url_chunkers", f"s3://key:{'s' * 16}@minio:9000/podcast", "no file store_url_<role>"),
    ],
)
async def test_a_mistake_in_the_files_is_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(Misconfigured, match=words):
        await provision(Settings(store_url="s3://a:b@127.0.0.1:1/podcast"), tmp_path, seconds=5)


async def test_each_role_does_its_part_of_a_show_and_no_more(store_users: StoreUsers) -> None:
    admin, gateway = open_store(store_users.admin), store_users.store("gateway")
    show = shows.new_show("essays", {"title": "x", "description": "x"}, public_url="")
    await shows.create(gateway, show)
    await shows.set_cover(gateway, "essays", JPEG)
    token, _ = await feed_tokens.add(gateway, "essays", name="")
    places = [EpisodeOfShow(show_id="essays"), EpisodeOfShow(show_id="essays", episode_id="j1")]
    jobs = [
        JobRequest(job_id=job_id, source=TextSource(text="x"), show=place)
        for job_id, place in zip(("j1", "j2"), places, strict=True)
    ]
    for role in ("client", "feeds"):
        asked, uploads = await show_defaults.applied(store_users.store(role), jobs[0])
        assert (asked.metadata, list(uploads.values())) == ({"album": "x"}, [JPEG])
    for job in jobs:
        await admin.put(keys.request(job.job_id), job.model_dump_json().encode())
        await show_episodes.announce(store_users.store("chunker"), job)
    assert len(await show_episodes.entries(gateway, "essays")) == 1
    assert (await shows.find(store_users.store("webhooks"), "essays")).title == "x"
    coordinator = store_users.store("coordinator")
    assert await ShowRetention(coordinator).keeps("j1") is False  # it is not completed
    for job in jobs:
        await show_episodes.forget_job(coordinator, job)
    assert await show_episodes.entries(gateway, "essays") == []

    secret = keys.show_token("essays", token.token_id)
    for role in ("chunker", "synthesizer", "assembler", "coordinator", "webhooks", "client", "feeds"):
        await refused(store_users.store(role).get(secret))
        await refused(store_users.store(role).put(keys.show("essays"), b"{}"))
    for role in ("synthesizer", "assembler", "webhooks", "client", "feeds"):
        await refused(store_users.store(role).put(keys.show_episode("essays", "j1"), b"{}"))
