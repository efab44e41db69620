"""A merged stack file, as `docker stack config` prints it: its services, each a block of lines.

docker prints one form only, sorted and indented by two, so this needs no parser of YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from shared.errors import BadInput

_SECTION: Final = re.compile(r"^(?P<name>[a-z][\w-]*):", re.MULTILINE)
_SERVICE: Final = re.compile(r"^  (?P<name>[\w.-]+):\n", re.MULTILINE)
_LABEL: Final = re.compile(r"node\.labels\.(?P<label>\S+) == (?P<value>[^\s'\"]+)")
_IMAGE: Final = re.compile(r"^    image: (\S+)$", re.MULTILINE)
_NONE: Final = re.compile(r"^      replicas: 0$", re.MULTILINE)
_IN_TURN: Final = re.compile(r"^        podcast\.in-turn: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class MergedFile:
    """The file.

    Attributes:
        text: what `docker stack config` printed.
    """

    text: str

    @cached_property
    def _sections(self) -> dict[str, str]:
        starts = [*_SECTION.finditer(self.text)]
        ends = [*(found.start() for found in starts[1:]), len(self.text)]
        return {found["name"]: self.text[found.start() : end] for found, end in zip(starts, ends, strict=True)}

    @cached_property
    def services(self) -> dict[str, str]:
        """The services by name.

        Raises:
            BadInput: it has none.
        """
        text = self._sections.get("services", "")
        starts = [*_SERVICE.finditer(text)]
        if not starts:
            raise BadInput("There is no service in the stack file.")
        ends = [*(found.start() for found in starts[1:]), len(text)]
        return {found["name"]: text[found.start() : end] for found, end in zip(starts, ends, strict=True)}

    @property
    def _used(self) -> list[str]:
        return [block for block in self.services.values() if not _NONE.search(block)]

    def labels(self) -> list[tuple[str, str]]:
        """The labels of nodes, with their values, that services with at least one task ask for."""
        return sorted({(found["label"], found["value"]) for block in self._used for found in _LABEL.finditer(block)})

    def images(self) -> list[str]:
        """The images of services with at least one task."""
        return sorted({image for block in self._used for image in _IMAGE.findall(block)})

    def in_turn(self) -> list[str]:
        """The services that are the nodes of a cluster, of which only one may be away at a time, in order."""
        return [name for name, block in self.services.items() if _IN_TURN.search(block)]

    def only(self, names: Iterable[str]) -> str:
        """The file with these services alone."""
        blocks = "".join(self.services[name] for name in names)
        return "".join(f"services:\n{blocks}" if name == "services" else text for name, text in self._sections.items())
