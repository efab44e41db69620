"""Ports stay the same as long as they can."""

from __future__ import annotations

import socket

import pytest

from deploy.local.ports import FIRST_PORT, LAST_PORT, LOOPBACK, PortBook, free_port, is_free
from shared.errors import Misconfigured


def taken(port: int) -> socket.socket:
    server = socket.create_server((LOOPBACK, port))
    server.listen()
    return server


def test_a_name_keeps_its_port_over_restarts() -> None:
    first = PortBook()
    port = first.port("broker")
    assert FIRST_PORT <= port <= LAST_PORT
    assert PortBook(first.ports).port("broker") == port


def test_a_port_that_a_stranger_took_is_replaced() -> None:
    book = PortBook()
    port = book.port("broker")
    with taken(port):
        assert not is_free(port)
        assert book.port("broker") != port


def test_two_names_never_share_a_port() -> None:
    book = PortBook()
    assert len({book.port(f"service {number}") for number in range(200)}) == 200


def test_a_machine_without_free_ports_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.ports.is_free", lambda _: False)
    with pytest.raises(Misconfigured, match="No free port"):
        free_port()
