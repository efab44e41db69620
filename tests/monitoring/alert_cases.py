"""For each alert, what makes it fire and what does not, as series over time in promtool's notation, a value a minute.

`0x5` is 0 and five times 0 again, `0+10x60` grows by 10 a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Series = dict[str, str]

DAY: Final = 86_400


@dataclass(frozen=True)
class Case:
    """One alert.

    Attributes:
        alert: its name.
        fires: series that make it fire.
        silent: series like them that do not.
        at: when it is looked at, in minutes.
    """

    alert: str
    fires: Series
    silent: Series
    at: int = 40


def _queue(part: str, values: str, queue: str = "synthesizer") -> Series:
    return {f'podcast_queue_messages{{queue="{queue}", part="{part}", instance="a"}}': values}


def _lag(late: str) -> Series:
    labels = 'service="gateway", instance="a"'
    return {
        f'podcast_loop_lag_seconds_bucket{{{labels}, le="1"}}': "0+100x60",
        f'podcast_loop_lag_seconds_bucket{{{labels}, le="2.5"}}': late,
        f'podcast_loop_lag_seconds_bucket{{{labels}, le="+Inf"}}': late,
    }


def _histogram(name: str, labels: str, below: str, above: str, bounds: tuple[str, str]) -> Series:
    low, high = bounds
    return {
        f'{name}_bucket{{{labels}, le="{low}"}}': below,
        f'{name}_bucket{{{labels}, le="{high}"}}': above,
        f'{name}_bucket{{{labels}, le="+Inf"}}': above,
    }


def _of_two(metric: str, label: str, bad: tuple[str, str], good: tuple[str, str]) -> Series:
    return {f'{metric}{{{label}="{value}"}}': values for value, values in (bad, good)}


_SERVICES: Final = ("chunker", "coordinator", "synthesizer", "assembler", "gateway")
_UP: Final = {f'up{{job="podcast", service="{name}", instance="{name}"}}': "1x60" for name in _SERVICES}
_ENDED: Final = "podcast_jobs_ended_total"
_OPEN: Final = 'podcast_speech_breaker_state{endpoint="http://a", state="closed", instance="s"}'
_OTHER_OPEN: Final = 'podcast_speech_breaker_state{endpoint="http://b", state="closed", instance="s"}'
_WAIT: Final = ("podcast_message_wait_seconds", 'queue="synthesizer"')
_LOOK: Final = ("podcast_store_call_seconds", 'operation="look up", outcome="ok"')
_POST: Final = ("podcast_gateway_request_seconds", 'method="POST", route="/v1/jobs"')
_LATE: Final = ("podcast_feed_poll_late_seconds", 'instance="f"')
_STORE: Final = "minio_cluster_capacity_usable"
_NODE: Final = 'instance="n", mountpoint="/", fstype="ext4"'
_STARTED: Final = 'process_start_time_seconds{job="podcast", service="chunker", instance="a"}'

CASES: Final = (
    Case("PodcastDeadLetters", _queue("dead", "0x5 3x60"), _queue("dead", "0x60") | _queue("ready", "3x60")),
    Case(
        "PodcastJobWithoutProgress",
        {'podcast_jobs_longest_still_seconds{state="synthesizing"}': "0+60x60"},
        {'podcast_jobs_longest_still_seconds{state="synthesizing"}': "1000x60"},
    ),
    Case(
        "PodcastJobsFail",
        _of_two(_ENDED, "state", ("failed", "0+1x60"), ("completed", "0+2x60")),
        _of_two(_ENDED, "state", ("failed", "0+1x60"), ("completed", "0+9x60")),
    ),
    Case(
        "PodcastQueueWithoutConsumer",
        {'podcast_queue_consumers{queue="webhooks"}': "0x60"} | _queue("ready", "2x60", "webhooks"),
        {'podcast_queue_consumers{queue="webhooks"}': "0x60", 'podcast_queue_consumers{queue="chunker"}': "1x60"}
        | _queue("ready", "0x60", "webhooks")
        | {'podcast_queue_consumers{queue="assembler"}': "0x60", 'podcast_queue_paused{queue="assembler"}': "1x60"},
    ),
    Case(
        "PodcastQueuePaused",
        {'podcast_queue_paused{queue="synthesizer"}': "1x90"},
        {'podcast_queue_paused{queue="synthesizer"}': "1x30 0x60"},
        at=80,
    ),
    Case(
        "PodcastQueueStuck",
        _queue("ready", "5x60") | {'podcast_messages_total{queue="synthesizer", outcome="done"}': "7x60"},
        _queue("ready", "5x60") | {'podcast_messages_total{queue="synthesizer", outcome="done"}': "7+1x60"},
    ),
    Case(
        "PodcastQueueWaitLong",
        _histogram(*_WAIT, "0+1x60", "0+10x60", ("300", "1800")),
        _histogram(*_WAIT, "0+10x60", "0+10x60", ("300", "1800")),
    ),
    Case(
        "PodcastRetriesMany",
        _of_two(
            "podcast_messages_total",
            "outcome",
            ('retried", queue="chunker', "0+1x60"),
            ('done", queue="chunker', "0+2x60"),
        ),
        _of_two(
            "podcast_messages_total",
            "outcome",
            ('retried", queue="chunker', "0+1x60"),
            ('done", queue="chunker', "0+9x60"),
        ),
    ),
    Case(
        "PodcastQueuesUnread",
        {"podcast_queues_read_timestamp_seconds": "0+60x10 600x60"},
        {"podcast_queues_read_timestamp_seconds": "0+60x60"},
    ),
    Case("PodcastSpeechBreakerOpen", {_OPEN: "1x10 0x60", _OTHER_OPEN: "1x60"}, {_OPEN: "1x60", _OTHER_OPEN: "1x60"}),
    Case("PodcastSpeechDown", {_OPEN: "1x10 0x60", _OTHER_OPEN: "0x60"}, {_OPEN: "1x10 0x60", _OTHER_OPEN: "1x60"}),
    Case(
        "PodcastSpeechBadAudio",
        {
            'podcast_speech_bad_audio_total{endpoint="http://a"}': "0+1x60",
            'podcast_speech_call_seconds_count{endpoint="http://a", outcome="spoken"}': "0+10x60",
        },
        {
            'podcast_speech_bad_audio_total{endpoint="http://a"}': "0+1x60",
            'podcast_speech_call_seconds_count{endpoint="http://a", outcome="spoken"}': "0+100x60",
        },
    ),
    Case(
        "PodcastEpisodesEncodedWhole",
        {
            'podcast_episodes_repaired_total{by="encoding", format="mp3", instance="a"}': "0+1x60",
            'podcast_episodes_total{source="made", instance="a"}': "0+2x60",
        },
        {
            'podcast_episodes_repaired_total{by="encoding", format="mp3", instance="a"}': "0+1x60",
            'podcast_episodes_repaired_total{by="gain", format="mp3", instance="a"}': "0+10x60",
            'podcast_episodes_total{source="made", instance="a"}': "0+20x60",
        },
    ),
    Case(
        "PodcastStoreDown",
        {'podcast_store_up{instance="a"}': "1x5 0x60", 'podcast_store_up{instance="b"}': "0x60"},
        {'podcast_store_up{instance="a"}': "1x60", 'podcast_store_up{instance="b"}': "0x60"},
    ),
    Case(
        "PodcastStoreErrors",
        _of_two("podcast_store_call_seconds_count", "outcome", ("down", "0+1x60"), ("ok", "0+50x60")),
        _of_two("podcast_store_call_seconds_count", "outcome", ("down", "0+1x60"), ("ok", "0+500x60")),
    ),
    Case(
        "PodcastStoreSlow",
        _histogram(*_LOOK, "0+1x60", "0+10x60", ("1", "2.5")),
        _histogram(*_LOOK, "0+10x60", "0+10x60", ("1", "2.5")),
    ),
    Case(
        "PodcastBrokerDown",
        {'podcast_broker_up{instance="a"}': "1x60", 'up{job="rabbitmq", instance="r1"}': "1x5 0x60"},
        {'podcast_broker_up{instance="a"}': "0x60", 'podcast_broker_up{instance="b"}': "1x60"},
    ),
    Case(
        "PodcastBrokerAlarm",
        {"rabbitmq_alarms_memory_used_watermark": "0x5 1x60", "rabbitmq_alarms_free_disk_space_watermark": "0x60"},
        {"rabbitmq_alarms_memory_used_watermark": "0x60", "rabbitmq_alarms_free_disk_space_watermark": "0x60"},
    ),
    Case("PodcastServiceMissing", {name: up for name, up in _UP.items() if "assembler" not in name}, _UP),
    Case(
        "PodcastTargetDown",
        {'up{job="podcast", service="chunker", instance="a"}': "1x5 0x60"},
        {'up{job="podcast", service="chunker", instance="a"}': "1x5 0x1 1x60"},
    ),
    Case(
        "PodcastServiceNotReady",
        {'podcast_ready{service="chunker"}': "0x60"},
        {'podcast_ready{service="chunker"}': "1x60"},
    ),
    Case("PodcastServiceRestarts", {_STARTED: "0+60x60"}, {_STARTED: "0x20 1200x60"}),
    Case("PodcastLoopLag", _lag("0+110x60"), _lag("0+100x60")),
    Case(
        "PodcastGatewayErrors",
        _of_two("podcast_gateway_requests_total", "status", ("500", "0+1x60"), ("200", "0+10x60")),
        _of_two("podcast_gateway_requests_total", "status", ("404", "0+1x60"), ("200", "0+10x60")),
    ),
    Case(
        "PodcastGatewaySlow",
        _histogram(*_POST, "0+1x60", "0+10x60", ("1", "2.5")),
        _histogram(*_POST, "0+10x60", "0+10x60", ("1", "2.5")),
    ),
    Case(
        "PodcastWebhooksFail",
        _of_two(
            "podcast_webhook_delivery_seconds_count", "outcome", ("NotDelivered", "0+2x60"), ("delivered", "0+1x60")
        ),
        _of_two(
            "podcast_webhook_delivery_seconds_count", "outcome", ("NotDelivered", "0+2x60"), ("delivered", "0+3x60")
        ),
    ),
    Case(
        "PodcastFeedsLate",
        _histogram(*_LATE, "0+1x80", "0+10x80", ("300", "3600")),
        _histogram(*_LATE, "0+10x80", "0+10x80", ("300", "3600")),
        at=75,
    ),
    Case(
        "PodcastBrokerDiskLow",
        {
            'rabbitmq_disk_space_available_bytes{instance="r"}': "400x60",
            'rabbitmq_disk_space_available_limit_bytes{instance="r"}': "200x60",
        },
        {
            'rabbitmq_disk_space_available_bytes{instance="r"}': "900x60",
            'rabbitmq_disk_space_available_limit_bytes{instance="r"}': "200x60",
        },
    ),
    Case(
        "PodcastStoreDiskLow",
        {f"{_STORE}_free_bytes": "10x60", f"{_STORE}_total_bytes": "100x60"},
        {f"{_STORE}_free_bytes": "50x60", f"{_STORE}_total_bytes": "100x60"},
    ),
    Case(
        "PodcastNodeDiskLow",
        {f"node_filesystem_avail_bytes{{{_NODE}}}": "5x60", f"node_filesystem_size_bytes{{{_NODE}}}": "100x60"},
        {f"node_filesystem_avail_bytes{{{_NODE}}}": "50x60", f"node_filesystem_size_bytes{{{_NODE}}}": "100x60"},
    ),
    Case(
        "PodcastCertificateExpires",
        {'podcast_certificate_expiry_timestamp_seconds{peer="broker"}': f"{10 * DAY}x120"},
        {'podcast_certificate_expiry_timestamp_seconds{peer="broker"}': f"{30 * DAY}x120"},
        at=90,
    ),
    Case("PodcastAlertingWorks", {"nothing": "1x60"}, {}),
)
