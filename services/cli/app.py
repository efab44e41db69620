"""The command `podcast`: its group, and how every command ends.

A command is a click command in a module of this package, named in `COMMANDS`; it is imported only when called, so that
`podcast status` does not pay for what only `podcast render` needs. Commands raise the errors of `shared.errors`; this
module turns them into one sentence on stderr and an exit code.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click
from click.exceptions import NoArgsIsHelpError, NoSuchCommand

from services.cli import api_option, exits, printing
from shared.errors import BadInput
from shared.runtime import logs

COMMANDS: Final[dict[str, str]] = {
    "render": "services.cli.render:render",
    "preview": "services.cli.preview_command:preview",
    "diff": "services.cli.diff_command:diff",
    "submit": "services.cli.job_commands:submit",
    "watch-folder": "services.cli.watch_folder_command:watch_folder",
    "watch": "services.cli.job_commands:watch",
    "stream": "services.cli.stream_command:stream",
    "status": "services.cli.store_commands:status",
    "fetch": "services.cli.store_commands:fetch",
    "cancel": "services.cli.job_commands:cancel",
    "retry": "services.cli.retry_command:retry",
    "jobs": "services.cli.store_commands:jobs",
    "delete": "services.cli.deleting_commands:delete",
    "prune": "services.cli.deleting_commands:prune",
    "backup": "services.cli.backup_commands:backup",
    "restore": "services.cli.backup_commands:restore",
    "up": "services.cli.stack_commands:up",
    "down": "services.cli.stack_commands:down",
    "ps": "services.cli.stack_commands:ps",
    "doctor": "services.cli.stack_commands:doctor",
    "dlq": "services.cli.dlq_commands:dlq",
    "queues": "services.cli.queues_commands:queues",
    "deploy": "services.cli.deploy_commands:deploy",
    "keys": "services.cli.keys_commands:keys",
    "webhooks": "services.cli.webhooks_commands:webhooks",
    "shows": "services.cli.shows_commands:shows",
    "lint": "services.cli.lint_command:lint_feed",
    "feeds": "services.cli.feeds_commands:feeds",
    "voices": "services.cli.voices_command:voices",
    "completion": "services.cli.completion_command:completion",
}
"""Name → module and attribute of the click command, in the order of `podcast --help`."""

LOCAL: Final = frozenset({"backup", "restore", "up", "down", "ps", "doctor", "deploy", "completion", "lint"})
"""Commands about this machine or its stack, which no API carries out."""


def _remember_debug(context: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        context.meta[exits.DEBUG] = True


def _with_debug(command: click.Command) -> click.Command:
    """Give the command, and those below it, the option --debug."""
    if not any(option.name == "debug" for option in command.params):
        command.params.append(
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,  # `PodcastGroup.main` looks for it, since the command line itself may be invalid
                callback=_remember_debug,
                help="Show the traceback of an error.",
            )
        )
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _with_debug(below)
    return command


class PodcastGroup(click.Group):
    """Imports a command when it is called, and ends every command with one sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the base class's signature
        """The names, in the order of a job's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """The command with this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return _with_debug(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The requested command; the error for an unknown one suggests the most similar ones.

        Raises:
            click.NoSuchCommand: there is no command with this name.
            BadInput: it works on this machine only, but the command line has --api.
        """
        try:
            name, command, left = super().resolve_command(ctx, args)
        except NoSuchCommand as error:
            # click looks for similar ones only among commands that have been imported.
            raise NoSuchCommand(error.command_name, possibilities=self.list_commands(ctx), ctx=ctx) from None
        if name in LOCAL and api_option.is_given(ctx) and not ctx.resilient_parsing:
            raise BadInput(f"`podcast {name}` is about this machine, not about an API.", hint="Leave out --api.")
        return name, command, left

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line, and exit with one of the five codes."""
        argv = list(sys.argv[1:] if args is None else args)
        # A command's output is what it prints; library logs are shown only with --debug.
        logs.configure("podcast", level="DEBUG" if "--debug" in argv else "CRITICAL")
        try:
            result = super().main(
                argv,
                prog_name=prog_name,
                complete_var=complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except BrokenPipeError:
            # The reader of our output is gone, as in `podcast jobs | head`: nobody is left to read anything.
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - lives as long as the process
            code = exits.DONE
        except NoArgsIsHelpError as nothing:
            # No command was given, and nothing is wrong.
            printing.say(nothing.ctx.get_help())
            code = exits.DONE
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - every failure of a command becomes a sentence
            if "--debug" in argv:
                printing.say_traceback(error)
            printing.note(f"podcast: {exits.sentence(error)}")
            code = exits.exit_code(error)
        else:
            # click returns the code of ctx.exit(), or what the command returned.
            code = result if isinstance(result, int) else exits.DONE
        if standalone_mode:
            sys.exit(code)
        return code


@click.group(cls=PodcastGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="podcast-engine", prog_name="podcast")
@api_option.options
def cli() -> None:
    """Turn an article, a book or a page into a podcast episode.

    Start with `podcast render article.md -o article.mp3`.
    """


_with_debug(cli)


def main() -> None:
    """The entry point: end the process without waiting for any thread."""
    code: int | str | None
    printing.survive_any_encoding()
    try:
        cli.main(prog_name="podcast")
    except SystemExit as end:
        code = end.code
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    # Leaving the interpreter would join threads, and one that reads a stuck disk must not keep the process alive.
    os._exit(code if isinstance(code, int) else exits.DONE)


if __name__ == "__main__":
    main()
