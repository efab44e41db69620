"""What those joiners have in common that copy frames unchanged, with frames of silence between them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from shared.audio.joining.joiner import State, Whole
from shared.audio.joining.placement import Placed


class CopyingJoiner(ABC):
    """A part of a `Joiner`: all but the head of the file.

    Args:
        silence: one silent frame.
    """

    def __init__(self, silence: bytes) -> None:
        self._silence = silence
        self._frame = 0  # the next frame of the episode

    @abstractmethod
    def check(self, placed: Placed, payload: bytes | memoryview) -> None:
        """A walk over the frames of a segment.

        Raises:
            BadAudio: they are not those that its head lists.
        """

    def came(self, placed: Placed) -> None:  # noqa: B027 - of WAV there is nothing to note
        """Note what the head of the file will say of a segment that was added."""

    def was_silent(self, frames: int) -> None:  # noqa: B027 - the same
        """The same of silence."""

    def add(self, placed: Placed, payload: bytes | memoryview) -> bytes:
        """See `Joiner.add`."""
        self.check(placed, payload)
        silence = self._silent_until(placed.begins, and_then=placed.ends)
        self.came(placed)
        return silence + payload

    def end(self, whole: Whole) -> bytes:
        """The silence after the last segment."""
        frames = whole.placement.frames
        return self._silent_until(frames, and_then=frames)

    def state(self) -> State:
        """See `Joiner.state`."""
        return {"frame": self._frame}

    def resume(self, state: State) -> None:
        """See `Joiner.resume`."""
        self._frame = state["frame"]

    def _silent_until(self, frame: int, *, and_then: int) -> bytes:
        """The silence before a frame; `and_then` is the next frame after what comes there."""
        silent = frame - self._frame
        self.was_silent(silent)
        self._frame = and_then
        return self._silence * silent
