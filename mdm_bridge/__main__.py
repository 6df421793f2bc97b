"""``python -m mdm_bridge`` and the ``mdm-bridge`` command."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    try:
        from mdm_bridge.delivery.cli import cli

        cli.main()
    except KeyboardInterrupt:  # before the command line could see it
        sys.exit(130)


if __name__ == "__main__":
    main()
