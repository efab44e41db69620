"""`podcast deploy up|status|down`: what each says when something is missing.

A stand-in for the program `docker` says what the engine says in each case; `make stack-test` has the real one.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.stack.deployment import Deployment
from services.cli.app import cli

MANAGER = '{"LocalNodeState":"active","ControlAvailable":true}'
ANSWERS = {
    "info": MANAGER,
    "node ls": "one",
    "node inspect": '{"podcast.broker":"1","podcast.store":"1"}',
    "image inspect": "sha256:1",
    "service ls": "",
    "stack deploy": "",
}
STAND_IN = """
import json, os, pathlib, sys

here, words = pathlib.Path(__file__).parent, sys.argv[1:]
if words[:2] == ["stack", "config"]:
    os.execv(REAL, ["docker", *words])
with (here / "calls").open("a") as calls:
    print(*words, file=calls)
answers = json.loads((here / "answers.json").read_text())
answer = next(text for name, text in answers.items() if " ".join(words).startswith(name))
if answer.startswith("!"):
    sys.exit(answer[1:])
print(answer)
"""
Answering = Callable[..., Path]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Answering:
    """Puts a `docker` in the path that answers so, and notes each call; `stack config` is docker's own."""
    real = shutil.which("docker")
    if real is None:
        pytest.skip("docker is not installed")
    folder = tmp_path / "bin"
    folder.mkdir()

    def answer(**changed: str) -> Path:
        answers = ANSWERS | {name.replace("_", " "): text for name, text in changed.items()}
        (folder / "answers.json").write_text(json.dumps(answers))
        program = folder / "docker"
        program.write_text(f"#!{sys.executable} -IS\nREAL = {real!r}\n{STAND_IN}")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        return folder / "calls"

    return answer


def run(deployment: Deployment, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["deploy", words[0], str(deployment.folder), *words[1:]])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"info": '{"LocalNodeState":"inactive","ControlAvailable":false}'}, "docker swarm init"),
        ({"info": '{"LocalNodeState":"active","ControlAvailable":false}'}, "worker"),
        ({"node_inspect": "null"}, "docker node update --label-add podcast.broker=1 --label-add podcast.store=1"),
        ({"node_inspect": '{"podcast.broker":"1"}'}, "No node has the label podcast.store=1."),
        ({"image_inspect": "!No such image"}, "This node has no image podcast/minio:checked, podcast/rabbitmq:checked"),
        ({"stack_deploy": "!pull access denied"}, "pull access denied"),
    ],
)
def test_what_is_missing_is_named(
    deployment: Deployment, answering: Answering, changed: dict[str, str], said: str
) -> None:
    answering(**changed)
    code, output = run(deployment, "up", "--wait", "0")
    assert code != 0
    assert said in output


def test_what_is_deployed_is_the_merged_file_and_nothing_else(deployment: Deployment, answering: Answering) -> None:
    calls = answering()
    code, output = run(deployment, "up", "--wait", "0")
    assert code == 0, output
    deployed = [line for line in calls.read_text().splitlines() if line.startswith("stack deploy")]
    assert deployed == ["stack deploy --detach=true --resolve-image=always -c - podcast"]
    assert "export PODCAST_API_URL=http://127.0.0.1:8080" in output
    key = (deployment.secrets / "gateway_key").read_text()
    assert key not in output


def test_a_deployment_that_was_never_made_says_how(tmp_path: Path) -> None:
    code, output = run(Deployment(tmp_path / "none"), "up")
    assert code == 2
    assert f"podcast deploy init {tmp_path / 'none'}" in output


def test_no_tag_and_an_unknown_overlay_are_named(tmp_path: Path) -> None:
    code, output = run(Deployment(tmp_path), "init")
    assert (code, "--tag TAG" in output) == (2, True)
    code, output = run(Deployment(tmp_path), "init", "--tag", "1", "--overlay", "rabbit-cluster")
    assert (code, "rabbitmq-cluster" in output) == (2, True)
    code, output = run(Deployment(tmp_path), "init", "--tag", "1", "--overlay", "external-broker")
    assert (code, "--amqp-url-file FILE" in output) == (2, True)
    code, output = run(Deployment(tmp_path), "init", "--tag", "1", "--overlay", "tracing-headers")
    assert (code, "--traces-headers-file FILE" in output) == (2, True)
    assert not (tmp_path / "secrets").exists()


def test_an_external_broker_has_its_address_from_a_file(tmp_path: Path) -> None:
    address = tmp_path / "address"
    address.write_text("amqp://somebody:secret@broker.example.org:5672/\n")
    code, output = run(
        Deployment(tmp_path / "d"),
        "init",
        "--tag",
        "1",
        "--overlay",
        "external-broker",
        "--amqp-url-file",
        str(address),
    )
    assert code == 0, output
    assert (tmp_path / "d" / "secrets" / "amqp_url_webhooks").read_text() == address.read_text().strip()
    assert "secret" not in output.replace("secrets", "")


def test_a_global_service_that_cannot_start_is_not_complete(deployment: Deployment, answering: Answering) -> None:
    # Between two starts of its task docker says 0/0.
    listed = {"ID": "x", "Name": "podcast_node-exporter", "Replicas": "0/0", "Mode": "global", "Image": "one:1"}
    answering(
        service_ls=json.dumps(listed),
        service_inspect='[{"ID":"x","Spec":{"Name":"podcast_node-exporter"}}]',
        service_ps="Ready 2 seconds ago\tpath / is mounted on / but it is not a shared or slave mount",
    )
    code, output = run(deployment, "status")
    assert code == 1
    assert "0/1" in output
    assert "not a shared or slave mount" in output


def test_status_says_what_is_not_as_it_should_be(deployment: Deployment, answering: Answering) -> None:
    listed = {"ID": "x", "Name": "podcast_gateway", "Replicas": "1/2", "Image": "podcast/services:checked"}
    answering(
        service_ls=json.dumps(listed),
        service_inspect='[{"ID":"x","Spec":{"Name":"podcast_gateway"},"UpdateStatus":{"State":"updating"}}]',
        service_ps="Rejected 3 seconds ago\tNo such image: podcast/services:checked",
    )
    code, output = run(deployment, "status")
    assert code == 1
    assert "gateway" in output
    assert "1/2" in output
    assert "No such image: podcast/services:checked" in output
