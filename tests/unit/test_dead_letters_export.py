"""An export of dead letters loses nothing: any message is read back from its line unchanged."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.dead_letters import export
from shared.dead_letters.letter import BROKERS_COUNTERS, read
from shared.errors import BadInput
from shared.protocol.topology import SYNTHESIZER


@dataclass
class Received:
    """A message as the client library delivers it, as far as an export reads it."""

    body: bytes = b""
    headers: dict[str, Any] = field(default_factory=dict)
    exchange: str = "podcast.dead"
    routing_key: str = "synthesizer"
    content_type: str | None = None
    content_encoding: str | None = None
    delivery_mode: int = 2
    priority: int | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    expiration: float | None = None
    message_id: str | None = None
    timestamp: datetime | None = None
    type: str | None = None
    app_id: str | None = None


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.just(UTC)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["$bytes", "$table", "$time"]), inner),
    max_leaves=6,
)
names = st.text(min_size=1).filter(lambda name: name not in BROKERS_COUNTERS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(
    st.builds(
        Received,
        body=st.binary() | st.text().map(str.encode),
        headers=st.dictionaries(names, values),
        correlation_id=st.none() | st.text(min_size=1),
        message_id=st.none() | st.text(min_size=1),
        type=st.none() | st.text(min_size=1),
        timestamp=st.none() | st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)),  # noqa: DTZ001 - given there
        priority=st.none() | st.integers(0, 9),
    )
)
def test_any_message_survives_its_export(received: Any) -> None:
    line = export.line(read(received, SYNTHESIZER), received)
    restored = export.message(line)
    assert "\n" not in line
    assert restored.body == received.body
    assert restored.headers == received.headers
    assert restored.message_id == received.message_id
    assert restored.correlation_id == received.correlation_id
    assert restored.type == received.type
    assert restored.timestamp == received.timestamp


def test_values_that_json_cannot_hold_are_written_readably() -> None:
    received: Any = Received(
        headers={"a": b"\xff", "b": Decimal("1.50"), "c": float("inf"), "d": datetime(2026, 1, 2, tzinfo=UTC)}
    )
    line = export.line(read(received, SYNTHESIZER), received)
    assert '"a": {"$bytes": "/w=="}' in line
    assert '"b": {"$decimal": "1.50"}' in line
    assert '"c": {"$float": "inf"}' in line
    assert '"d": {"$time": "2026-01-02T00:00:00+00:00"}' in line


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", "nonsense", '{"body": 1}', '{"body": "x", "body_encoding": "base64"}']
)
def test_what_is_no_export_is_refused_in_one_sentence(line: str) -> None:
    with pytest.raises(BadInput, match="not a line of an export"):
        export.message(line)
