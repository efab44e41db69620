"""What each role may do with which objects, as S3 policies made from `shared/store/keys.py`.

A key's function called with `*` gives the pattern of all its keys, so no key is spelled out here. What a role lists is
granted by prefix; where it may only read, it can neither list nor change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from shared.protocol import topology
from shared.protocol.roles import CLIENT, COORDINATING, GATEWAY, OPERATOR
from shared.store import keys

ANY: Final = "*"

_READ: Final = ("s3:GetObject",)
# A large object is written in parts.
_WRITE: Final = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject")
_DELETE: Final = ("s3:AbortMultipartUpload", "s3:DeleteObject")
_LIST: Final = ("s3:ListBucket",)
_PING: Final = ("s3:GetBucketLocation", "s3:GetBucketVersioning")
"""Says that the bucket is there and nothing of what is in it: how a service learns that the store is up."""


@dataclass(frozen=True)
class StoreRights:
    """Patterns of keys.

    Attributes:
        reads: objects whose content and size it may know.
        writes: objects that it may create and replace.
        deletes: objects that it may remove.
        lists: prefixes under which it may see which objects there are.
        never_reads: exceptions from `reads`.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    never_reads: tuple[str, ...] = ()


def _under(*prefixes: str) -> tuple[str, ...]:
    return tuple(f"{prefix}{ANY}" for prefix in prefixes)


def _suspects(service: str) -> str:
    return f"{keys.QUARANTINE}{service}/"


def _service(service: str, rights: StoreRights) -> StoreRights:
    """The rights of a service that consumes a queue.

    It has markers of the messages that may have killed it, and reads whether its queue is paused.
    """
    markers = _suspects(service)
    return StoreRights(
        (*rights.reads, keys.queue(service)),
        (*rights.writes, *_under(markers)),
        (*rights.deletes, *_under(markers)),
        (*rights.lists, markers),
        rights.never_reads,
    )


_JOB_OBJECTS: Final = _under(keys.JOBS)
_WEBHOOK_SECRETS: Final = (keys.webhook_secret(ANY, ANY),)

CHUNKER: Final = StoreRights(
    reads=(*_JOB_OBJECTS, *_under(keys.DELETED, keys.PREVIEWS, keys.VOICES), keys.show_episode(ANY, ANY)),
    writes=(keys.request(ANY), keys.manifest(ANY), keys.cover(ANY), keys.preview(ANY), keys.show_episode(ANY, ANY)),
    deletes=(keys.preview_source(ANY, ANY), keys.preview_waiting(ANY)),
    never_reads=_WEBHOOK_SECRETS,
)
_OF_THE_SYNTHESIZER: Final = _under(keys.AUDIO, keys.VOICES, keys.VOICE_GAINS)
SYNTHESIZER: Final = StoreRights(
    reads=_OF_THE_SYNTHESIZER,
    writes=_OF_THE_SYNTHESIZER,
    deletes=_under(keys.AUDIO),  # what cannot be encoded
)
ASSEMBLER: Final = StoreRights(
    reads=(*_JOB_OBJECTS, *_under(keys.AUDIO, keys.VOICE_GAINS, keys.ACTIVE)),
    writes=(
        keys.episode(ANY, ANY),
        keys.part(ANY, ANY, ANY),
        keys.segment(ANY, ANY, ANY),
        *_under(keys.VOICE_GAINS),
    ),
    deletes=(*_under(keys.AUDIO), keys.part(ANY, ANY, ANY)),  # what is damaged, so that it is spoken again
    never_reads=_WEBHOOK_SECRETS,
)
_OF_RETENTION: Final = (keys.JOBS, keys.AUDIO, keys.DELETED, keys.PREVIEWS, keys.SPEECH_JOBS, keys.IDEMPOTENCY)
COORDINATOR: Final = StoreRights(
    reads=(
        *_under(*_OF_RETENTION, keys.ACTIVE, keys.RETENTION, keys.AUDIT, keys.QUEUES),
        keys.show(ANY),
        keys.show_episode(ANY, ANY),
    ),
    writes=(
        *(keys.request(ANY), keys.status(ANY), keys.chunk_times(ANY)),
        *_under(keys.ACTIVE, keys.DELETED),
        *(keys.RETENTION, keys.show_episode(ANY, ANY)),
    ),
    deletes=(*_under(*_OF_RETENTION, keys.ACTIVE, keys.AUDIT), keys.show_episode(ANY, ANY)),
    lists=(*_OF_RETENTION, keys.ACTIVE, keys.AUDIT),
    never_reads=_WEBHOOK_SECRETS,
)
WEBHOOKS: Final = StoreRights(
    reads=(keys.request(ANY), keys.source(ANY, ANY), keys.show(ANY), *_under(keys.WEBHOOKS)),
    writes=(keys.webhook(ANY),),
    lists=(keys.WEBHOOKS,),
)
FEEDS: Final = StoreRights(
    reads=(
        *_under(keys.FEEDS, keys.FEED_ITEMS, keys.DELETED),
        *(keys.request(ANY), keys.status(ANY), keys.show(ANY), keys.show_cover(ANY, ANY)),
    ),
    writes=(keys.request(ANY), keys.source(ANY, ANY), keys.feed(ANY), *_under(keys.FEED_ITEMS)),
    deletes=(keys.feed_item_text(ANY, ANY),),
    lists=(keys.FEEDS,),
)
_OF_THE_API: Final = (
    *(keys.PREVIEWS, keys.SPEECH_JOBS, keys.IDEMPOTENCY, keys.WEBHOOKS, keys.FEEDS),
    *(keys.DELETED, keys.SHOWS),
)
GATEWAY_RIGHTS: Final = StoreRights(
    reads=_under(
        *_OF_THE_API,
        *(keys.JOBS, keys.ACTIVE, keys.AUDIO, keys.VOICE_GAINS, keys.API_KEYS, keys.AUDIT, keys.QUEUES),
    ),
    writes=(
        keys.request(ANY),
        keys.source(ANY, ANY),
        keys.corrected_manifest(ANY),
        *_under(*_OF_THE_API, keys.API_KEYS, keys.AUDIT, keys.QUEUES),
    ),
    deletes=_under(*_OF_THE_API, keys.JOBS, keys.ACTIVE, keys.AUDIO),
    lists=(*_OF_THE_API, keys.JOBS, keys.ACTIVE, keys.AUDIO, keys.API_KEYS, keys.AUDIT),
)
CLIENT_RIGHTS: Final = StoreRights(
    reads=(
        *_under(keys.JOBS, keys.ACTIVE, keys.DELETED, keys.AUDIO, keys.VOICE_GAINS, keys.PREVIEWS, keys.QUEUES),
        *(keys.show(ANY), keys.show_cover(ANY, ANY)),
    ),
    writes=(keys.request(ANY), keys.source(ANY, ANY), keys.preview_source(ANY, ANY), keys.preview_waiting(ANY)),
    deletes=(keys.preview_waiting(ANY),),
    lists=(keys.JOBS, keys.ACTIVE, keys.PREVIEWS_WAITING),
    never_reads=_WEBHOOK_SECRETS,
)
_EVERYTHING: Final = StoreRights(reads=(ANY,), writes=(ANY,), deletes=(ANY,), lists=("",))

STORE_RIGHTS: Final[dict[str, StoreRights]] = {
    topology.CHUNKER.name: _service(topology.CHUNKER.name, CHUNKER),
    topology.SYNTHESIZER.name: _service(topology.SYNTHESIZER.name, SYNTHESIZER),
    topology.ASSEMBLER.name: _service(topology.ASSEMBLER.name, ASSEMBLER),
    COORDINATING.name: _service(COORDINATING.name, COORDINATOR),
    topology.WEBHOOKS.name: _service(topology.WEBHOOKS.name, WEBHOOKS),
    topology.FEEDS.name: _service(topology.FEEDS.name, FEEDS),
    GATEWAY.name: GATEWAY_RIGHTS,
    CLIENT.name: CLIENT_RIGHTS,
    OPERATOR.name: _EVERYTHING,  # `podcast delete`, `prune` and `keys`, and backups
}
"""Role → its rights; the same roles as at the broker."""


def policy_of(role: str, *, bucket: str) -> dict[str, Any]:
    """The S3 policy of a role on one bucket.

    Raises:
        KeyError: there is no such role.
    """
    rights = STORE_RIGHTS[role]
    objects = f"arn:aws:s3:::{bucket}/"
    statements = [
        _statement("Allow", _PING, [f"arn:aws:s3:::{bucket}"]),
        *_objects("Allow", _READ, objects, rights.reads),
        *_objects("Allow", _WRITE, objects, rights.writes),
        *_objects("Allow", _DELETE, objects, rights.deletes),
        *_objects("Deny", _READ, objects, rights.never_reads),
    ]
    if rights.lists:
        listed = _statement("Allow", _LIST, [f"arn:aws:s3:::{bucket}"])
        if rights.lists != ("",):
            listed["Condition"] = {"StringLike": {"s3:prefix": sorted(_under(*rights.lists))}}
        statements.append(listed)
    return {"Version": "2012-10-17", "Statement": statements}


def policy_name(role: str, *, bucket: str) -> str:
    """What the policy is called at the server, which may have other buckets for other systems."""
    return f"{bucket}-{role}"


def _objects(effect: str, actions: tuple[str, ...], objects: str, patterns: Iterable[str]) -> list[dict[str, Any]]:
    found = sorted(set(patterns))
    return [_statement(effect, actions, [f"{objects}{pattern}" for pattern in found])] if found else []


def _statement(effect: str, actions: tuple[str, ...], resources: list[str]) -> dict[str, Any]:
    return {"Effect": effect, "Action": list(actions), "Resource": resources}
