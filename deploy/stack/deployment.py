"""The folder of a deployment: where its secrets, configs and options are, and which compose files it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.stack.env_file import read_env
from shared.errors import BadInput, Misconfigured

ROOT: Final = Path(__file__).parents[2]
STACK_FILE: Final = ROOT / "docker-stack.yml"
OVERLAYS: Final = ROOT / "deploy" / "overlays"


@dataclass(frozen=True)
class Deployment:
    """A folder made by `podcast deploy init`.

    Attributes:
        folder: its absolute path.
    """

    folder: Path

    @property
    def secrets(self) -> Path:
        """The folder of the secrets, a file each."""
        return self.folder / "secrets"

    @property
    def configs(self) -> Path:
        """The folder of the configs, a file each."""
        return self.folder / "configs"

    @property
    def env_file(self) -> Path:
        """The options and the hashes: every variable of the compose files."""
        return self.folder / "stack.env"

    def variables(self) -> dict[str, str]:
        """What `stack.env` says.

        Raises:
            Misconfigured: there is no such file, or it cannot be read.
        """
        if not self.env_file.is_file():
            raise Misconfigured(
                f"{self.folder} has no stack.env.", hint=f"Make it: podcast deploy init {self.folder} --tag TAG."
            )
        return read_env(self.env_file)


def overlay_names() -> tuple[str, ...]:
    """The overlays there are."""
    return tuple(sorted(path.stem for path in OVERLAYS.glob("*.yml")))


def compose_files(overlays: tuple[str, ...]) -> tuple[Path, ...]:
    """`docker-stack.yml`, and the files of the overlays in the order given; a path stands for itself.

    Raises:
        BadInput: there is no such overlay.
        Misconfigured: this installation has no stack file.
    """
    if not STACK_FILE.is_file():
        raise Misconfigured(
            f"{STACK_FILE} is missing.", hint="Run podcast from a checkout of the project, where docker-stack.yml is."
        )
    return (STACK_FILE, *(_overlay_file(name) for name in overlays))


def _overlay_file(name: str) -> Path:
    own = Path(name)
    path = own.resolve() if own.suffix in {".yml", ".yaml"} else OVERLAYS / f"{name}.yml"
    if not path.is_file():
        known = ", ".join(overlay_names()) or "none"
        raise BadInput(
            f"There is no overlay {name}.", hint=f"There are: {known}. A file of your own is given with its .yml."
        )
    return path
