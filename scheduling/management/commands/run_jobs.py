"""`manage.py run_jobs`: a long-running process that runs the nightly jobs of each site when they are due."""

import logging
import signal
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from accounts.jobs import run_due_jobs
from accounts.models import JobOutcome, JobRun
from accounts.services.outbox import queue_due_mail
from iopmanager import clock
from iopmanager.jobs import NIGHTLY
from scheduling.formats import counted
from scheduling.models import Site

logger = logging.getLogger(__name__)

POLL_SECONDS = 30


class Command(BaseCommand):
    help = (
        "Run each site's nightly jobs when they are due, and missed jobs right away. Tell the background worker which mail to "
        "try again. Runs until stopped with Ctrl+C or SIGTERM. Several of these processes may run at the same time."
    )
    stopping = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="run the jobs that are due now, then exit")

    def handle(self, *args: Any, once: bool, verbosity: int, **options: Any) -> None:
        self.verbosity, self.stopping = verbosity, False
        with self._told_to_stop():
            if once:
                failed = sum(run.outcome == JobOutcome.FAILED for run in self._look())
                if failed:
                    raise CommandError(f"{counted(failed, 'job')} failed.")
            while not once and not self.stopping:
                self._look_unharmed()
                self._rest()

    def _look(self) -> list[JobRun]:
        queue_due_mail(now=clock.now())
        sites = [site.as_job_scope() for site in Site.objects.all()]
        done = []
        for run in run_due_jobs(jobs=NIGHTLY, sites=sites, now=clock.now, stopping=lambda: self.stopping):
            done.append(run)
            if run.outcome == JobOutcome.DONE and self.verbosity:  # failures are already in the log
                self.stdout.write(f"{run}: {run.words}")
                self.stdout.flush()
        return done

    def _look_unharmed(self) -> None:
        """Run the jobs that are due and log any error, for example while the database is unavailable.

        The process then continues and tries again at the next poll.
        """
        close_old_connections()
        try:
            self._look()
        except Exception as error:
            logger.error("could not check for nightly jobs: %s", type(error).__name__)

    def _rest(self) -> None:
        for _ in range(POLL_SECONDS):
            if self.stopping:
                return
            sleep(1)

    @contextmanager
    def _told_to_stop(self) -> Iterator[None]:
        """Handle SIGTERM and SIGINT until the context ends.

        After the first signal, the running job finishes and then the process stops. A second signal interrupts the job.
        """

        def stop(number: int, _: Any) -> None:
            self.stopping = True
            signal.signal(number, signal.default_int_handler)

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        except KeyboardInterrupt:
            self.stderr.write("Stopped during a job. The job will run again.")
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
