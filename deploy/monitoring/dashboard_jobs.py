"""The dashboard that answers: where is my book stuck?"""

from __future__ import annotations

from typing import Final

from deploy.monitoring.panels import Panel, Query, by_label, now, over_time, quantile, rate, text

_HOW_TO_READ: Final = """\
A book goes through **chunker**, **synthesizer** (each chunk) and **assembler**; the **coordinator** hears of each step.
The first of these queues in which messages *wait* while *done a minute* is 0 is where all stands still. *Handled now*
and *consumers* 0: the service does not run. *Retries waiting*: a server behind it fails, see the dashboard of servers.
*Dead letters*: work that was given up, `podcast dlq list`.

For one book: `podcast status ID` says its state and what is missing; its id is in every log line about it:
`docker service logs --raw podcast_synthesizer 2>&1 | grep ID`.
"""


def panels() -> list[Panel]:
    """Its panels."""
    unfinished = 'sum(podcast_pieces{kind="chunk", status=~"requested|unrequested"})'
    return [
        now("Jobs under way", "sum by (state) (podcast_jobs_active)", legend="{{state}}", width=12),
        now(
            "Longest without progress",
            "max by (state) (podcast_jobs_longest_still_seconds)",
            legend="{{state}}",
            unit="s",
            steps=(600, 1800),
            width=12,
        ),
        by_label(
            "The stages",
            "queue",
            {
                "waiting": Query('max by (queue) (podcast:queue_messages:max{part="ready"})'),
                "handled now": Query("sum by (queue) (podcast_in_flight)"),
                "done a minute": Query('sum by (queue) (rate(podcast_messages_total{outcome="done"}[5m])) * 60'),
                "waited (p90)": Query("max by (queue) (podcast:message_wait_seconds:p90_15m)", unit="s"),
                "retries waiting": Query('max by (queue) (podcast:queue_messages:max{part="waiting"})'),
                "dead letters": Query('max by (queue) (podcast:queue_messages:max{part="dead"})'),
                "consumers": Query("max by (queue) (podcast_queue_consumers)"),
            },
            explained="A queue is named after the service that consumes it.",
        ),
        text("How to find out where a book is stuck", _HOW_TO_READ),
        now("Chunks to be spoken", unfinished, width=6),
        now(
            "They take about",
            f"{unfinished} / (sum(rate(podcast_chunks_synthesized_total[10m])) > 0) or vector(0)",
            unit="s",
            width=6,
            explained="At the pace of the last ten minutes; 0 if nothing is spoken.",
        ),
        now(
            "Speech for a second of audio",
            "podcast:speech_real_time_factor:rate5m",
            legend="{{endpoint}}",
            width=6,
            explained="Seconds of calling for a second of speech: 0.5 is twice as fast as listening.",
        ),
        now(
            "Failed jobs, last day",
            'sum(increase(podcast_jobs_ended_total{state="failed"}[1d]))',
            steps=(1, 10),
            width=6,
        ),
        over_time("Jobs by state", Query("sum by (state) (podcast_jobs_active)", "{{state}}")),
        over_time(
            "Jobs that ended, an hour", Query("sum by (state) (increase(podcast_jobs_ended_total[1h]))", "{{state}}")
        ),
        over_time(
            "Time in a state (p90)",
            Query(quantile(0.9, "podcast_job_stage_seconds", "state"), "{{state}}"),
            unit="s",
            explained="With all waiting. What of it is work: Time of a message, on Services.",
        ),
        over_time("Waiting messages", Query('podcast:queue_messages:max{part="ready"}', "{{queue}}")),
        over_time(
            "Pieces of work", Query('sum by (kind, status) (podcast_pieces{status!="finished"})', "{{kind}} {{status}}")
        ),
        over_time(
            "Failures",
            Query(rate("podcast_message_failures_total", "queue, error, outcome"), "{{queue}} {{error}} {{outcome}}"),
        ),
    ]
