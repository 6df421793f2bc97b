"""Where the data of a command goes: the format, stdout or a file."""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TextIO, cast

import click

from mdm_bridge.delivery.cli.lazy import Option
from mdm_bridge.delivery.i18n import N_, Phrases, _, format_value
from mdm_bridge.documents.cells import harmless
from mdm_bridge.documents.columns import BINARY_FORMATS, FORMATS, Column, Row
from mdm_bridge.errors import InputError, system_reason
from mdm_bridge.messages import Message

if TYPE_CHECKING:
    from pathlib import Path

    from mdm_bridge.delivery.cli.base import Cli

__all__ = ["Output", "output_options", "print_json", "print_rows", "print_text"]


class Output(NamedTuple):
    """What ``--format`` and ``--output`` asked for; None = not asked."""

    format: str | None = None
    path: Path | None = None

    def resolved(self, cli: Cli) -> str:
        """Return the format: the option, else the settings (``[output] format``)."""
        return self.format or str(cli.settings.output.format)


def output_options(
    function: Callable[..., Any] | None = None, *, progress: bool = False
) -> Callable[..., Any]:
    """Add ``--format`` and ``--output``; the function gets ``output: Output``.

    Args:
        function: The command's function (the decorator works with and without parentheses).
        progress: Also add ``--no-progress``.
    """
    if function is None:
        return functools.partial(output_options, progress=progress)

    @functools.wraps(function)
    def with_output(*args: Any, output_format: str | None, output_path: Path | None, **kwargs: Any) -> Any:
        return function(*args, output=Output(output_format, output_path), **kwargs)

    decorated: Callable[..., Any] = with_output
    if progress:
        decorated = _no_progress(decorated)
    decorated = click.option(
        "--output",
        "output_path",
        cls=Option,
        type=click.Path(dir_okay=False, path_type=_path_type()),
        metavar=N_("FILE"),
        help=N_("Write into this file instead of the screen."),
    )(decorated)
    return click.option(
        "--format",
        "output_format",
        cls=Option,
        type=click.Choice(FORMATS),
        help=N_(
            "How rows are written: list is for screen readers, json and csv for programs, "
            "csv-fr, ods and xlsx for spreadsheets."
        ),
    )(decorated)


def _path_type() -> type[Path]:
    from pathlib import Path

    return Path


def _no_progress(function: Callable[..., Any]) -> Callable[..., Any]:
    def keep(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value and ctx.obj is not None:
            ctx.obj.progress_lines = True

    return click.option(
        "--no-progress",
        cls=Option,
        is_flag=True,
        expose_value=False,
        callback=keep,
        help=N_("A line now and then instead of a progress bar."),
    )(function)


def print_rows(
    cli: Cli,
    rows: Iterable[Row],
    columns: Sequence[Column],
    output: Output = Output(),  # noqa: B008 - immutable
    *,
    json_rows: Iterable[Any] | Mapping[str, Any] | None = None,
    title: str | None = None,
    freshness: str | Message | None = None,
) -> None:
    """Write rows where and how the person asked.

    Args:
        cli: The run.
        rows: Values by key; datetimes aware; what is unknown is None.
        columns: What people and spreadsheets see, in order.
        output: What ``--format`` and ``--output`` said.
        json_rows: What ``json`` writes instead of ``rows`` (deeper objects, or one mapping as a whole).
        title: Translated title, written into a file for people.
        freshness: How old the data is: on stderr, and inside a file for people.

    Instants are shown in the zone of the settings once ``cli.settings`` or ``cli.app`` was used.

    Raises:
        InputError: The file cannot be written.
    """
    from mdm_bridge.documents.render import render

    fmt = output.resolved(cli)
    age = format_value(freshness) if freshness else None
    kept = output.path is not None or fmt in BINARY_FORMATS
    with _target(fmt, output) as (out, width):
        hidden = render(
            rows,
            columns,
            fmt,
            out,
            words=Phrases(),
            json_rows=json_rows,
            title=title if kept else None,
            freshness=age if kept else None,
            width=width,
        )
    if hidden:
        names = ", ".join(_(column.heading) for column in hidden)
        cli.note(_("Hidden columns: {columns} (--format list shows them).", columns=names))
    if age:
        cli.note(age)


def print_json(value: object, output: Output = Output()) -> None:  # noqa: B008 - immutable
    """Write one JSON object, indented; datetimes, messages and sets as in :func:`print_rows`."""
    from mdm_bridge.documents.as_json import dump

    text = dump(value, Phrases(), indent=2) + "\n"
    with _target("json", output) as (out, _width):
        if isinstance(out, io.TextIOBase):
            out.write(text)
        else:
            cast(BinaryIO, out).write(text.encode())


def print_text(text: str) -> None:
    """Print a line of data for a person on stdout, without control characters."""
    click.echo(harmless(text))


@contextmanager
def _target(fmt: str, output: Output) -> Iterator[tuple[BinaryIO | TextIO, int | None]]:
    """Open what to write to; also give the width to fit into, None off a terminal."""
    if output.path is not None and str(output.path) != "-":
        with _file(output.path) as file:
            yield file, None
        return
    if sys.stdout.isatty():
        if fmt in BINARY_FORMATS:
            raise _needs_file(fmt)
        import shutil

        yield sys.stdout, shutil.get_terminal_size((80, 24)).columns
        return
    if fmt in ("table", "list"):
        yield sys.stdout, None
        return
    # Programs read UTF-8, whatever the console's encoding is.
    sys.stdout.flush()
    yield sys.stdout.buffer, None
    sys.stdout.buffer.flush()


def _needs_file(fmt: str) -> click.UsageError:
    error = click.UsageError(
        _("A file in {format} cannot be shown on the screen.", format=fmt),
        click.get_current_context(silent=True),
    )
    error.bridge_hint = _("Add --output FILE.{format}, or choose another --format.", format=fmt)  # type: ignore[attr-defined]
    return error


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears whole or not at all."""
    from mdm_bridge.documents.atomic import whole_file

    try:
        with whole_file(path) as file:
            yield file
    except OSError as error:
        raise InputError(
            Message(
                "output_not_written",
                "{file} cannot be written: {reason}.",
                file=str(path),
                reason=system_reason(error),
            ),
            hint=Message(
                "choose_other_output",
                "Check that the folder exists and is yours, and that the file is not open.",
            ),
        ) from error
