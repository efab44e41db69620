"""The synchronous client is derived from the asynchronous one."""

from __future__ import annotations

import inspect

from docs import sync_client
from podcast_client import AsyncPodcastClient, PodcastClient


def test_the_synchronous_modules_are_what_the_asynchronous_ones_say() -> None:
    for path, text in sync_client.modules().items():
        assert path.read_text(encoding="utf-8") == text, "run `python -m docs.sync_client`"


def test_both_clients_have_the_same_methods() -> None:
    def methods(of: type) -> set[str]:
        return {name for name, _ in inspect.getmembers(of, inspect.isfunction) if not name.startswith("_")}

    assert methods(AsyncPodcastClient) == methods(PodcastClient)
