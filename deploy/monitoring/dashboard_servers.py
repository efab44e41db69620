"""The dashboard of what the services lean on: speech, store, broker, nodes."""

from __future__ import annotations

from deploy.monitoring.panels import Panel, Query, now, over_time, quantile, rate


def panels() -> list[Panel]:
    """Its panels."""
    return [
        now(
            "Breakers that are open",
            'sum by (endpoint) (podcast_speech_breaker_state{state!="closed"})',
            legend="{{endpoint}}",
            steps=(1, 1),
            width=8,
        ),
        now(
            "Services that reach the store",
            "sum(podcast_store_up) / count(podcast_store_up)",
            unit="percentunit",
            width=8,
        ),
        now(
            "Services that reach the broker",
            "sum(podcast_broker_up) / count(podcast_broker_up)",
            unit="percentunit",
            width=8,
        ),
        over_time(
            "Speech calls",
            Query(rate("podcast_speech_call_seconds_count", "endpoint, outcome"), "{{endpoint}} {{outcome}}"),
        ),
        over_time(
            "Time of a speech call",
            Query(quantile(0.5, "podcast_speech_call_seconds", "endpoint", '{outcome="spoken"}'), "{{endpoint}} p50"),
            Query(quantile(0.95, "podcast_speech_call_seconds", "endpoint", '{outcome="spoken"}'), "{{endpoint}} p95"),
            unit="s",
        ),
        over_time("Real-time factor", Query("podcast:speech_real_time_factor:rate5m", "{{endpoint}}")),
        over_time("Calls under way", Query("sum by (endpoint) (podcast_speech_calls_in_flight)", "{{endpoint}}")),
        over_time(
            "Speech server: texts",
            Query("sum(podcast_speech_waiting)", "waiting"),
            Query("sum(podcast_speech_workers_busy)", "being spoken"),
            Query("sum(podcast_speech_workers)", "workers"),
        ),
        over_time("Unusable answers", Query(rate("podcast_speech_bad_audio_total", "endpoint"), "{{endpoint}}")),
        over_time(
            "Store calls",
            Query(rate("podcast_store_call_seconds_count", "operation, outcome"), "{{operation}} {{outcome}}"),
        ),
        over_time(
            "Time of a store call (p95)",
            Query(quantile(0.95, "podcast_store_call_seconds", "operation"), "{{operation}}"),
            unit="s",
        ),
        over_time(
            "Store: free space",
            Query("max(minio_cluster_capacity_usable_free_bytes)", "free"),
            Query("max(minio_cluster_capacity_usable_total_bytes)", "total"),
            unit="bytes",
        ),
        over_time(
            "Time of a publish (p95)",
            Query(quantile(0.95, "podcast_publish_seconds", "exchange"), "{{exchange}}"),
            unit="s",
        ),
        over_time(
            "Broker: memory",
            Query("rabbitmq_process_resident_memory_bytes", "{{instance}}"),
            Query("rabbitmq_resident_memory_limit_bytes", "{{instance}} limit"),
            unit="bytes",
        ),
        over_time(
            "Broker: disk",
            Query("rabbitmq_disk_space_available_bytes", "{{instance}}"),
            Query("rabbitmq_disk_space_available_limit_bytes", "{{instance}} limit"),
            unit="bytes",
        ),
        over_time(
            "Deadlines that passed",
            Query(rate("podcast_deadlines_expired_total", "service, doing"), "{{service}} {{doing}}"),
        ),
        over_time(
            "Disk space left, by node",
            Query(
                'min by (instance, mountpoint) (node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|overlay"}'
                ' / node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|overlay"})',
                "{{instance}} {{mountpoint}}",
            ),
            unit="percentunit",
        ),
        over_time(
            "Certificates expire in",
            Query("min by (peer) (podcast_certificate_expiry_timestamp_seconds) - time()", "{{peer}}"),
            unit="s",
        ),
    ]
