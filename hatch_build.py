"""Compile the catalogs of sentences before the package is built (also for an editable install)."""

from __future__ import annotations

import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogHook(BuildHookInterface):  # type: ignore[type-arg]
    """Makes the ``.mo`` files, which git does not keep."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; ``[tool.hatch.build] artifacts`` takes the result into the package."""
        sys.path.insert(0, self.root)
        try:
            from tools.messages import compile_catalogs
        finally:
            sys.path.remove(self.root)
        compile_catalogs()
