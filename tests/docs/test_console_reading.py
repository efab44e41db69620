"""The reader of console blocks notices differences."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.console import Block, Command, Ids, Shell, blocks

PAGE = """
```console
$ one \\
    more
$ two
output
```

<!-- not run: it needs the moon -->
```console
$ three
```

<!-- fails -->

```console
$ four
podcast: no
```
"""


def test_blocks_are_commands_with_what_they_print() -> None:
    assert list(blocks(PAGE)) == [
        Block((Command("one \\\n    more", None), Command("two", "output"))),
        Block((Command("three", None),), "it needs the moon"),
        Block((Command("four", "podcast: no", fails=True),)),
    ]


@pytest.mark.parametrize(
    ("expected", "printed", "agrees"),
    [
        ("done", "done\n", True),
        ("done", "done and more\n", False),
        ("done", "", False),
        ("took 3.5 s of 12", "took 17 s of 1,300", True),
        ("took 3 s", "took a s", False),
        ("a   b", "a b", True),
        ("at …/store: ok", "at /tmp/x/store: ok", True),
        ("a\n…\nd", "a\nb\nc\nd", True),
        ("a\n…\nd", "a\nb\nc", False),
        ("…\nd", "a\nb\nd", True),
        ("…\nd", "d", True),
        ("a\n…", "a", True),
        ("(a+b)", "(a+b)", True),
    ],
)
def test_an_output_agrees_or_does_not(expected: str, printed: str, agrees: bool) -> None:
    assert Ids().learn(expected, printed) is agrees


def test_an_id_is_learnt_and_put_into_what_follows() -> None:
    ids = Ids()
    name, real = "0193f0a2-7b6e-7c7e-9d0e-2f4f7a1f6a11", "01999999-0000-7000-8000-000000000000"
    assert ids.learn(f"{name} and 3f1c", f"{real} and ab12")
    assert ids.put_into(f"podcast watch {name} 3f1c") == f"podcast watch {real} ab12"
    assert ids.learn(f"job {name}", f"job {real}")
    assert not ids.learn(f"job {name}", "job 01999999-0000-7000-8000-000000000001")


def test_a_shell_keeps_its_variables_and_says_how_a_command_ended(tmp_path: Path) -> None:
    with Shell(tmp_path, {"PATH": "/usr/bin:/bin"}) as shell:
        assert shell.run("x=5; echo a; cat; false") == (1, "a\n")
        assert shell.run("echo $x | tr 5 6; pwd") == (0, f"6\n{tmp_path}\n")
