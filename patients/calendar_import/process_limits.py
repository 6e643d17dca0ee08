"""Limits for a process that reads one file which somebody else has made."""

import os

NICENESS = 5
"""Niceness of such a process. Its priority is lower than the server's, so pages come first when the computer is busy."""


def limit_this_process(*, memory: int, cpu_seconds: int) -> None:
    """Limit this process to this memory, in bytes, and this CPU time, and prevent it from writing files.

    Limits that the operating system does not support are skipped. In any case, the parent process stops this process
    when too much time has passed.
    """
    try:
        import resource  # this module is not available on Windows
    except ImportError:
        return
    os.nice(NICENESS)
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        try:
            resource.setrlimit(limit, (value, value))
        except (ValueError, OSError):
            continue
