"""The overlay `tls`: certificates that are made once, and addresses that say how to connect."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from deploy.stack.initialising import initialise
from deploy.stack.rotation import rotate
from deploy.stack.tls_files import SERVERS, names_of
from deploy.tls.certificates import main

PLAIN = {"PODCAST_TAG": "1"}
ENCRYPTED = {**PLAIN, "PODCAST_OVERLAYS": "rabbitmq-cluster,tls"}


def read(folder: Path, name: str) -> str:
    return (folder / name).read_text()


def verified(folder: Path, server: str) -> str:
    """What openssl says of a server's certificate, for the name by which the services reach it."""
    authority = folder / "configs/ca.pem"
    return subprocess.run(
        [
            "openssl",
            "verify",
            "-CAfile",
            authority,
            "-verify_hostname",
            server,
            folder / "secrets" / names_of(server)[0],
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout


@pytest.mark.parametrize("server", SERVERS)
def test_every_server_has_a_certificate_for_its_name(tmp_path: Path, server: str) -> None:
    initialise(tmp_path, ENCRYPTED)
    assert verified(tmp_path, server).endswith("OK\n")
    certificate, key = (tmp_path / "secrets" / name for name in names_of(server))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)


def test_addresses_change_over_and_keep_their_users(tmp_path: Path) -> None:
    initialise(tmp_path, PLAIN)
    plain = read(tmp_path, "secrets/amqp_url_chunker"), read(tmp_path, "secrets/store_url_chunker")
    initialise(tmp_path, ENCRYPTED)
    amqp, store = read(tmp_path, "secrets/amqp_url_chunker"), read(tmp_path, "secrets/store_url_chunker")
    assert amqp == plain[0].replace("amqp://", "amqps://").replace(":5672/", ":5671/")
    assert store == plain[1].removesuffix("?secure=false")
    assert "secure=false" not in read(tmp_path, "secrets/store_url_admin")
    assert initialise(tmp_path, {}).written == ()
    initialise(tmp_path, {"PODCAST_OVERLAYS": ""})
    assert (read(tmp_path, "secrets/amqp_url_chunker"), read(tmp_path, "secrets/store_url_chunker")) == plain


def test_a_certificate_is_made_once_and_again_when_it_is_rotated(tmp_path: Path) -> None:
    deployment = initialise(tmp_path, ENCRYPTED).deployment
    before = read(tmp_path, "secrets/rabbitmq_certificate"), read(tmp_path, "secrets/rabbitmq_key")
    other = read(tmp_path, "secrets/minio_certificate")
    authority = read(tmp_path, "configs/ca.pem")
    rotate(deployment, "rabbitmq_certificate")
    after = read(tmp_path, "secrets/rabbitmq_certificate"), read(tmp_path, "secrets/rabbitmq_key")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert read(tmp_path, "secrets/minio_certificate") == other
    assert read(tmp_path, "configs/ca.pem") == authority
    assert verified(tmp_path, "rabbitmq").endswith("OK\n")


def test_the_key_of_the_authority_is_not_deployed(tmp_path: Path) -> None:
    deployment = initialise(tmp_path, ENCRYPTED).deployment
    assert (tmp_path / "secrets/authority/authority.key").stat().st_mode & 0o077 == 0
    assert not [name for name in deployment.variables() if "AUTHORITY" in name]


def test_certificates_of_ones_own_stay(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "configs").mkdir()
    for server in SERVERS:
        for name in names_of(server):
            (tmp_path / "secrets" / name).write_text(f"theirs: {name}")
    (tmp_path / "configs/ca.pem").write_text("their authority")
    initialise(tmp_path, ENCRYPTED)
    assert read(tmp_path, "configs/ca.pem") == "their authority"
    assert read(tmp_path, "secrets/minio_key") == "theirs: minio_key"
    assert not (tmp_path / "secrets/authority").exists()


def test_the_authority_is_replaced_while_clients_trust_the_servers_at_each_step(tmp_path: Path) -> None:
    """As docs/operations.md says."""
    folder, new = tmp_path / "deployment", tmp_path / "new"
    deployment = initialise(folder, ENCRYPTED).deployment
    old_ca = read(folder, "configs/ca.pem")
    assert main([str(new)]) == 0
    (folder / "configs/ca.pem").write_text(old_ca + read(tmp_path, "new/ca.pem"))
    assert "configs/ca.pem" not in initialise(folder, ENCRYPTED).written
    assert verified(folder, "minio").endswith("OK\n")

    (folder / "secrets/authority/authority.pem").write_text(read(tmp_path, "new/ca.pem"))
    (folder / "secrets/authority/authority.key").write_text(read(tmp_path, "new/ca.key"))
    for server in SERVERS:
        rotate(deployment, names_of(server)[0])
        assert verified(folder, server).endswith("OK\n")

    (folder / "configs/ca.pem").write_text(read(tmp_path, "new/ca.pem"))
    hashes = deployment.variables()
    initialise(folder, ENCRYPTED)
    changed = {name for name, value in deployment.variables().items() if hashes[name] != value}
    assert changed == {"PODCAST_HASH_CA_PEM"}
    assert verified(folder, "minio").endswith("OK\n")
    (folder / "configs/ca.pem").write_text(old_ca)
    with pytest.raises(subprocess.CalledProcessError):
        verified(folder, "minio")
