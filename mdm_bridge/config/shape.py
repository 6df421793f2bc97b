"""The shape of the settings: which keys exist where, and what kind of value each takes."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from mdm_bridge.config.base import EnvironmentOnly

__all__ = ["at", "keys_at", "looks_secret", "secret_keys", "strip"]

_SECRET_WORDS = ("password", "passwd", "secret", "token", "key", "credential", "credentials")


def strip(annotation: Any) -> Any:
    """Return the type inside ``Annotated`` and ``… | None``."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation


def step(node: Any, key: str) -> Any:
    """Return the type found under ``key`` of a table, or None when there is no such key."""
    node = strip(node)
    if isinstance(node, type) and issubclass(node, BaseModel):
        field = node.model_fields.get(key)
        return None if field is None else field.annotation
    if get_origin(node) is dict:
        return get_args(node)[1]
    return None


def at(root: type[BaseModel], path: Sequence[str]) -> Any:
    """Return the type at ``path``, or None when there is no such setting."""
    node: Any = root
    for key in path:
        node = step(node, key)
        if node is None or node is typing.Any:
            return node
    return node


def keys_at(root: type[BaseModel], path: Sequence[str]) -> list[str]:
    """Return the known keys of the table at ``path`` (none when it names its keys itself)."""
    node = strip(at(root, path))
    if isinstance(node, type) and issubclass(node, BaseModel):
        return list(node.model_fields)
    return []


def secret_keys(model: type[BaseModel]) -> Iterator[str]:
    """Yield the keys of a table that may come from the environment only."""
    for key, field in model.model_fields.items():
        if EnvironmentOnly in field.metadata:
            yield key


def looks_secret(key: str) -> bool:
    """Tell whether the name of a setting says that its value is a secret."""
    return key.lower().replace("-", "_").rpartition("_")[2] in _SECRET_WORDS
