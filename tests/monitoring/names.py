"""Which metrics a PromQL expression asks for, and which there are."""

from __future__ import annotations

import re
from typing import Final

from docs.metrics import catalogue

OF_OTHERS: Final = frozenset(
    {
        # Of every target, by Prometheus itself.
        "up",
        # Of every Python process, by prometheus_client.
        "process_start_time_seconds",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        # Of RabbitMQ's plugin; test_running.py reads them from a real node.
        "rabbitmq_alarms_memory_used_watermark",
        "rabbitmq_alarms_free_disk_space_watermark",
        "rabbitmq_disk_space_available_bytes",
        "rabbitmq_disk_space_available_limit_bytes",
        "rabbitmq_process_resident_memory_bytes",
        "rabbitmq_resident_memory_limit_bytes",
        # Of MinIO; test_running.py reads them from a real server.
        "minio_cluster_capacity_usable_free_bytes",
        "minio_cluster_capacity_usable_total_bytes",
        # Of the node exporter.
        "node_filesystem_avail_bytes",
        "node_filesystem_size_bytes",
    }
)
_NO_NAMES: Final = frozenset({"by", "on", "without", "and", "or", "unless", "bool", "ignoring", "group_left", "offset"})
_STRINGS: Final = re.compile(r'"[^"]*"')
_LABELS: Final = re.compile(r"\{[^}]*\}|\b(?:by|on|without|ignoring|group_left)\s*\([^)]*\)|\[[^\]]*\]")
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\w)(?!\s*\()")


def asked_for(expr: str) -> set[str]:
    """The names of metrics in an expression."""
    bare = _LABELS.sub(" ", _STRINGS.sub('""', expr))
    return {name for name in _NAME.findall(bare) if name not in _NO_NAMES}


def labels_asked_for(expr: str) -> dict[str, set[str]]:
    """Metric → labels that its selectors name."""
    found: dict[str, set[str]] = {}
    for name, selector in re.findall(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}", _STRINGS.sub('""', expr)):
        found.setdefault(name, set()).update(re.findall(r"(\w+)\s*[=!]", selector))
    return found


def ours() -> frozenset[str]:
    """Every series that our processes have."""
    return frozenset().union(*(metric.series for metric in catalogue().values()))
