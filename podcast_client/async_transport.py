"""Carries out calls over httpx: one deadline for all attempts, and each failure becomes one of this client's errors."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from podcast_client import async_io as io
from podcast_client.calls import Call, Upload
from podcast_client.configuration import Configuration
from podcast_client.errors import ClientError, NotFound, TooSlow, UnexpectedAnswer, Unreachable, api_error
from podcast_client.retrying import Attempts

T = TypeVar("T")

ANSWER_LIMIT_BYTES: Final = 64_000_000
"""No document of this API is larger."""
_ERROR_LIMIT_BYTES: Final = 1_000_000
_SUCCESS: Final = range(200, 300)


@dataclass(frozen=True)
class Answer:
    """An answer that has begun.

    Attributes:
        response: of httpx.
        what: the request, for messages.
    """

    response: httpx.Response
    what: str = field(repr=False)

    async def parts(self) -> AsyncIterator[bytes]:
        """The body, as it arrives.

        Raises:
            Unreachable, TooSlow: the connection broke, or nothing more came.
        """
        try:
            async for data in self.response.aiter_bytes():
                yield data
        except httpx.HTTPError as error:
            raise failure(error, self.what) from error

    async def read(self, *, limit_bytes: int, until: float) -> bytes:
        """The whole body.

        Args:
            limit_bytes: the most that is read.
            until: when it must be complete, on the clock of `time.monotonic`.

        Raises:
            TooSlow: it is not.
            UnexpectedAnswer: it is larger.
        """
        body = bytearray()
        async for data in self.parts():
            body += data
            if len(body) > limit_bytes:
                raise UnexpectedAnswer(f"The answer to {self.what} is larger than {limit_bytes / 1e6:g} MB.")
            if time.monotonic() > until:
                raise TooSlow(f"{self.what} took too long: the answer comes too slowly.")
        return bytes(body)


class AsyncTransport:
    """Sends requests to a server.

    Args:
        configuration: where the server is, and how it is called.
        http: to send with; closed with the transport only if it was made here.
    """

    def __init__(self, configuration: Configuration, http: httpx.AsyncClient | None = None) -> None:
        self.configuration = configuration
        self._owns = http is None
        # A proxy that the environment names has nothing to do with this machine's own server, nor with its key.
        self._http = http or httpx.AsyncClient(trust_env=not configuration.is_local)

    async def close(self) -> None:
        """Close the connections."""
        if self._owns:
            await self._http.aclose()

    async def run(self, call: Call[T]) -> T:
        """Carry out a call; tries again where that is safe.

        Raises:
            ApiError, Unreachable, TooSlow, UnexpectedAnswer: it did not succeed.
        """
        timeouts = self.configuration.timeouts
        total = call.seconds or (timeouts.upload if call.files else timeouts.call)
        attempts = Attempts(self.configuration.retries, total_seconds=total, is_repeatable=call.is_repeatable)
        was_repeated = False
        while True:
            try:
                with io.within(attempts.left_seconds, f"{call.method} {call.path}"):
                    return call.answer(await self._attempt(call, time.monotonic() + attempts.left_seconds))
            except NotFound:
                if call.is_done_if_gone and was_repeated:
                    return call.answer(b"")
                raise
            except ClientError as error:
                pause = attempts.pause_after(error)
                was_repeated = True
            await io.sleep(pause)

    async def _attempt(self, call: Call[T], until: float) -> bytes:
        async with AsyncExitStack() as opened:
            files = {name: (shown, _content(upload, opened)) for name, (shown, upload) in call.files.items()}
            request: dict[str, Any] = {"params": call.query, "headers": call.headers}
            if files:
                request |= {"data": dict(call.fields), "files": files}
            elif call.content is not None:
                request["content"] = call.content
            elif call.body is not None:
                request["json"] = call.body
            async with self.stream(
                call.method, call.path, accepts=call.accepts, read_seconds=call.seconds, **request
            ) as answer:
                return await answer.read(limit_bytes=ANSWER_LIMIT_BYTES, until=until)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        accepts: frozenset[int] = frozenset(),
        headers: Mapping[str, str] | None = None,
        read_seconds: float | None = None,
        follows: bool = False,
        **request: Any,
    ) -> AsyncIterator[Answer]:
        """One request, whose answer is read while it comes.

        Args:
            method: of HTTP.
            path: on the server.
            accepts: more statuses that are answers.
            headers: of the request.
            read_seconds: the longest pause of the answer; None: `Timeouts.read`.
            follows: follow redirects; the key goes to no other host.
            request: what httpx takes.

        Raises:
            ApiError: the server answers with a problem.
            Unreachable, TooSlow: it does not answer.
        """
        what = f"{method} {path}"
        try:
            async with self._http.stream(
                method,
                self.configuration.url + path,
                headers={**self.configuration.headers, **(headers or {})},
                timeout=self.configuration.timeouts.of_a_call(read_seconds),
                follow_redirects=follows,
                **request,
            ) as response:
                answer = Answer(response, what)
                if response.status_code not in _SUCCESS and response.status_code not in accepts:
                    until = time.monotonic() + self.configuration.timeouts.read
                    body = await answer.read(limit_bytes=_ERROR_LIMIT_BYTES, until=until)
                    raise api_error(response.status_code, body, response.headers)
                yield answer
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise failure(error, what) from error


def failure(error: Exception, what: str) -> ClientError:
    """What an error of httpx is here."""
    reason = str(error) or type(error).__name__
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError() | httpx.PoolTimeout():
            return Unreachable(f"The server cannot be reached: {reason}.", was_sent=False, reason=f"{reason}.")
        case httpx.TimeoutException():
            return TooSlow(f"{what} took too long: {reason}.")
        case httpx.TransportError():
            return Unreachable(f"The connection to the server broke: {reason}.", was_sent=True)
        case _:
            return UnexpectedAnswer(f"{what} failed: {reason}.")


def _content(upload: Upload, opened: AsyncExitStack) -> Any:
    if isinstance(upload, Path):
        return opened.enter_context(upload.open("rb"))  # anew for each attempt, and read while it is sent
    return upload
