"""Every error the engine raises on purpose.

    PodcastError
    ├── BadInput            the request cannot be fulfilled; the input must be changed             → dead letter, exit 2
    │   ├── BadSource           the article, book or page cannot be read
    │   │   └── ForbiddenAddress    strangers may not make us connect to its address
    │   └── TooLarge            over a size or chunk limit
    ├── Permanent           trying again cannot help                                               → dead letter, exit 1
    │   ├── SpeechRejected      the speech server refused the request (voice, text, model)
    │   └── Poison              the message killed its consumer too often
    ├── Transient           trying again may help; each try is counted                             → wait queue
    │   ├── BadAudio            the speech server answered with unusable audio
    │   ├── DeadlineExceeded    a call or a handler took longer than it may
    │   └── Outage              a server is down as a whole; the work waits and nothing is counted → wait queue
    │       ├── SpeechDown
    │       ├── StoreDown
    │       └── BrokerDown                                                                         → exit 3
    ├── NotFound            no object under this key
    ├── Conflict            somebody else has created or changed the object                        → the caller decides
    └── Misconfigured       a setting is wrong; the process does not start                         → exit 2

How a failure is handled follows from the class alone: `Transient` is retried, anything else is dead-lettered, and after
a crash the broker redelivers. An exception from outside this tree is a bug: it is retried like `Transient`, in case it
was a rare fault, and dead-lettered with its traceback when the attempts are used up.
"""

from __future__ import annotations


class PodcastError(Exception):
    """Says in one plain sentence what went wrong, and in another what to do about it.

    Attributes:
        message: what went wrong.
        hint: what the reader can do about it; may be empty.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadInput(PodcastError):
    """The request cannot be fulfilled; the input must be changed."""


class BadSource(BadInput):
    """The article, book or page cannot be read."""


class ForbiddenAddress(BadSource):
    """An address leads to this machine or into a private network, and no setting allows it."""


class TooLarge(BadInput):
    """The source is over a size or chunk limit."""


class Permanent(PodcastError):
    """Trying again cannot help."""


class SpeechRejected(Permanent):
    """The speech server refused the request itself: unknown voice, unspeakable text, wrong key."""


class Poison(Permanent):
    """The message killed its consumer too often to be tried again."""


class Transient(PodcastError):
    """Trying again may help.

    Attributes:
        retry_after_seconds: how long the server asked to wait before the next try, or None.
        counts: whether this failure uses up one of the message's attempts.
    """

    counts = True

    def __init__(self, message: str, *, hint: str = "", retry_after_seconds: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class BadAudio(Transient):
    """The speech server answered with audio that is missing, silent, truncated or too long for its text."""


class DeadlineExceeded(Transient):
    """A call or a handler took longer than it may."""


class Outage(Transient):
    """A server is down as a whole: the work waits, and no attempt is used up."""

    counts = False


class SpeechDown(Outage):
    """No speech endpoint answers."""


class StoreDown(Outage):
    """The object store does not answer."""


class BrokerDown(Outage):
    """The broker does not answer."""


class NotFound(PodcastError):
    """No object under this key."""


class Conflict(PodcastError):
    """Somebody else has created or changed the object. The caller decides what that means."""


class Misconfigured(PodcastError):
    """A setting is wrong; the process does not start."""
