"""Makes the bucket and, at a MinIO server, a user with its own rights for each service.

    PODCAST_STORE_URL_FILE=/run/secrets/store_url_admin python -m deploy.store.provision --users /run/secrets

The folder has a file `store_url_<role>` for each role that is used, with the address that the service gets as its own
PODCAST_STORE_URL. It waits for the store, ends within `--seconds`, and may run any number of times. Exit codes: 0 done,
1 the store did not answer, 2 a setting is wrong.

    --retire     also removes users of the bucket that are in none of the files: the last step of a rotation
    --policies   only prints the policies, for an S3 server that makes its users in another way
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy.provisioning import addresses_in, until_up
from deploy.store.policies import STORE_RIGHTS, policy_name, policy_of
from deploy.store.users import StoreAdmin, StoreUser, verified
from shared.deadlines import deadline
from shared.errors import Misconfigured, PodcastError, StoreDown
from shared.settings import Settings, load

FILE_PREFIX: Final = "store_url_"
_SECONDS: Final = 300.0


async def provision(settings: Settings, users: Path, *, seconds: float = _SECONDS, retire: bool = False) -> list[str]:
    """Do it.

    Args:
        settings: whose PODCAST_STORE_URL names the administrator.
        users: the folder of the files.
        seconds: the overall limit.
        retire: remove the users that are in none of the files.

    Returns:
        What was done, in sentences.

    Raises:
        Misconfigured: an address is wrong, or the administrator may not do this.
        StoreDown: the store did not answer in time.
    """
    wanted = users_in(users)
    admin = StoreAdmin(settings)
    for user, url in wanted.items():
        bucket = urlsplit(url).path.strip("/")
        if bucket != admin.bucket:
            raise Misconfigured(f"{user.role} has the bucket {bucket}, the administrator {admin.bucket}.")
    said = []
    async with deadline(seconds, "provisioning the store", error=StoreDown):
        await until_up(admin.make_bucket, down=StoreDown)
        said.append(f"The bucket {admin.bucket} is there.")
        for user, url in wanted.items():
            await admin.make_user(user)
            await verified(user, url, settings, seconds=seconds)
            said.append(f"{user.key} has the rights of {user.role}.")
        if retire:
            said += [f"{key} was removed." for key in await admin.retire(wanted)]
    return said


def users_in(folder: Path) -> dict[StoreUser, str]:
    """User → address, of the files in the folder.

    Raises:
        Misconfigured: a file cannot be read, there is none, or one is not the address of a user of a known role.
    """
    addresses = addresses_in(folder, FILE_PREFIX, STORE_RIGHTS)
    found = {StoreUser.of_url(role, url): url for role, url in addresses.items()}
    keys = [user.key for user in found]
    if len(set(keys)) < len(keys):
        raise Misconfigured("Two roles have one access key at the store.", hint="Each needs a key of its own.")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.store.provision", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--users", type=Path, default=Path("/run/secrets"), help="folder with the files store_url_<role>"
    )
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how long it may take")
    parser.add_argument("--retire", action="store_true", help="remove users that are in none of the files")
    parser.add_argument("--policies", metavar="BUCKET", help="only print the policies for this bucket, as JSON")
    chosen = parser.parse_args(arguments)
    if chosen.policies:
        every = {
            policy_name(role, bucket=chosen.policies): policy_of(role, bucket=chosen.policies) for role in STORE_RIGHTS
        }
        print(json.dumps(every, indent=1))
        return 0
    try:
        for line in asyncio.run(provision(load(), chosen.users, seconds=chosen.seconds, retire=chosen.retire)):
            print(line, flush=True)
    except PodcastError as error:
        print(f"provision: {error}", file=sys.stderr, flush=True)
        return 2 if isinstance(error, Misconfigured) else 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # without waiting for a thread whose call was given up
