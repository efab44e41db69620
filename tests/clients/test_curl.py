"""curl as people use it: submit, watch, resume, fetch a part."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.clients.conftest import COMMAND_SECONDS, Server


def curl(server: Server, path: str, *options: str | Path) -> str:
    command = ("curl", "-sS", "--fail-with-body", "-H", f"Authorization: Bearer {server.key}", *options)
    ended = subprocess.run(
        (*map(str, command), server.url + path),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_curl_submits_watches_and_fetches(server: Server, article: Path, tmp_path: Path) -> None:
    options = json.dumps({"title": "Light"})
    key = f"Idempotency-Key: {article.parent.name}"
    submit = ("-H", key, "-F", f"file=@{article}", "-F", f"options={options};type=application/json")
    job_id = json.loads(curl(server, "/v1/jobs", *submit))["job_id"]
    assert json.loads(curl(server, "/v1/jobs", *submit))["job_id"] == job_id

    stream = curl(server, f"/v1/jobs/{job_id}/events", "-N", "--max-time", "60")

    ids = [line.removeprefix("id:").strip() for line in stream.splitlines() if line.startswith("id:")]
    assert json.loads(last_data(stream))["state"] == "completed"
    resumed = curl(server, f"/v1/jobs/{job_id}/events", "-N", "--max-time", "60", "-H", f"Last-Event-ID: {ids[0]}")
    assert json.loads(last_data(resumed))["state"] == "completed"
    assert curl(server, f"/v1/jobs/{job_id}/events", "-H", f"Last-Event-ID: {ids[-1]}") == ""

    curl(server, f"/v1/jobs/{job_id}/episode", "-OJ", "--output-dir", tmp_path)
    (episode,) = tmp_path.glob("*.mp3")
    assert episode.name == "Light.mp3"
    curl(server, f"/v1/jobs/{job_id}/episode", "-r", "100-199", "-o", tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == episode.read_bytes()[100:200]
    (tmp_path / "resumed").write_bytes(episode.read_bytes()[:1_000])
    curl(server, f"/v1/jobs/{job_id}/episode", "-C", "-", "-o", tmp_path / "resumed")
    assert (tmp_path / "resumed").read_bytes() == episode.read_bytes()


def test_curl_sees_a_problem(server: Server) -> None:
    ended = subprocess.run(
        ("curl", "-sS", "-w", "%{http_code} %{content_type}", "-o", "/dev/null", f"{server.url}/v1/jobs"),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=True,
    )
    assert ended.stdout == "401 application/problem+json"


def last_data(stream: str) -> str:
    return [line.removeprefix("data:") for line in stream.splitlines() if line.startswith("data:")][-1]
