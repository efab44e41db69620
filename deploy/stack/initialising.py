"""`podcast deploy init`: makes a deployment's folder, or adds what is missing in it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.files import private_folder, read_private, write_private
from deploy.stack import monitoring_files, secret_files, tls_files
from deploy.stack.broker_files import RABBITMQ_CONF, cluster_conf
from deploy.stack.deployment import Deployment
from deploy.stack.env_file import read_env, write_env

HASH_PREFIX: Final = "PODCAST_HASH_"
_HASH_CHARACTERS: Final = 12
_SCHEMES: Final = ("PODCAST_STORE_SCHEME", "PODCAST_SPEECH_SCHEME")
"""How the health checks ask the store and the speech server."""
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


def initialise(folder: Path, options: Mapping[str, str], given: Mapping[str, str] | None = None) -> Initialised:
    """Make the folder complete. What exists stays: secrets, and options that are not given.

    Args:
        folder: it need not exist.
        options: variables of `stack.env` that are to be set.
        given: secrets that somebody else has made.
    """
    deployment = Deployment(folder.expanduser().resolve())
    before = read_env(deployment.env_file)
    private_folder(deployment.folder)
    kept = {name: value for name, value in before.items() if not name.startswith(HASH_PREFIX)}
    chosen = {**kept, **options, "PODCAST_DEPLOYMENT": str(deployment.folder)}
    encrypted = tls_files.OVERLAY in chosen.get("PODCAST_OVERLAYS", "").split(",")
    chosen |= dict.fromkeys(_SCHEMES, "https" if encrypted else "http")
    ca_file = deployment.configs / tls_files.CA
    secrets, new, ca = secret_files.complete(deployment.secrets, given or {}, ca=ca_file if encrypted else None)
    written = [f"secrets/{name}" for name in new]
    configs = {
        "rabbitmq.conf": RABBITMQ_CONF,
        "rabbitmq_cluster.conf": cluster_conf(chosen.get("PODCAST_STACK", "podcast")),
        "rabbitmq_tls.conf": tls_files.RABBITMQ_TLS_CONF,
        **monitoring_files.configs(deployment.configs, encrypted=encrypted),
    }
    if authority := ca or read_private(ca_file):
        configs[tls_files.CA] = authority
    private_folder(deployment.configs)
    for name, text in configs.items():
        if read_private(deployment.configs / name) != text:
            write_private(deployment.configs / name, text)
            written.append(f"configs/{name}")
    variables = {**chosen, **_hashes(secrets, configs)}
    if variables != before:
        write_env(deployment.env_file, variables, heading=_HEADING)
        written.append(deployment.env_file.name)
    return Initialised(deployment, tuple(written))


def _hashes(secrets: Mapping[str, str], configs: Mapping[str, str]) -> dict[str, str]:
    key = secrets[secret_files.NAMING_KEY].encode()
    contents = {**secrets, **configs}
    return {
        HASH_PREFIX + name.upper().replace(".", "_"): hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[
            :_HASH_CHARACTERS
        ]
        for name, text in sorted(contents.items())
        if name != secret_files.NAMING_KEY
    }
