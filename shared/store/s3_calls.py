"""Calls the synchronous `minio` SDK from the event loop.

Each call runs in a thread with socket time-outs, under an overall deadline. A read time-out alone never fires if the
server trickles data; the deadline abandons the thread, and its socket time-outs end it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TypeVar

import urllib3
from minio import Minio
from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.connection import HTTPConnection

from shared import tls
from shared.errors import BadInput, NotFound, PodcastError, StoreDown
from shared.store import traces
from shared.store.attempt import THREADS, Calls
from shared.store.metrics import measured
from shared.store.s3_conditions import PatientRetry
from shared.store.s3_reading import QuickReads

T = TypeVar("T")

MISSING = {"NoSuchKey", "NoSuchBucket", "NoSuchObject", "ResourceNotFound"}
_IMPOSSIBLE = {"KeyTooLongError", "XMinioInvalidObjectName", "XMinioParentIsObject", "XMinioObjectExistsAsDirectory"}
_REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}

_SOCKET_OPTIONS = [
    *HTTPConnection.default_socket_options,
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, option), value)
        for option, value in (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4))
        if hasattr(socket, option)
    ),
]
"""A connection that waits in the pool shows every two minutes that it is there: what lies between forgets silent ones
(IPVS, in front of a service of a swarm, after 15), and the next call would find out by a time-out."""


class S3Calls:
    """A bucket, and how to call its server."""

    def __init__(
        self,
        *,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        secure: bool,
        connect_timeout_seconds: float,
        deadline_seconds: float,
        ca: str = "",
    ) -> None:
        self.url = f"s3://{endpoint}/{bucket}"
        self._bucket = bucket
        self._calls = Calls(deadline_seconds)
        self._is_restricted = False
        """Whether its user may not look for the bucket, and so not make it either."""
        context = tls.trusting(ca) if secure else None
        pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=THREADS,
            block=False,  # an abandoned thread may still hold a connection; do not wait for it
            timeout=urllib3.Timeout(connect=connect_timeout_seconds, read=deadline_seconds),
            socket_options=_SOCKET_OPTIONS,
            # One quick retry in case the server closed an idle connection. Also of a POST, which begins or completes an
            # upload: `s3_upload` recognises what was completed twice.
            retries=PatientRetry(
                connect=1, read=1, redirect=0, status=0, other=0, backoff_factor=0.05, allowed_methods=None
            ),
            ssl_context=context,
        )
        self._client = Minio(
            endpoint, access_key=access_key, secret_key=secret_key, secure=secure, region="us-east-1", http_client=pool
        )
        self._quick = QuickReads(
            self._client,
            bucket,
            context,
            connect_timeout_seconds=connect_timeout_seconds,
            read_timeout_seconds=deadline_seconds,
        )

    async def _run(self, doing: str, call: Callable[[], T], *, size_bytes: int = 0) -> T:
        with measured(doing), traces.calling(doing, self.url):
            return await self._translating(doing, call, size_bytes)

    async def _translating(self, doing: str, call: Callable[[], T], size_bytes: int) -> T:
        try:
            return await self._calls.run(doing, lambda _: call(), size_bytes=size_bytes)
        except S3Error as error:
            raise self._translated(error, doing) from error
        except (urllib3.exceptions.HTTPError, ServerError, InvalidResponseError, OSError) as error:
            message, hint = tls.problem(error, f"the store at {self.url}") or (
                f"The store at {self.url} did not {doing}: {type(error).__name__}.",
                "Is it running?",
            )
            raise StoreDown(message, hint=hint) from error

    def _translated(self, error: S3Error, doing: str) -> PodcastError:
        if error.code in MISSING:
            return NotFound(f"There is no object for {doing}.")
        if error.code in _IMPOSSIBLE:
            return BadInput(f"The store cannot {doing}: {error.message}", hint="Use another name.")
        if error.code in _REFUSED:
            return StoreDown(
                f"The store at {self.url} refused to {doing}: {error.code}.",
                hint="Check the key and the secret in PODCAST_STORE_URL, and that they are those of this service.",
            )
        return StoreDown(f"The store at {self.url} failed to {doing}: {error.code} {error.message}.")
