"""What every section of the settings shares."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["EnvironmentOnly", "Section"]


class Section(BaseModel):
    """A table of the settings: unknown keys refused, values frozen, never quoted in an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
        validate_default=True,
    )


class EnvironmentOnly:
    """Mark of a setting that is a secret: from the environment, never in the file."""
