"""Find and start Chromium for benchmarks, screenshots and browser tests."""

import os
import shutil

NOT_FOUND = "Chromium was not found. Install it (on Debian: apt-get install chromium)."


def chromium_path() -> str | None:
    """Return the path of Chromium's program, or None if it is not installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def chromium_flags() -> list[str]:
    """Return the flags to start Chromium with. As root, Chromium starts only with its sandbox off."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []
