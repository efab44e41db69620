"""Prometheus, Alertmanager and Grafana of the stack: their configuration, and what writes the derived parts of it."""
