"""RabbitMQ's settings for encrypted connections: lines for a file in `conf.d`."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

AMQPS_PORT: Final = 5671


def tls_conf(
    certificate: PurePath, key: PurePath, *, port: int = AMQPS_PORT, host: str = "", also_plain: bool = False
) -> str:
    """Settings with which clients connect to `amqps://…`.

    Args:
        certificate: where the node finds its certificate (PEM), with those of intermediate authorities.
        key: where it finds its private key (PEM).
        port: where it listens.
        host: the address that it binds to; empty: all.
        also_plain: leave the listener without encryption as it is: for a changeover, during which some clients still
            have `amqp://` addresses.
    """
    where = f"{host}:{port}" if host else str(port)
    return "\n".join(
        (
            *(() if also_plain else ("listeners.tcp = none",)),
            f"listeners.ssl.default = {where}",
            f"ssl_options.certfile = {certificate}",
            f"ssl_options.keyfile = {key}",
            "ssl_options.versions.1 = tlsv1.3",
            "ssl_options.versions.2 = tlsv1.2",
            "# Clients show who they are by user name and password.",
            "ssl_options.verify = verify_none",
            "ssl_options.fail_if_no_peer_cert = false",
            "",
        )
    )
