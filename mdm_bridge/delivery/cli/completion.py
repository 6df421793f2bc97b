"""``completion``: the script that makes a shell complete our commands, options and values."""

from __future__ import annotations

import click

from mdm_bridge.delivery.cli.base import N_, Cli, _, argument, pass_cli
from mdm_bridge.delivery.cli.base import command as make_command

__all__ = ["command"]

_VARIABLE = "_MDM_BRIDGE_COMPLETE"


@make_command(
    "completion",
    help=N_("Print the completion script of a shell; a line on stderr says where to put it."),
    examples=("mdm-bridge completion bash > ~/.mdm-bridge-completion.bash", "mdm-bridge completion fish"),
)
@argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@pass_cli
def command(cli: Cli, shell: str) -> None:
    """Print click's own script."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    root = click.get_current_context().find_root().command
    # Not source(): it runs bash to learn its version, and the script may be made for another machine.
    completer = made(root, {}, "mdm-bridge", _VARIABLE)
    click.echo(completer.source_template % completer.source_vars())
    cli.note(_where(shell))


def _where(shell: str) -> str:
    if shell == "fish":
        return _(
            "Write it into {file}; new terminals use it.", file="~/.config/fish/completions/mdm-bridge.fish"
        )
    return _(
        "Add this line to {file}; new terminals use it: {line}",
        file=f"~/.{shell}rc",
        line=f'eval "$(mdm-bridge completion {shell} 2>/dev/null)"',
    )
