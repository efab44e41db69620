"""What docker-stack.yml and the overlays promise, service by service, as docker reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo

from deploy.stack import docker as docker_module
from deploy.stack.check_files import combinations
from deploy.stack.deployment import STACK_FILE, Deployment
from deploy.stack.docker import docker
from deploy.stack.initialising import initialise
from deploy.stack.rendering import merged, relocatable
from shared.errors import BadInput
from shared.runtime import health, service
from shared.settings import PREFIX, Settings
from tests.unit.deploy.conftest import Merge, as_docker_reads_it

OURS = ("chunker", "coordinator", "synthesizer", "assembler", "webhooks", "feeds", "gateway")
STATEFUL = ("rabbitmq", "minio")
SCRATCH = "/tmp"  # noqa: S108 - in the containers
PROBED = dict.fromkeys(OURS, 8081) | {"speech": 8880}
CLOSING_CALLS = 4
"""After the grace period: cancelling the consumer, what is left, the quarantine, the connection (`Service._drain`)."""


def seconds(text: str) -> float:
    """docker's form of a duration: 1m30s."""
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?", text)
    assert parts, text
    hours, minutes, rest = (float(part or 0) for part in parts.groups())
    return hours * 3_600 + minutes * 60 + rest


def default(name: str) -> float:
    field: FieldInfo = Settings.model_fields[name]
    return float(field.default)


def every_service(merge: Merge) -> Iterator[tuple[str, dict[str, Any]]]:
    for overlays in combinations():
        for name, found in merge(*overlays)["services"].items():
            yield f"{'+'.join(overlays)}:{name}", found


def test_every_service_is_bounded_watched_and_can_be_undone(merge: Merge) -> None:
    seen = 0
    for name, found in every_service(merge):
        deploy = found["deploy"]
        if deploy.get("mode") == "replicated-job":
            assert (found["healthcheck"], deploy["restart_policy"]["condition"]) == ({"disable": True}, "on-failure")
            assert found["read_only"] is True
            assert int(deploy["resources"]["limits"]["memory"]) > 0
            continue
        seen += 1
        assert found["healthcheck"]["test"][0] == "CMD", name
        assert found["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name
        assert found["init"] is True, name
        assert deploy["restart_policy"]["condition"] == "any", name
        assert deploy["update_config"]["failure_action"] == "rollback", name
        assert deploy["update_config"]["parallelism"] == 1, name
        assert deploy["rollback_config"]["failure_action"] == "pause", name
        for config in (deploy["update_config"], deploy["rollback_config"]):
            assert config["order"] in {"start-first", "stop-first"}, name
            assert seconds(config["monitor"]) >= 30, name
        limits, reserved = deploy["resources"]["limits"], deploy["resources"]["reservations"]
        assert int(limits["memory"]) >= int(reserved["memory"]) > 0, name
        assert limits["pids"] > 0, name
        assert float(reserved["cpus"]) > 0, name
        assert not re.search(r":latest$|^[^:]+$", found["image"]), name
        assert found["cap_drop"] == ["ALL"], name
        assert "depends_on" not in found, name
        assert not [value for value in found.get("environment", {}).values() if "://" in str(value) and "@" in value]
    assert seen > 50


def test_our_containers_are_read_only_and_run_as_nobody_in_particular(merge: Merge) -> None:
    for name, found in merge("rabbitmq-cluster", "minio-cluster")["services"].items():
        assert found["read_only"] is True, name
        assert found["user"] == "10001:10001", name
        assert [each for each in found["volumes"] if each["target"] == SCRATCH], name
        for secret in found.get("secrets", []):
            assert (secret["uid"], secret["gid"], secret["mode"]) == ("10001", "10001", 0o400), name


@pytest.mark.parametrize("name", PROBED)
def test_health_is_whether_it_is_alive_and_the_watchdog_acts_first(merge: Merge, name: str) -> None:
    check = merge()["services"][name]["healthcheck"]
    assert check["test"] == ["CMD", "podcast-probe", f"http://127.0.0.1:{PROBED[name]}/healthz"]
    # A loop that stands still is seen by the probe after this long at the earliest, and is ended `retries` looks later.
    earliest = health.STILL_LIMIT_SECONDS + (check["retries"] - 1) * seconds(check["interval"])
    assert earliest > default("watchdog_seconds")
    assert seconds(check["timeout"]) <= seconds(check["interval"])


@pytest.mark.parametrize("name", [*OURS, "speech"])
def test_docker_waits_longer_than_a_service_needs_to_stop(merge: Merge, name: str) -> None:
    found = merge()["services"][name]
    grace = float(found["environment"][f"{PREFIX}GRACE_SECONDS"])
    needed = grace + CLOSING_CALLS * service._STOP_SECONDS if name in OURS else 2 * grace
    assert seconds(found["stop_grace_period"]) >= needed + 5
    assert seconds(found["stop_grace_period"]) > 2 * grace + 5, (
        "the gateway waits for its requests and then its backend"
    )


def test_long_connections_inside_go_to_a_task_and_not_through_a_virtual_address(merge: Merge) -> None:
    for name, found in every_service(merge):
        published = bool(found.get("ports"))
        if found["deploy"].get("mode") == "replicated-job":
            continue  # nobody connects to it
        assert found["deploy"].get("endpoint_mode", "vip") == ("vip" if published else "dnsrr"), name


@pytest.mark.parametrize("overlays", [(), ("rabbitmq-cluster", "minio-cluster")])
def test_what_has_data_stays_on_its_node_and_stops_before_it_starts(merge: Merge, overlays: tuple[str, ...]) -> None:
    found = merge(*overlays)
    stateful = {name: each for name, each in found["services"].items() if name.startswith(STATEFUL)}
    assert len(stateful) == (7 if overlays else 2)
    places, volumes = set(), set()
    for name, each in stateful.items():
        deploy = each["deploy"]
        assert deploy["replicas"] == 1, name
        assert deploy["placement"]["max_replicas_per_node"] == 1, name
        assert deploy["update_config"]["order"] == "stop-first", name
        assert deploy["rollback_config"]["order"] == "stop-first", name
        (place,) = deploy["placement"]["constraints"]
        places.add(place)
        (volume,) = [mount["source"] for mount in each["volumes"] if mount["target"] != SCRATCH]
        volumes.add(volume)
        assert volume in found["volumes"], name
    assert len(places) == len(volumes) == len(stateful)


def test_the_nodes_of_a_cluster_differ_only_in_name_place_and_data(merge: Merge) -> None:
    services = merge("rabbitmq-cluster", "minio-cluster")["services"]
    for first, others in (("rabbitmq", ("rabbitmq2", "rabbitmq3")), ("minio", ("minio2", "minio3", "minio4"))):
        for other in others:
            assert without_identity(services[other]) == without_identity(services[first]), other
            assert services[other]["deploy"]["labels"] == {"podcast.in-turn": first}
    assert services["rabbitmq2"]["networks"]["broker"]["aliases"] == ["rabbitmq"]
    assert services["rabbitmq"]["healthcheck"]["test"] == ["CMD", "rabbitmq-diagnostics", "-q", "ping"]


def without_identity(found: dict[str, Any]) -> dict[str, Any]:
    deploy = {key: value for key, value in found["deploy"].items() if key != "placement"}
    rest = {
        key: sorted(value, key=str) if key in {"configs", "secrets"} else value
        for key, value in found.items()
        if key not in {"networks", "volumes", "hostname", "deploy", "entrypoint"}
    }
    return rest | {"deploy": deploy}


def test_what_is_inside_stays_inside(merge: Merge) -> None:
    found = merge()
    networks = found["networks"]
    assert {name for name, each in networks.items() if each.get("internal")} == {"broker", "store", "speech"}
    leaving = {name for name, each in found["services"].items() if {"edge", "egress"} & set(each["networks"])}
    assert leaving == {"chunker", "webhooks", "feeds", "gateway"}
    assert [name for name, each in found["services"].items() if each.get("ports")] == ["gateway"]


def names_in_the_swarm(deployment: Deployment) -> dict[str, str]:
    found = as_docker_reads_it(deployment)
    return {name: each["name"] for kind in ("secrets", "configs") for name, each in found[kind].items()}


def test_a_changed_secret_or_config_is_another_one(deployment: Deployment) -> None:
    before = names_in_the_swarm(deployment)
    (deployment.secrets / "gateway_key").write_text("changed")
    initialise(deployment.folder, {})
    after = names_in_the_swarm(deployment)
    assert {name for name in after if after[name] != before[name]} == {"gateway_key"}
    assert all(len(name) <= 64 for name in after.values())


def test_no_secret_is_in_what_is_rendered_and_its_paths_move_with_the_folder(deployment: Deployment) -> None:
    as_docker_reads_it(deployment)
    text = relocatable(deployment, merged(deployment, ()).text, deployment.folder / "rendered" / "stack.yml")
    for path in deployment.secrets.iterdir():
        if len(path.read_text()) > 10:
            assert path.read_text() not in text, path
    assert "file: ../secrets/gateway_key" in text
    assert str(deployment.folder) not in text


@pytest.mark.parametrize("missing", ["PODCAST_TAG", "PODCAST_HASH_GATEWAY_KEY"])
def test_a_tag_and_the_hashes_must_be_given(deployment: Deployment, missing: str) -> None:
    as_docker_reads_it(deployment)
    lines = deployment.env_file.read_text().splitlines()
    deployment.env_file.write_text("\n".join(line for line in lines if not line.startswith(f"{missing}=")))
    with pytest.raises(BadInput, match=missing):
        merged(deployment, ())


def test_messages_of_required_variables_have_no_hyphen() -> None:
    # docker takes what follows one for a default value, and the variable is not required any more.
    for path in (STACK_FILE, *(Path(STACK_FILE).parent / "deploy" / "overlays").glob("*.yml")):
        for message in re.findall(r":\?([^}]*)\}", path.read_text()):
            assert "-" not in message, (path, message)


def test_the_key_of_a_collector_is_a_file_of_every_service_that_sends_traces(merge: Merge) -> None:
    found = merge("tracing", "tracing-headers")["services"]
    sending = {name for name, each in found.items() if each.get("environment", {}).get("OTEL_TRACES_EXPORTER")}
    assert sending == {*OURS, "speech"}
    for name in sending:
        assert found[name]["environment"]["PODCAST_TRACES_HEADERS_FILE"] == "/run/secrets/traces_headers", name
        assert "traces_headers" in [secret["target"] for secret in found[name]["secrets"]], name


def test_our_variables_reach_our_settings(merge: Merge) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name, found in every_service(merge):
        for variable in found.get("environment", {}):
            if variable.startswith(PREFIX):
                assert variable.removesuffix("_FILE") in known, (name, variable)


def test_docker_itself_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(docker_module.Misconfigured, match="not installed"):
        docker("info")
    program = tmp_path / "docker"
    program.write_text(
        "#!/bin/sh\necho 'Cannot connect to the Docker daemon at unix:///x. Is it running?' >&2; exit 1\n"
    )
    program.chmod(0o755)
    with pytest.raises(docker_module.Outage, match="does not answer"):
        docker("info")
    program.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    with pytest.raises(docker_module.Outage, match="did not end within"):
        docker("info", seconds=0.2)
