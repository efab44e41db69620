"""How far a job is: its plan's pieces, phase by phase. Pure bookkeeping, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from services.coordinator.pieces import Kind, Phase
from services.coordinator.plan import CHUNK
from services.coordinator.tally import Tally
from shared.protocol.manifest import Manifest
from shared.protocol.messages import ChunkCounts, ChunkFailure, ChunkRequested, Message

FAILURES_SHOWN = 200
"""Failures of each kind kept in the status; all their dead letters are kept."""
_TEXT_SHOWN_CHARACTERS = 200


class Progress:
    """Which pieces of a job are finished, failed, in flight, or still to be requested.

    Args:
        manifest: the job's.
        kinds: the job's plan.
        checkpoints: the earlier `checkpoints` of each kind; hints.
        failed: failures noted in the job's last status.
    """

    def __init__(
        self,
        manifest: Manifest,
        kinds: Sequence[Kind],
        *,
        checkpoints: Mapping[str, str] | None = None,
        failed: Iterable[ChunkFailure] = (),
    ) -> None:
        self.manifest = manifest
        self.tallies = {kind.name: Tally(kind) for kind in kinds}
        for name, checkpoint in (checkpoints or {}).items():
            if name in self.tallies:
                self.tallies[name].restore(checkpoint)
        for correction in manifest.corrections:
            # The checkpoint may be of the time before it. Asking again for what is there costs a message.
            self.tallies[CHUNK].lose(correction.audio_key)
        for failure in failed:
            tally = self.tallies.get(failure.kind)
            if tally is not None and failure.index < len(tally.kind.object_keys):
                tally.fail(tally.kind.object_keys[failure.index], failure.reason, failure.attempts)

    @property
    def phase(self) -> Phase:
        """The current phase: the first one that is not over."""
        return min((tally.kind.phase for tally in self.tallies.values() if not _over(tally)), default=max(Phase))

    def finish(self, key: str) -> bool:
        """Note that this object is in the store; False if that was known, or it is not of this job."""
        return sum(tally.finish(key) for tally in self.tallies.values()) > 0

    def fail(self, queue: str, request: Message, reason: str, attempts: int | None = None) -> bool:
        """Note that a piece cannot be made.

        Args:
            queue: the name of the work queue in which `request` died.
            request: the message that requested the piece.
            reason: why it died.
            attempts: how often it was tried, if that is known.

        Returns:
            False if this job would not have sent that request, does not wait for it yet, or has the piece after all.
        """
        for tally in self._under_way():
            kind = tally.kind
            key = getattr(request, "object_key", kind.object_keys[0] if len(kind.object_keys) == 1 else None)
            index = tally.index_of(key) if kind.queue.name == queue and key is not None else None
            if key is not None and index is not None and _is_of(request, kind.request(index)):
                return tally.fail(key, reason, attempts)
        return False

    def lose(self, key: str, *, all_of_its_kind: bool = False) -> bool:
        """Note that this object is gone; False if it was not believed to exist.

        Args:
            key: the object.
            all_of_its_kind: forget that any object of the kind exists, and request each again. The receiver looks
                for the object first, so this costs a message and no work.
        """
        for tally in self.tallies.values():
            if tally.lose(key):
                for other in tally.finished() if all_of_its_kind else ():
                    tally.lose(other)
                for later in self.tallies.values():
                    if later.kind.phase > tally.kind.phase:
                        later.ask_again()
                return True
        return False

    def ask_again(self) -> None:
        """Forget what was requested: the messages are lost."""
        for tally in self.tallies.values():
            tally.ask_again()

    def object_of(self, queue: str, index: int | None) -> str | None:
        """The object of this piece (None: the only one), if this queue is asked for it."""
        for tally in self._under_way():
            keys = tally.kind.object_keys
            place = 0 if index is None and len(keys) == 1 else index
            if tally.kind.queue.name == queue and place is not None and place < len(keys):
                return keys[place]
        return None

    def sent_back(self, key: str) -> None:
        """Note that a message that requests this object is in its queue again, so it may be made after all."""
        for tally in self._under_way():
            tally.sent_back(key)

    def take(self) -> list[Message]:
        """Requests for the pieces that there is room for now; these count as in flight from now on."""
        return [tally.kind.request(index) for tally in self._under_way() for index in tally.take()]

    @property
    def in_flight(self) -> list[str]:
        """The objects that have been requested and have not come back."""
        return [key for tally in self.tallies.values() for key in tally.in_flight]

    def waits_for(self) -> list[Kind]:
        """The kinds that have pieces in flight."""
        return [tally.kind for tally in self.tallies.values() if tally.in_flight]

    def first_fatal(self) -> tuple[Kind, int, str] | None:
        """What fails the job, once the phase is over: the kind, index and reason of a required piece that failed."""
        phase = self.phase
        if any(tally.kind.phase <= phase and not tally.settled for tally in self.tallies.values()):
            return None  # what can be made is made first, so that a replay needs only the rest
        fatal = (
            (tally.kind, *tally.failures[0])
            for tally in self.tallies.values()
            if tally.kind.phase <= phase and tally.kind.required and tally.failed
        )
        return next(fatal, None)

    @property
    def complete(self) -> bool:
        """Every required object is in the store, and the others are finished or given up."""
        return all(_over(tally) for tally in self.tallies.values())

    @property
    def counts(self) -> ChunkCounts:
        """Counts in chunks of the manifest."""
        tally = self.tallies[CHUNK]
        return ChunkCounts(total=len(tally.kind.object_keys), done=tally.done, failed=tally.failed_count)

    @property
    def failures(self) -> tuple[ChunkFailure, ...]:
        """The first failures of each kind, in order of the text."""
        return tuple(
            ChunkFailure(
                kind=tally.kind.name,
                index=index,
                text=tally.kind.text(index)[:_TEXT_SHOWN_CHARACTERS],
                reason=reason,
                attempts=tally.attempts_at(index),
            )
            for tally in self.tallies.values()
            for index, reason in tally.failures[:FAILURES_SHOWN]
        )

    @property
    def checkpoints(self) -> dict[str, str]:
        """What is finished, for each kind that has anything finished; for `JobStatus.finished`."""
        return {name: tally.checkpoint() for name, tally in self.tallies.items() if tally.finished_count}

    def warnings(self) -> tuple[str, ...]:
        """What the manifest warns of, and a sentence for each optional kind with a failed piece.

        The latter says where the dead letters are.
        """
        return self.manifest.warnings + tuple(
            f"The {tally.kind.name} is missing: {tally.failures[0][1]} Its message is in {tally.kind.queue.dead}:"
            f" podcast dlq list {tally.kind.queue.name} --job {self.manifest.job_id}"
            for tally in self.tallies.values()
            if not tally.kind.required and tally.failed
        )

    def _under_way(self) -> list[Tally]:
        phase = self.phase
        return [tally for tally in self.tallies.values() if tally.kind.phase <= phase]


def _is_of(request: Message, asked: Message) -> bool:
    """Whether `request` is what this job would send now, or would have sent before messages said what is mastered."""
    if isinstance(request, ChunkRequested) and isinstance(asked, ChunkRequested) and request.mastering is None:
        asked = asked.model_copy(update={"mastering": None})
    return request == asked


def _over(tally: Tally) -> bool:
    """Whether the job may go on past these pieces."""
    return tally.complete or (not tally.kind.required and tally.settled)
