"""Where Chromium is, and how it is started, for benchmarks, screenshots and tests in a browser."""

import os
import shutil

NOT_FOUND = "Chromium was not found. Install it (on Debian: apt-get install chromium)."


def chromium_path() -> str | None:
    """Return the path of Chromium's program, or None if it is not installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def chromium_flags() -> list[str]:
    """Return the flags that Chromium needs to start. Root has to turn off Chromium's sandbox."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []
