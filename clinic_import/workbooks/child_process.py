"""Read a workbook in a child process. A child process that takes too long can be killed."""

import json
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired

from clinic_import.workbooks.worker import Refusal, WorkbookRefused

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = [sys.executable, "-s", "-W", "ignore", "-m", "clinic_import.workbooks.worker"]
TIMEOUT_SECONDS = 90


def read_in_child(data: bytes) -> dict[str, list[tuple[int, list[str]]]]:
    """Return the rows of a workbook's sheets as `worker.read_workbook` does. Raises WorkbookRefused.

    A workbook can be made to use much more memory than its size. The child process has limits of its own, and shares no
    memory, connections or environment with this process.
    """
    with Popen(COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=ROOT, env={}) as child:
        try:
            output, _ = child.communicate(data, timeout=TIMEOUT_SECONDS)
        except TimeoutExpired:
            child.kill()
            raise WorkbookRefused(Refusal.TOO_LARGE) from None
    if child.returncode != 0:
        # A negative code is a signal, for example because the limit of memory or CPU time was reached.
        raise WorkbookRefused(Refusal.TOO_LARGE if child.returncode < 0 else Refusal.BROKEN)
    result = json.loads(output)
    if "refused" in result:
        raise WorkbookRefused(Refusal(result["refused"]))
    return {name: [(number, cells) for number, cells in rows] for name, rows in result["sheets"].items()}
