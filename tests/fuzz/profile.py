"""The two profiles of hypothesis for the fuzz targets, chosen by PODCAST_FUZZ.

A target is decorated with `fuzz` (`@fuzz` above `@given(…)`), so that the other tests keep their settings.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SUPPRESSED = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)

settings.register_profile(
    "short",
    max_examples=200,
    derandomize=True,  # the same cases in every run: `make test` fails because of a change, not by chance
    deadline=None,
    suppress_health_check=_SUPPRESSED,
)
settings.register_profile(
    "long", max_examples=30_000, deadline=None, print_blob=True, suppress_health_check=_SUPPRESSED
)

NAME = os.environ.get("PODCAST_FUZZ", "short")

fuzz = settings.get_profile(NAME)
"""Decorates a fuzz target."""
