"""The engine, the images and the stack, each made once; the tests of this folder run in the order of their files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.stack import engine as engines
from tests.stack import images
from tests.stack.docker import Docker
from tests.stack.engine import Engine, NoEngineError
from tests.stack.stack import SPEECH_PORT, Stack

WANTED = os.environ.get("PODCAST_STACK", "")
"""`short` or `long`; empty: nothing here runs, since it is no part of `make test`."""

collect_ignore_glob = [] if WANTED else ["test_*.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("long_stack") and WANTED != "long":
            item.add_marker(pytest.mark.skip(reason="only in the long form: make stack-test"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a failure, what the containers said last: the stack is gone when somebody reads of it."""
    report = yield
    if report.failed and call.when == "call":
        for stack in {
            id(each): each for each in getattr(item, "funcargs", {}).values() if isinstance(each, Stack)
        }.values():
            report.sections.append(("containers", stack.last_words()))
    return report


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    try:
        with engines.provided() as engine:
            yield engine
    except NoEngineError as error:
        pytest.skip(f"THE STACK IS NOT TESTED. {error}")


@pytest.fixture(scope="session")
def docker(engine: Engine) -> Docker:
    return engine.docker


@pytest.fixture(scope="session")
def tag(docker: Docker) -> Iterator[str]:
    """The tag of the images under test."""
    tag = images.ensure(docker)
    yield tag
    images.remove_others(docker, tag)


@pytest.fixture(scope="session")
def stack(docker: Docker, tag: str, session_folder: Path) -> Iterator[Stack]:
    """The stack, deployed by `podcast deploy init` and `up`."""
    stack = Stack(docker, session_folder / "deployment")
    volumes = stack.volumes()
    stack.init(tag)
    stack.set_options(PODCAST_TEST_SPEECH_PORT=str(SPEECH_PORT))
    try:
        stack.up()
        yield stack
    finally:
        if not os.environ.get("PODCAST_STACK_KEEP"):
            stack.destroy()
            assert not stack.remains()
            assert stack.volumes() <= volumes, "scratch of containers that are gone"


@pytest.fixture(scope="session")
def session_folder() -> Iterator[Path]:
    """Not pytest's: other runs of it on this machine remove all but its last three."""
    with tempfile.TemporaryDirectory(prefix="podcast-stack-test-", dir="/var/tmp", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture
def folder(session_folder: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of a test's own."""
    made = session_folder / request.node.name
    made.mkdir()
    return made
