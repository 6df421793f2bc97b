"""From what is wrong with the settings to one error that names everything at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from mdm_bridge.config.shape import keys_at
from mdm_bridge.config.types import BadSetting
from mdm_bridge.domain.identifiers import nearest
from mdm_bridge.errors import SettingProblem, SettingsError
from mdm_bridge.messages import Message

__all__ = ["from_pydantic", "settings_error", "unknown_key"]

_GENERIC_HINT = Message("settings_hint", "Correct them, then run: mdm-bridge doctor")

_NUMBER = Message("number_form", "Write it without quotes, with a point for decimals: 30 or 2.5.")
_TABLE = (
    Message("expects_table", "This must be a table."),
    Message("table_form", "Write its keys under a heading of its own: [{example}].", example="section.name"),
)
_EXPECTED: Mapping[str, tuple[Message, Message]] = {
    "string": (
        Message("expects_text", "This must be a text."),
        Message("text_form", 'Write it between double quotes: "text".'),
    ),
    "bool": (
        Message("expects_boolean", "This must be yes or no."),
        Message("boolean_form", "Write true or false, without quotes."),
    ),
    "int": (Message("expects_integer", "This must be a whole number."), _NUMBER),
    "float": (Message("expects_number", "This must be a number."), _NUMBER),
    "tuple": (
        Message("expects_list", "This must be a list."),
        Message("list_form", 'Write texts between square brackets: ["one", "two"].'),
    ),
    "dict": _TABLE,
    "model": _TABLE,
    "path": (
        Message("expects_path", "This must be a path."),
        Message("path_form", 'Write it between double quotes, with /: "secrets/server.key".'),
    ),
}
_UNUSABLE = (
    Message("setting_not_usable", "This value cannot be used."),
    Message("setting_remove", "Remove it to use the default, or correct it."),
)


def settings_error(problems: Sequence[SettingProblem]) -> SettingsError:
    """Return one error that lists every problem, each with its cure."""
    if len(problems) == 1:
        only = problems[0]
        return SettingsError(_where(only), hint=only.hint, problems=problems)
    listed = _line(problems[-1])
    for problem in reversed(problems[:-1]):
        listed = Message("settings_more", "{line}\n{more}", line=_line(problem), more=listed)
    return SettingsError(
        Message(
            "settings_invalid",
            "{count} settings are wrong:\n{problems}",
            count=len(problems),
            problems=listed,
        ),
        hint=_GENERIC_HINT,
        problems=problems,
    )


def _where(problem: SettingProblem) -> Message:
    """Return the sentence with its place in front; the code stays that of the sentence."""
    code, place = problem.message.code, problem.file or problem.key
    if problem.file is None or not problem.key:
        return Message(code, "{place}: {problem}", place=place, problem=problem.message)
    return Message(
        code, "{file}: {key}: {problem}", file=problem.file, key=problem.key, problem=problem.message
    )


def _line(problem: SettingProblem) -> Message:
    return Message("setting_line", "- {problem} {hint}", problem=_where(problem), hint=problem.hint)


def unknown_key(file: str | None, shown: str, key: str, known: Sequence[str]) -> SettingProblem:
    """Return the problem of a key that does not exist, naming the nearest.

    Args:
        file: Settings file, None for the environment.
        shown: The key in full, as the person wrote it.
        key: Its last part.
        known: What could stand there.
    """
    near = nearest(key, known)
    hint = (
        Message("setting_nearest", 'Did you mean "{nearest}"?', nearest=near)
        if near
        else Message("settings_known", "Known here: {known}.", known=", ".join(known))
    )
    return SettingProblem(file, shown, Message("unknown_setting", "There is no such setting."), hint)


def from_pydantic(
    error: ValidationError, root: type[BaseModel], file: str | None, variables: Mapping[tuple[str, ...], str]
) -> list[SettingProblem]:
    """Return our problems for what pydantic found.

    Args:
        error: What it raised.
        root: Model of the whole settings.
        file: Settings file.
        variables: Name of the variable by path, for values that came from the environment.
    """
    found = []
    for item in error.errors(include_url=False, include_input=False):
        path = tuple(str(part) for part in item["loc"] if not str(part).startswith("["))
        variable = next((variables[path[:n]] for n in range(len(path), 0, -1) if path[:n] in variables), None)
        where, shown = (None, variable) if variable else (file, ".".join(path))
        if item["type"] == "extra_forbidden":
            found.append(unknown_key(where, shown, path[-1], keys_at(root, path[:-1])))
        else:
            message, hint = _judge(item, path)
            found.append(SettingProblem(where, shown, message, hint))
    return found


def _judge(item: Any, path: tuple[str, ...]) -> tuple[Message, Message]:
    kind, context = item["type"], item.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, BadSetting):
        return cause.message, cause.hint
    if kind == "missing":
        return (
            Message("missing_setting", "This setting is required."),
            Message("add_setting", "Add {key} to [{section}].", key=path[-1], section=".".join(path[:-1])),
        )
    if kind == "literal_error":
        return (
            Message("setting_not_a_choice", "This value is not one of the choices."),
            Message(
                "setting_choices",
                "Write one of: {choices}.",
                choices=context["expected"].replace(" or ", ", "),
            ),
        )
    for bound, hint in _LIMITS.items():
        if bound in context:
            return Message("setting_out_of_range", "This number is out of range."), hint(context[bound])
    return _EXPECTED.get(kind.partition("_")[0], _UNUSABLE)


def _at_least(limit: object) -> Message:
    return Message("number_at_least", "Write a number from {limit} up.", limit=limit)


def _at_most(limit: object) -> Message:
    return Message("number_at_most", "Write a number up to {limit}.", limit=limit)


def _above(limit: object) -> Message:
    return Message("number_above", "Write a number above {limit}.", limit=limit)


_LIMITS = {"gt": _above, "ge": _at_least, "le": _at_most}
