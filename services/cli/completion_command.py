"""`podcast completion`: the script with which a shell completes commands, options and their values."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from services.cli import printing

SHELLS: Final = ("bash", "zsh", "fish")
COMPLETE_VARIABLE: Final = "_PODCAST_COMPLETE"
"""The variable with which the script calls `podcast` by click's protocol; click derives it from the program name."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: podcast completion bash > ~/.local/share/bash-completion/completions/podcast
    zsh:  podcast completion zsh > DIR/_podcast, where DIR is in $fpath
    fish: podcast completion fish > ~/.config/fish/completions/podcast.fish
    """  # noqa: D301 - click's mark for lines that stay as they are
    root = click.get_current_context().find_root()
    found = get_completion_class(shell)
    if found is None:
        raise RuntimeError(f"click has no completion for {shell}")
    script = found(root.command, {}, "podcast", COMPLETE_VARIABLE)
    # Not `source()`: for bash it checks the version of this machine's bash, which may not be the one that reads this.
    printing.say((script.source_template % script.source_vars()).strip())
