"""What happens to a delivered message: one deadline, and one of three responses to failure.

Transient → a copy into a wait queue, then ack. Permanent → a copy into the dead-letter queue, then ack. Crash → no ack,
and the broker redelivers. A copy is confirmed before the ack: at any moment a message is in at least one queue.

When the connection or the consumer's channel is lost, the broker also redelivers, possibly immediately and to another
process. So what is in flight is cancelled, settles nothing, and is noted as lost, so as not to count as a death.

A server may ask for a longer pause than the longest wait queue. The message then passes through that queue repeatedly;
each time it is sent back from here without reaching a handler or counting an attempt.
"""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from types import TracebackType
from typing import TYPE_CHECKING, Any

import aio_pika
import structlog
from aio_pika import IncomingMessage
from aio_pika.exceptions import ChannelInvalidStateError
from faststream import BaseMiddleware
from faststream.exceptions import SubscriberNotFound
from pydantic import ValidationError

from shared.addresses import scrub
from shared.deadlines import deadline
from shared.errors import BrokerDown, PodcastError, Transient
from shared.protocol import envelope
from shared.protocol.topology import DEAD_EXCHANGE, EXCHANGE
from shared.runtime import attempts, delays, logs, message_traces, metrics
from shared.runtime.publishing import CONNECTION_ERRORS
from shared.runtime.slots import NoSlot
from shared.runtime.subscription import Subscription
from shared.tracing.spans import NOTHING

if TYPE_CHECKING:
    from faststream.message import StreamMessage

log = structlog.get_logger(__name__)

_OUTAGE_WAIT_STEPS = 3
"""While a server is down, only the first wait queues are used (of most services, up to 15 s): a try is cheap."""
_SETTLE_PAUSE_SECONDS = 0.5
_ABANDONED = "abandoned"
"""Not settled by us: the connection is lost, and the broker redelivers the message."""
_FAILED = frozenset({"retried", "waiting", "dead"})
_MALFORMED = (ValidationError, SubscriberNotFound, json.JSONDecodeError, UnicodeDecodeError)
_PERMANENT = (PodcastError, *_MALFORMED)
"""Except Transient, which is a PodcastError too. Anything else is a bug and is retried, as it may be a rare fault."""


class Ignored(PodcastError):
    """Nobody needs the message: another service is responsible, or its job was deleted. It is acked and dropped."""


class Misrouted(Ignored):
    """It came here in a way that its sender may not use. It is dropped: a dead letter of it could fail a job."""


class Disguised(PodcastError):
    """Its type is not the one that its sender may publish."""


class _TooEarly(PodcastError):
    """A server has asked for a pause that is not over yet."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The pause that a server asked for lasts another {seconds:.0f} s.")
        self.seconds = seconds


class _TakenBack(PodcastError):
    """The channel that delivered the message is closed: the broker redelivers it to another consumer."""


class Delivery(BaseMiddleware[Any, Any]):
    """Handles one delivery: deadline, log, metrics and settlement."""

    def __init__(self, msg: Any, /, *, context: Any, subscription: Subscription) -> None:
        super().__init__(msg, context=context)
        self.msg: IncomingMessage
        self.subscription = subscription
        self.task = asyncio.current_task()
        self.kind = envelope.kind(msg)
        self.name = f"{self.kind} {envelope.job_id(msg)}"
        self.is_suspect = bool(msg.redelivered or msg.headers.get(envelope.SUSPECT))
        self.started = time.monotonic()
        self.bare = False
        self.span = NOTHING

    async def on_receive(self) -> None:
        """Add the message to those in flight, and its job to the log context."""
        about = {"job": envelope.job_id(self.msg), "chunk": envelope.chunk(self.msg)}
        known = {name: value for name, value in about.items() if value is not None}
        structlog.contextvars.bind_contextvars(**known, attempt=envelope.attempt(self.msg))
        attempts.begin(envelope.attempt(self.msg) + envelope.waits(self.msg))
        self.span = message_traces.processing(self.msg, self.subscription.queue.name)
        self.span.__enter__()  # the message is handled in a task of its own, so it ends with the delivery
        structlog.contextvars.bind_contextvars(**logs.trace_of(self.span))
        if self.task is not None:
            self.subscription.in_flight[self.task] = self
        queue = self.subscription.queue.name
        metrics.IN_FLIGHT.labels(queue).inc()
        if (seconds := envelope.age_seconds(self.msg)) is not None:
            metrics.WAITED_SECONDS.labels(queue).observe(seconds)

    @property
    def is_taken_back(self) -> bool:
        """Whether the channel that delivered it is closed, so that it can no longer be settled."""
        try:
            return bool(self.msg.channel.is_closed)
        except ChannelInvalidStateError:
            return True

    def note_loss(self) -> None:
        """Note that its redelivery does not mean a death. A suspect has a marker, which is removed instead."""
        if not self.is_suspect:
            self.subscription.quarantine.lost(envelope.identity(self.msg))

    async def consume_scope(self, call_next: Any, msg: StreamMessage[Any]) -> Any:
        """Run the handler under its deadline, alone if the message is suspected of killing its consumer.

        It waits for its slot inside the gate: a message that holds a slot never waits for a suspect, which would wait
        for those that need another slot.
        """
        quarantine = self.subscription.quarantine
        if self.is_taken_back:
            self.note_loss()
            raise _TakenBack("The connection was lost before the message could be handled.")
        self._check_route()
        if seconds := envelope.still_seconds(self.msg, limit=self.subscription.pause_limit_seconds):
            raise _TooEarly(seconds)
        async with (
            quarantine.suspect(envelope.identity(self.msg)) if self.is_suspect else quarantine.ordinary(),
            self.subscription.slots.taken(),
        ):
            self.started = time.monotonic()
            async with deadline(
                self.subscription.deadline_seconds, f"{self.subscription.service} handling {self.kind}"
            ):
                return await call_next(msg)

    def _check_route(self) -> None:
        """Believe of a message only what its sender may publish: the broker limits each user's routing keys.

        RabbitMQ 3.10 does not limit those in the headers CC and BCC, through which a message would reach other queues
        too, and no version looks at the property `type`.

        Raises:
            Misrouted: it was published under a key that does not lead here.
            Disguised: it claims another type than the one it was published as.
        """
        queue, key = self.subscription.queue, self.msg.routing_key
        expected = {
            EXCHANGE: {message.ROUTING_KEY for message in queue.consumes},
            DEAD_EXCHANGE: set(queue.hears_deaths_of),
        }.get(self.msg.exchange or "")
        if expected is not None and key not in expected:
            log.error("misrouted", kind=self.kind, routing_key=key, sender=self.msg.user_id)
            raise Misrouted(f"Nothing that is published as {key} belongs into {queue.name}.")
        if self.msg.exchange == EXCHANGE and self.kind != key:
            raise Disguised(f"The message says that it is {self.kind}, but was published as {key}.")

    async def after_processed(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool:
        """Settle the message; True, since the failure has been handled."""
        del exc_type, exc_tb
        try:
            outcome = await self._settle(exc_val)
            log.info("settled", kind=self.kind, outcome=outcome, seconds=round(time.monotonic() - self.started, 3))
            metrics.MESSAGES.labels(self.subscription.queue.name, outcome).inc()
            if outcome in _FAILED and exc_val is not None and not isinstance(exc_val, _TooEarly):
                error = metrics.error_name(exc_val)
                metrics.FAILURES.labels(self.subscription.queue.name, error, outcome).inc()
            self.span.set({"podcast.outcome": outcome})
        finally:
            metrics.IN_FLIGHT.labels(self.subscription.queue.name).dec()
            metrics.HANDLER_SECONDS.labels(
                self.subscription.queue.name, self.kind if exc_val is None else "failed"
            ).observe(time.monotonic() - self.started)
            if exc_val is not None and not self._is_no_failure(exc_val):
                self.span.failed(exc_val, reason=_sentence(exc_val))
            self.span.end()
            if self.task is not None:
                self.subscription.in_flight.pop(self.task, None)
        return not isinstance(exc_val, asyncio.CancelledError)

    def _is_no_failure(self, error: BaseException) -> bool:
        """Whether the message was not handled although nothing is wrong: its time will come, or nobody needs it."""
        is_handed_back = isinstance(error, asyncio.CancelledError) and self.subscription.stopping
        return is_handed_back or isinstance(error, Ignored | NoSlot | _TooEarly)

    async def _settle(self, error: BaseException | None) -> str:
        """Settle the message, retrying until that succeeds or the broker has taken it back."""
        while not self.is_taken_back:
            try:
                outcome = await self._answer(error)
                if outcome != _ABANDONED:
                    await self.msg.ack()
            except (BrokerDown, *CONNECTION_ERRORS) as trouble:
                log.warning("could not settle yet", kind=self.kind, reason=str(trouble))
                await asyncio.sleep(_SETTLE_PAUSE_SECONDS)
            except Exception as bug:
                # Whatever a stranger put into the headers: the message must not occupy its consumer's slot for ever.
                log.exception("could not settle as it should be")
                self.bare, error = True, error or bug
                await asyncio.sleep(_SETTLE_PAUSE_SECONDS)
            else:
                return outcome
        log.info("the broker took the message back", kind=self.kind)
        return _ABANDONED

    async def _answer(self, error: BaseException | None) -> str:
        """Carry out one of the three responses; returns the outcome."""
        if error is None:
            return "done"
        if isinstance(error, Ignored):
            return "ignored"
        if isinstance(error, _TooEarly):
            return await self._wait_on(error.seconds)
        if isinstance(error, NoSlot | asyncio.CancelledError):
            is_ours = self.subscription.stopping or isinstance(error, NoSlot)
            return await self._hand_back() if is_ours else _ABANDONED
        if self.bare or (isinstance(error, _PERMANENT) and not isinstance(error, Transient)):
            return await self._dead_letter(error)
        return await self._retry(error)

    async def _hand_back(self) -> str:
        """Return the message to its queue as a fresh copy: a requeue would count towards the delivery limit."""
        await self.subscription.publisher.copy_to(
            self.subscription.queue, envelope.copy(self.msg, headers={envelope.SUSPECT: self.is_suspect or None})
        )
        log.info("handed back", kind=self.kind)
        return "handed back"

    async def _wait_on(self, seconds: float) -> str:
        """Send the message through a wait queue again, until the pause that a server asked for is over."""
        queue_seconds, delay_seconds = self._delay(0, at_least=seconds)
        headers = {**delays.pause(seconds, delay_seconds), envelope.SUSPECT: self.is_suspect or None}
        await self._publish_waiting(headers, queue_seconds, delay_seconds)
        return "waiting"

    async def _publish_waiting(self, headers: dict[str, Any], queue_seconds: float, delay_seconds: float) -> None:
        await self.subscription.publisher.copy_to(
            self.subscription.queue,
            envelope.copy(self.msg, headers=headers, expires_seconds=delay_seconds),
            wait_seconds=queue_seconds,
        )

    def _delay(self, step: int, *, at_least: float) -> tuple[float, float]:
        return delays.delay(step, at_least=at_least, wait_seconds=self.subscription.wait_seconds)

    async def _retry(self, error: BaseException) -> str:
        counts = error.counts if isinstance(error, Transient) else True
        attempt, waits = envelope.attempt(self.msg), envelope.waits(self.msg)
        if counts and attempt >= self.subscription.attempts_limit:
            return await self._dead_letter(error)
        step = attempt - 1 if counts else min(waits, _OUTAGE_WAIT_STEPS - 1)
        wanted = min(getattr(error, "retry_after_seconds", None) or 0.0, self.subscription.pause_limit_seconds)
        queue_seconds, delay_seconds = self._delay(step, at_least=wanted)
        headers: dict[str, Any] = {
            envelope.ATTEMPT: attempt + 1 if counts else attempt,
            envelope.WAITS: 0 if counts else waits + 1,
            envelope.SUSPECT: self.is_suspect or None,
            **delays.pause(wanted, delay_seconds),
        }
        if counts or waits == 0:
            headers[envelope.ATTEMPTS_LOG] = self._attempts_log(error)
        await self._publish_waiting(headers, queue_seconds, delay_seconds)
        log.warning(
            "will try again" if counts else "waiting for a server",
            kind=self.kind,
            in_seconds=round(max(delay_seconds, wanted), 1),
            reason=_sentence(error),
            error=type(error).__name__,
            exc_info=None if isinstance(error, PodcastError) else error,
        )
        if self.subscription.queue.advances_job(self.kind):
            await self.subscription.notices.tell(
                self.msg, reason=_sentence(error), tries=attempt + waits, next_seconds=max(delay_seconds, wanted)
            )
        return "retried" if counts else "waiting"

    async def _dead_letter(self, error: BaseException) -> str:
        exchange, routing_key = envelope.origin(self.msg)
        headers = {
            envelope.EXCEPTION_TYPE: type(error).__name__,
            envelope.EXCEPTION_MESSAGE: _sentence(error)[: envelope.REASON_LIMIT_CHARACTERS],
            envelope.EXCEPTION_STACKTRACE: scrub("".join(traceback.format_exception(error)))[
                -envelope.STACKTRACE_LIMIT_CHARACTERS :
            ],
            envelope.ORIGINAL_EXCHANGE: exchange,
            envelope.ORIGINAL_ROUTING_KEY: routing_key,
            envelope.ATTEMPT: envelope.attempt(self.msg),
            envelope.ATTEMPTS_LOG: self._attempts_log(error),
            envelope.SERVICE: self.subscription.service,
            envelope.DIED_AT: envelope.now(),
            envelope.JOB: envelope.job_id(self.msg),
            envelope.CHUNK: envelope.chunk(self.msg),
            envelope.SUSPECT: None,
            envelope.NOT_BEFORE: None,
            envelope.STILL_SECONDS: None,
            envelope.ORIGIN_EXCHANGE: None,
            envelope.ORIGIN_ROUTING_KEY: None,
        }
        letter = aio_pika.Message(self.msg.body, type=self.kind, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        if not self.bare:
            letter = envelope.copy(self.msg, headers=headers)
        await self.subscription.publisher.raw(letter, DEAD_EXCHANGE, self.subscription.queue.name)
        log.error("dead letter", kind=self.kind, reason=_sentence(error), error=type(error).__name__)
        return "dead"

    def _attempts_log(self, error: BaseException) -> str:
        failed: envelope.Attempt = {
            "attempt": envelope.attempt(self.msg),
            "at": envelope.now(),
            "error": _sentence(error)[: envelope.LOG_ERROR_LIMIT_CHARACTERS],
        }
        return envelope.attempts_log(self.msg.headers, failed)


def _sentence(error: BaseException) -> str:
    """The reason in one sentence, without passwords: it goes into headers, logs and the job's status."""
    return scrub(_words(error))


def _words(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the message"
        return f"The message is not a valid {error.title}: {place}: {first['msg']}."
    if isinstance(error, SubscriberNotFound):
        return "This queue knows no message of that type."
    if isinstance(error, PodcastError):
        return str(error)
    return f"{type(error).__name__}: {error}".strip()
