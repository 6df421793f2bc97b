"""Every measure, one after the other; fills in ``docs/performance.md``: ``python -m bench``."""

from __future__ import annotations

import sys

from bench import jamf_school_memory, peers, run, start_up

if __name__ == "__main__":
    run.main([*sys.argv[1:], "--write"])
    for measure in (jamf_school_memory, start_up, peers):
        measure.main(["--write"])
