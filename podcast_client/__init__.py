"""A typed client of Podcast Engine's HTTP API, asynchronous and synchronous. docs/python-client.md has examples.

with PodcastClient() as client:
    job = client.wait(client.submit(text="Hello.").job_id)
    client.fetch(job.job_id, "hello.mp3")
"""

from podcast_client.async_client import AsyncPodcastClient
from podcast_client.configuration import Configuration, Retries, Timeouts
from podcast_client.documents import (
    Chunk,
    ChunkCounts,
    ChunkFailure,
    Event,
    EventAddress,
    Health,
    Job,
    Links,
    Page,
    StateChange,
    Submitted,
    Voice,
    WorkRetried,
)
from podcast_client.errors import (
    ApiError,
    ClientError,
    Conflict,
    FieldProblem,
    Forbidden,
    InvalidRequest,
    JobNotCompleted,
    NotFound,
    RateLimited,
    ServerError,
    TooLarge,
    TooSlow,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from podcast_client.feed_documents import Feed, FeedItem
from podcast_client.operator_documents import (
    DeadLetter,
    DeadLetterGroup,
    FailedTry,
    Key,
    LettersDone,
    NewKey,
    NewWebhookEndpoint,
    WebhookEndpoint,
    WebhookTest,
)
from podcast_client.sync_client import PodcastClient

__all__ = [
    "ApiError",
    "AsyncPodcastClient",
    "Chunk",
    "ChunkCounts",
    "ChunkFailure",
    "ClientError",
    "Configuration",
    "Conflict",
    "DeadLetter",
    "DeadLetterGroup",
    "Event",
    "EventAddress",
    "FailedTry",
    "Feed",
    "FeedItem",
    "FieldProblem",
    "Forbidden",
    "Health",
    "InvalidRequest",
    "Job",
    "JobNotCompleted",
    "Key",
    "LettersDone",
    "Links",
    "NewKey",
    "NewWebhookEndpoint",
    "NotFound",
    "Page",
    "PodcastClient",
    "RateLimited",
    "Retries",
    "ServerError",
    "StateChange",
    "Submitted",
    "Timeouts",
    "TooLarge",
    "TooSlow",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
    "Voice",
    "WebhookEndpoint",
    "WebhookTest",
    "WorkRetried",
]
