"""Prometheus, Alertmanager and the dashboards of deploy/monitoring."""
