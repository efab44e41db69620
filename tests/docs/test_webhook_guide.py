"""What docs/webhooks.md prints for receivers does what it says, and its figures are those of the code."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import Any

from services.webhooks.signing import headers
from shared.client.webhook_endpoints import ENDPOINTS_LIMIT
from shared.client.webhook_secrets import WebhookSecret, new_secret
from shared.settings import Settings

GUIDE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
BODY = '{"type": "job.completed", "data": {"title": "Ærø ✓"}}'.encode()


def block(language: str, *, with_: str) -> str:
    (found,) = [text for text in re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL) if with_ in text]
    return str(found)


def test_the_python_of_the_guide_accepts_what_is_genuine_and_nothing_else() -> None:
    names: dict[str, Any] = {}
    exec(block("python", with_="def is_genuine"), names)  # noqa: S102 - the guide's own code
    secret, other = new_secret(), new_secret()
    now = int(time.time())
    sent = headers("msg_1", BODY, [WebhookSecret.of(other), WebhookSecret.of(secret)], timestamp=now)
    assert names["is_genuine"](secret, sent, BODY)
    assert names["is_genuine"](other, sent, BODY)
    assert not names["is_genuine"](new_secret(), sent, BODY)
    assert not names["is_genuine"](secret, sent, BODY + b" ")
    assert not names["is_genuine"](secret, {**sent, "webhook-id": "msg_2"}, BODY)
    old = headers("msg_1", BODY, [WebhookSecret.of(secret)], timestamp=now - 301)
    assert not names["is_genuine"](secret, old, BODY)


def test_the_shell_of_the_guide_computes_the_signature(tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(BODY)
    secret = new_secret()
    sent = headers("msg_1", BODY, [WebhookSecret.of(secret)], timestamp=1764000012)
    variables = {"secret": secret, "webhook_id": "msg_1", "webhook_timestamp": "1764000012", "body": str(body)}
    script = block("sh", with_="openssl dgst")
    done = subprocess.run(
        ("sh", "-c", script), env={"PATH": "/usr/bin:/bin", **variables}, capture_output=True, text=True, check=True
    )
    assert f"v1,{done.stdout.strip()}" == sent["webhook-signature"]


def test_its_figures_are_those_of_the_settings() -> None:
    settings = Settings()
    assert f"There are {settings.webhook_attempts_limit} attempts" in GUIDE
    assert f"within {settings.webhook_deadline_seconds:g} s" in GUIDE
    assert f"for {settings.webhook_rotation_seconds / 3_600:g} hours" in GUIDE
    assert f"at most {ENDPOINTS_LIMIT} endpoints" in GUIDE
