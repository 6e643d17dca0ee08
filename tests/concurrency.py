"""Run services at the same time, each in its own thread with its own connection to the database."""

import threading
from collections.abc import Callable

from django.db import connection

from timekeeping.reasons import Refused


def at_the_same_time(*acts: Callable[[], object]) -> list[object]:
    """Run each act in its own thread. Return "done" for each success, and the class of the first reason for each refusal."""
    outcomes: list[object] = []
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
            outcomes.append("done")
        except Refused as refused:
            outcomes.append(type(refused.reasons[0]))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
