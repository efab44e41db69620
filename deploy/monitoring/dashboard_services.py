"""The dashboard of processes, messages, the HTTP API, webhooks and feeds."""

from __future__ import annotations

from deploy.monitoring.panels import Panel, Query, now, over_time, quantile, rate


def panels() -> list[Panel]:
    """Its panels."""
    return [
        now("Processes that answer", 'sum by (service) (up{job="podcast"})', legend="{{service}}", width=12),
        now("Not ready", "sum by (service) (podcast_ready == bool 0)", legend="{{service}}", steps=(1, 1), width=12),
        over_time("Messages", Query(rate("podcast_messages_total", "queue, outcome"), "{{queue}} {{outcome}}")),
        over_time(
            "Time of a message (p95)",
            Query(quantile(0.95, "podcast_handler_seconds", "queue, type"), "{{queue}} {{type}}"),
            unit="s",
        ),
        over_time("Being handled", Query("sum by (queue) (podcast_in_flight)", "{{queue}}")),
        over_time(
            "Event loop late (p99)",
            Query(quantile(0.99, "podcast_loop_lag_seconds", "service"), "{{service}}"),
            unit="s",
        ),
        over_time("CPU", Query('sum by (service) (rate(process_cpu_seconds_total{job="podcast"}[5m]))', "{{service}}")),
        over_time(
            "Memory of the largest process",
            Query('max by (service) (process_resident_memory_bytes{job="podcast"})', "{{service}}"),
            unit="bytes",
        ),
        over_time(
            "HTTP requests", Query(rate("podcast_gateway_requests_total", "route, status"), "{{route}} {{status}}")
        ),
        over_time(
            "Time of a request (p95)",
            Query(quantile(0.95, "podcast_gateway_request_seconds", "method, route"), "{{method}} {{route}}"),
            unit="s",
        ),
        over_time(
            "Open at the gateways",
            Query("sum(podcast_gateway_streams)", "event streams"),
            Query("sum by (kind) (podcast_gateway_speech)", "speech: {{kind}}"),
            Query("sum(podcast_gateway_requests_in_flight)", "requests"),
            Query("sum(podcast_gateway_watched_jobs)", "watched jobs"),
        ),
        over_time("Webhooks", Query(rate("podcast_webhook_delivery_seconds_count", "outcome"), "{{outcome}}")),
        over_time("Polls of feeds", Query(rate("podcast_feed_poll_seconds_count", "outcome"), "{{outcome}}")),
        over_time("New items of feeds", Query(rate("podcast_feed_items_total", "outcome"), "{{outcome}}")),
        over_time(
            "How late feeds are polled (p95)", Query(quantile(0.95, "podcast_feed_poll_late_seconds"), "late"), unit="s"
        ),
        over_time(
            "Age of the youngest process",
            Query('min by (service) (time() - process_start_time_seconds{job="podcast"})', "{{service}}"),
            unit="s",
            explained="It begins anew at 0 with every restart.",
        ),
        over_time(
            "Jobs that stood still", Query("sum(increase(podcast_jobs_stalled_total[1h]))", "asked for again, an hour")
        ),
    ]
