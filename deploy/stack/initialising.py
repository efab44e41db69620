"""`podcast deploy init`: makes a deployment's folder, or adds what is missing in it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.files import private_folder, read_private, write_private
from deploy.stack import secret_files
from deploy.stack.broker_files import RABBITMQ_CONF, cluster_conf
from deploy.stack.deployment import Deployment
from deploy.stack.env_file import read_env, write_env

_HASH_CHARACTERS: Final = 12
_NAMING_KEY: Final = "naming_key"
"""Keys the hashes of the secrets' names, so that nobody can try out weak secrets on them."""
_HEADING: Final = """\
# The options of this deployment, and the hashes of its secrets and configs. Written by `podcast deploy init`, which
# keeps what is changed here by hand, except for the hashes. `set -a; . stack.env` lets `docker stack` read it.
"""


@dataclass(frozen=True)
class Initialised:
    """What `init` did.

    Attributes:
        deployment: the folder.
        written: the files that are new or changed, relative to the folder.
    """

    deployment: Deployment
    written: tuple[str, ...]


def initialise(folder: Path, options: Mapping[str, str]) -> Initialised:
    """Make the folder complete. What exists stays: secrets, and options that are not given.

    Args:
        folder: it need not exist.
        options: variables of `stack.env` that are to be set.
    """
    deployment = Deployment(folder.expanduser().resolve())
    private_folder(deployment.folder)
    known, new_secrets = secret_files.complete(deployment.secrets)
    written = [f"secrets/{name}" for name in new_secrets]
    private_folder(deployment.configs)
    before = read_env(deployment.env_file)
    kept = {name: value for name, value in before.items() if not name.startswith("PODCAST_HASH_")}
    chosen = {**kept, **options, "PODCAST_DEPLOYMENT": str(deployment.folder)}
    configs = {
        "rabbitmq.conf": RABBITMQ_CONF,
        "rabbitmq_cluster.conf": cluster_conf(chosen.get("PODCAST_STACK", "podcast")),
    }
    for name, text in configs.items():
        if read_private(deployment.configs / name) != text:
            write_private(deployment.configs / name, text)
            written.append(f"configs/{name}")
    variables = {**chosen, **_hashes(deployment, known, configs)}
    if variables != before:
        write_env(deployment.env_file, variables, heading=_HEADING)
        written.append(deployment.env_file.name)
    return Initialised(deployment, tuple(written))


def _hashes(deployment: Deployment, known: Mapping[str, str], configs: Mapping[str, str]) -> dict[str, str]:
    key_file = deployment.secrets / _NAMING_KEY
    key = read_private(key_file)
    if not key:
        key = secrets.token_hex(32)
        write_private(key_file, key)
    contents = {**known, **configs}
    return {
        f"PODCAST_HASH_{name.upper().replace('.', '_')}": hmac.new(
            key.encode(), contents[name].encode(), hashlib.sha256
        ).hexdigest()[:_HASH_CHARACTERS]
        for name in sorted(contents)
    }
