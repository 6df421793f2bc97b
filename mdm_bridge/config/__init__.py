"""Settings: one TOML file, overridden by the environment. Its types stop at ``wiring``."""

from mdm_bridge.config.load import DEFAULT_FILE, check_settings_text, find_settings, load_settings
from mdm_bridge.config.models import Settings

__all__ = ["DEFAULT_FILE", "Settings", "check_settings_text", "find_settings", "load_settings"]
