"""The store's policies are made from the keys, and every role of the broker has one."""

from __future__ import annotations

import fnmatch

import pytest

from deploy.store.policies import STORE_RIGHTS, policy_of
from shared.protocol.roles import ROLE_NAMES
from shared.store import keys

JOB = "0193f0a1-0000-7000-8000-000000000001"


def allowed(role: str, action: str, key: str) -> bool:
    """As an S3 server decides: a statement that denies wins."""
    found = {
        statement["Effect"]
        for statement in policy_of(role, bucket="podcast")["Statement"]
        if action in statement["Action"]
        and any(fnmatch.fnmatchcase(f"arn:aws:s3:::podcast/{key}", pattern) for pattern in statement["Resource"])
    }
    return "Allow" in found and "Deny" not in found


def test_every_role_has_a_policy() -> None:
    assert set(STORE_RIGHTS) == set(ROLE_NAMES)


def test_the_status_of_a_job_is_written_by_the_coordinator_alone() -> None:
    writers = {role for role in STORE_RIGHTS if allowed(role, "s3:PutObject", keys.status(JOB))}
    assert writers == {"coordinator", "operator"}


@pytest.mark.parametrize(
    ("key", "readers"),
    [
        (keys.api_key("abc"), {"gateway", "operator"}),
        (keys.webhook("we_1"), {"webhooks", "gateway", "operator"}),
        (keys.feed("fd_1"), {"feeds", "gateway", "operator"}),
        (keys.webhook_secret(JOB, "00"), {"webhooks", "gateway", "operator"}),
        (keys.audit_intent("2026-11-28", "1"), {"gateway", "coordinator", "operator"}),
    ],
)
def test_secrets_and_the_audit_log_are_read_by_those_who_need_them(key: str, readers: set[str]) -> None:
    assert {role for role in STORE_RIGHTS if allowed(role, "s3:GetObject", key)} == readers


def test_the_list_of_voices_goes_from_the_synthesizer_to_the_chunker() -> None:
    key = keys.voices("engine")
    readers = {role for role in STORE_RIGHTS if allowed(role, "s3:GetObject", key)}
    writers = {role for role in STORE_RIGHTS if allowed(role, "s3:PutObject", key)}
    assert readers == {"synthesizer", "chunker", "operator"}
    assert writers == {"synthesizer", "operator"}


def test_a_service_has_the_markers_of_its_own_suspects_alone() -> None:
    for service in ("chunker", "synthesizer", "assembler", "coordinator", "webhooks", "feeds"):
        mark = keys.suspect(service, "message", "token")
        assert {role for role in STORE_RIGHTS if allowed(role, "s3:PutObject", mark)} == {service, "operator"}


def test_nobody_but_an_operator_may_list_everything() -> None:
    for role in STORE_RIGHTS:
        lists = [
            entry for entry in policy_of(role, bucket="podcast")["Statement"] if "s3:ListBucket" in entry["Action"]
        ]
        for statement in lists:
            prefixes = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", ["*"])
            assert ("*" in prefixes) == (role == "operator")
