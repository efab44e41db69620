"""Makes the bucket, and at a MinIO server the policies and the users of the services; doing it twice changes nothing.

    admin = StoreAdmin.of(settings_of_the_administrator)
    await admin.make_bucket()
    await admin.make_user(StoreUser.of_url("chunker", "s3://KEY:SECRET@minio:9000/podcast?secure=false"))

Another S3 server has other ways of making users; `python -m deploy.store.provision --policies` prints what they need.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

from deploy.store.policies import STORE_RIGHTS, policy_name, policy_of
from shared import tls
from shared.deadlines import deadline, in_thread
from shared.errors import Misconfigured, StoreDown
from shared.settings import Settings
from shared.store.port import open_store

T = TypeVar("T")

_SHORTEST_SECRET: Final = 16
_REFUSED: Final = {"400", "401", "403"}


@dataclass(frozen=True)
class StoreUser:
    """A user of the store.

    Attributes:
        role: one of `STORE_RIGHTS`.
        key: the access key; two users may have one role while a secret is changed.
        secret: 16 characters or more.
    """

    role: str
    key: str
    secret: str

    @classmethod
    def of_url(cls, role: str, store_url: str) -> Self:
        """The user that a service's PODCAST_STORE_URL names.

        Raises:
            Misconfigured: there is no such role, or the address has no key and secret that can be used.
        """
        parts = urlsplit(store_url)
        user = cls(role, unquote(parts.username or ""), unquote(parts.password or ""))
        if role not in STORE_RIGHTS:
            raise Misconfigured(f"{role} is no role at the store.", hint=f"There are {', '.join(STORE_RIGHTS)}.")
        if parts.scheme != "s3" or not user.key or len(user.secret) < _SHORTEST_SECRET:
            raise Misconfigured(
                f"The store's address for {role} has no key with a secret of {_SHORTEST_SECRET} characters or more.",
                hint="Write s3://KEY:SECRET@HOST:PORT/BUCKET.",
            )
        return user


class StoreAdmin:
    """A MinIO server and one bucket, as its administrator.

    Args:
        settings: whose PODCAST_STORE_URL names the administrator.

    Raises:
        Misconfigured: the address is not that of an S3 server.
    """

    def __init__(self, settings: Settings) -> None:
        parts = urlsplit(settings.store_url)
        if parts.scheme != "s3":
            raise Misconfigured("Only an S3 server has users.", hint="Set PODCAST_STORE_URL to s3://….")
        self._settings = settings
        self._url = f"s3://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
        self.bucket = parts.path.strip("/")
        secure = parse_qs(parts.query).get("secure", ["true"])[-1].lower() not in {"false", "0", "no"}
        seconds = settings.store_deadline_seconds
        self._admin = MinioAdmin(
            endpoint=self._url.removeprefix("s3://"),
            credentials=StaticProvider(unquote(parts.username or ""), unquote(parts.password or "")),
            secure=secure,
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=settings.connect_timeout_seconds, read=seconds),
                retries=urllib3.Retry(0),
                ssl_context=tls.trusting(settings.ca) if secure else None,
            ),
        )

    async def make_bucket(self) -> None:
        """Make the bucket if it is missing.

        Raises:
            StoreDown: the store does not answer, or refuses.
        """
        await open_store(self._settings).ping()

    async def make_user(self, user: StoreUser) -> None:
        """Make a user with the rights of its role, or give it its secret and these rights again.

        Raises:
            Misconfigured: the administrator of the address may not do this.
            StoreDown: the store does not answer.
        """
        name = policy_name(user.role, bucket=self.bucket)
        policy = policy_of(user.role, bucket=self.bucket)
        # The policy first: at no moment has the user more rights than in the end.
        await self._call("make a policy", lambda: self._admin.policy_add(name, policy=policy))
        await self._call("make a user", lambda: self._admin.user_add(user.key, user.secret))
        await self._call("give a user its policy", lambda: self._admin.policy_set(name, user=user.key))

    async def users(self) -> dict[str, str]:
        """Access key → role, of the users of this bucket.

        Raises:
            Misconfigured, StoreDown: as in `make_user`.
        """
        names = {policy_name(role, bucket=self.bucket): role for role in STORE_RIGHTS}
        listed: dict[str, dict[str, Any]] = json.loads(await self._call("list the users", self._admin.user_list))
        return {key: names[policy] for key, facts in listed.items() if (policy := facts.get("policyName", "")) in names}

    async def retire(self, wanted: Iterable[StoreUser]) -> list[str]:
        """Remove the users of this bucket that are not wanted any more, such as those before a rotation.

        Returns:
            Their access keys.

        Raises:
            Misconfigured, StoreDown: as in `make_user`.
        """
        kept = {user.key for user in wanted}
        old = sorted(set(await self.users()) - kept)
        for key in old:
            await self._call("remove a user", lambda key=key: self._admin.user_remove(key))  # type: ignore[misc] # mypy cannot infer a lambda with a default
        return old

    async def _call(self, doing: str, call: Callable[[], T]) -> T:
        try:
            async with deadline(self._settings.store_deadline_seconds, f"store {doing}", error=StoreDown):
                return await in_thread(call)
        except MinioAdminException as error:
            code, body = error._code, error._body  # noqa: SLF001 - there is no public way
            if code in _REFUSED:
                raise Misconfigured(
                    f"The store at {self._url} refused to {doing}: {_reason(body)}.",
                    hint="PODCAST_STORE_URL must name MinIO's root user here, or one that may administer it.",
                ) from error
            raise StoreDown(f"The store at {self._url} failed to {doing}: {_reason(body)}.") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            message, hint = tls.problem(error, f"the store at {self._url}") or (
                f"The store at {self._url} did not {doing}: {type(error).__name__}.",
                "Is it running?",
            )
            raise StoreDown(message, hint=hint) from error


async def verified(user: StoreUser, store_url: str, settings: Settings, *, seconds: float) -> None:
    """Wait until a user can use the store; a server of several nodes may need a moment.

    Raises:
        StoreDown: it cannot.
    """
    store = open_store(settings.model_copy(update={"store_url": store_url}))
    async with deadline(seconds, f"waiting until {user.key} can use the store", error=StoreDown):
        while True:
            try:
                return await store.ping()
            except StoreDown:
                await asyncio.sleep(0.5)


def _reason(body: str) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return body.strip()[:200] or "no reason"
    return f"{document.get('Code', '')} {document.get('Message', '')}".strip().rstrip(".")
