"""A gateway that would be open to strangers does not start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.gateway.app import build
from shared.errors import Misconfigured
from shared.settings import Settings


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"gateway_key": "secret"}, "PODCAST_GATEWAY_KEY"),
        ({"gateway_key": "pe_0123456789ab_" + "G" * 64}, "PODCAST_GATEWAY_KEY"),
        ({"gateway_anonymous": True, "gateway_host": "0.0.0.0"}, "PODCAST_GATEWAY_ANONYMOUS"),
        ({"gateway_anonymous": True, "gateway_cors_origins": "*"}, "PODCAST_GATEWAY_ANONYMOUS"),
    ],
)
async def test_a_gateway_open_to_strangers_does_not_start(tmp_path: Path, wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        build(Settings(store_url=tmp_path.as_uri(), **wrong))
    assert named in refused.value.message
    assert refused.value.hint
    assert "G" * 64 not in str(refused.value)
