"""When a process counts as silent: after failed probes in a row, whatever the clock says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from deploy.local import probing
from deploy.local.health import port_mapper_silence, readiness, silence
from deploy.local.probing import FAILURES_LIMIT, Prober
from tests.servers.ports import free_port
from tests.waiting import until

PACE_SECONDS = 0.02


class Patient:
    """A process with prepared answers, one per probe; the last one is repeated."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def probe(self, seconds: float) -> str:
        del seconds
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def prober(patient: Patient) -> Prober:
    return Prober(patient.probe, every_seconds=PACE_SECONDS, changed=lambda: None)


async def test_a_process_that_has_answered_is_silent_after_five_failed_probes_in_a_row() -> None:
    patient = Patient("", "timeout")
    assert "5 probes in a row failed: timeout" in await prober(patient).wait_silent()
    assert patient.asked == 1 + FAILURES_LIMIT


async def test_one_answer_in_between_is_enough() -> None:
    patient = Patient("", *["timeout"] * (FAILURES_LIMIT - 1), "", "timeout")
    await prober(patient).wait_silent()
    assert patient.asked == 1 + (FAILURES_LIMIT - 1) + 1 + FAILURES_LIMIT


async def test_a_process_has_its_time_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "START_SECONDS", 20 * PACE_SECONDS)
    slow = Patient(*["nothing listens"] * 15, "")
    watched = prober(slow)
    waiting = asyncio.create_task(watched.wait_silent())
    await until(lambda: watched.state == "running", "it has started")
    waiting.cancel()

    never = Patient("nothing listens")
    await prober(never).wait_silent()
    assert never.asked == 20


async def test_its_state_follows_its_answers() -> None:
    states: list[str] = []
    patient = Patient("nothing listens", "", "timeout", "", "timeout")
    watched = Prober(patient.probe, every_seconds=PACE_SECONDS, changed=lambda: states.append(watched.state))
    assert watched.state == "starting"
    await watched.wait_silent()
    assert states == ["running", "not answering", "running", "not answering"]


async def test_a_probe_that_never_ends_is_a_failed_one() -> None:
    async def hang(_: float) -> str:
        await asyncio.Event().wait()
        return ""

    watched = Prober(hang, every_seconds=PACE_SECONDS, changed=lambda: None)
    watched.has_answered()
    assert "no answer within" in await asyncio.wait_for(watched.wait_silent(), timeout=30)


async def test_a_probe_that_raises_is_a_failed_one_and_not_the_end_of_the_stack() -> None:
    async def surprise(seconds: float) -> str:
        raise EOFError(f"after {seconds:g} s")

    watched = Prober(surprise, every_seconds=PACE_SECONDS, changed=lambda: None)
    watched.has_answered()
    assert "5 probes in a row failed: EOFError" in await watched.wait_silent()


async def test_time_in_which_nobody_asked_does_not_count() -> None:
    """While the supervisor is stopped or the machine sleeps, the clock keeps running."""
    loop = asyncio.get_running_loop()
    real, ahead = loop.time, 0.0
    patient = Patient("", *["timeout"] * (FAILURES_LIMIT - 2), "")
    watched = prober(patient)
    waiting = asyncio.create_task(watched.wait_silent())
    await until(lambda: patient.asked >= 3, "some probes have failed")
    with pytest.MonkeyPatch.context() as patch:
        ahead = 36_000.0
        patch.setattr(loop, "time", lambda: real() + ahead)
        seen = patient.asked
        await asyncio.wait({waiting}, timeout=10 * PACE_SECONDS)
        assert patient.asked > seen
        assert not waiting.done()
        waiting.cancel()


# ------------------------------------------------------------------- servers that respond, and one that does not


@contextlib.asynccontextmanager
async def served(answers: dict[str, str]) -> AsyncIterator[int]:
    """A server on the loopback: the beginning of a request → the whole response; no response to other requests."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.read(1_000)
        for beginning, answer in answers.items():
            if request.startswith(beginning.encode()):
                writer.write(answer.encode())
                writer.close()
                return
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    port = free_port()
    async with await asyncio.start_server(serve, "127.0.0.1", port):
        yield port


def http(status: str, body: str = "") -> str:
    return f"HTTP/1.0 {status}\r\n\r\n{body}"


async def test_who_answers_that_it_is_not_well_is_alive() -> None:
    async with served({"GET /healthz": http("503 Service Unavailable", '{"loop_still_seconds": 3}')}) as port:
        assert await silence(port, "/healthz", 5) == ""


async def test_who_accepts_and_says_nothing_is_not() -> None:
    """The kernel accepts connections for a stopped process."""
    async with served({}) as port:
        assert await silence(port, "/healthz", 0.1) == "no answer within 0.1 s"
        assert await port_mapper_silence(port, 0.1) == "no answer within 0.1 s"
    assert await silence(port, "/healthz", 5) != "", "nothing listens any more"


async def test_the_port_mapper_is_asked_in_its_own_words() -> None:
    async with served({"\x00\x01n": "\x00\x00\x11\x11name podcast at port 25672\n"}) as port:
        assert await port_mapper_silence(port, 5) == ""


async def test_readiness_is_readyz_and_where_there_is_none_healthz() -> None:
    reasons = '{"ready": false, "reasons": ["the broker is away", "it does not consume"]}'
    async with served({"GET /readyz": http("503 No", reasons), "GET /healthz": http("200 OK")}) as port:
        assert await readiness(port) == (False, "the broker is away; it does not consume")
    async with served({"GET /readyz": http("404 Not Found"), "GET /healthz": http("200 OK")}) as port:
        assert await readiness(port) == (True, "")
    failing = '{"status": "failing", "failure": "the voice cannot be loaded"}'
    async with served({"GET /readyz": http("404 Not Found"), "GET /healthz": http("503 No", failing)}) as port:
        assert await readiness(port) == (False, "the voice cannot be loaded")
