"""Find schedules for one patient and print what the search page shows."""

import json
import sys
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit import record
from accounts.models import Action
from iopmanager import clock
from patients.models import Episode, Patient
from scheduling.domain.search.schedules import MAX_SCHEDULES
from scheduling.management.fit.json_output import as_json
from scheduling.management.fit.report import build_report
from scheduling.management.fit.text_output import as_text
from scheduling.management.fit.what_if_options import add_what_if_arguments, has_what_if
from scheduling.reason_text import reason_text
from timekeeping.reasons import Refused

NOTHING_FITS = 3
"""Exit code when no schedule fits. An error gives 1, and wrong usage gives 2."""
DEFAULT_COUNT = 10


class Command(BaseCommand):
    help = "Print the schedules that fit a patient best, and every reason why the other tracks don't fit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("patient_code", help="the patient's code, such as P001")
        parser.add_argument(
            "--from", dest="from_day", metavar="DATE", help="the first day, such as 2027-01-04; today by default"
        )
        parser.add_argument(
            "--most",
            type=int,
            default=DEFAULT_COUNT,
            metavar="N",
            help=f"the number of schedules; {DEFAULT_COUNT} by default",
        )
        parser.add_argument("--ahead", action="store_true", help="also plan the levels of care that follow")
        parser.add_argument(
            "--json", action="store_true", help="print JSON for other programs; docs/fit-json.md describes it"
        )
        add_what_if_arguments(parser)

    def handle(self, *args: Any, patient_code: str, from_day: str | None, **options: Any) -> None:
        if not 1 <= options["most"] <= MAX_SCHEDULES:
            raise CommandError(f"--most must be from 1 to {MAX_SCHEDULES}, not {options['most']}.")
        if options["ahead"] and has_what_if(options):
            raise CommandError(
                "--ahead can't be combined with what-if options, because it plans the levels that are ordered."
            )
        episode = _episode(patient_code)
        today = clock.today(episode.site.zone)
        first = _date(from_day) if from_day else episode.earliest_from(today)
        try:
            report = build_report(episode=episode, from_day=first, options=options, now=clock.now())
        except Refused as refused:
            raise CommandError(" ".join(reason_text(reason) for reason in refused.reasons)) from None
        record(episode.patient, by=None, action=Action.VIEWED, at=clock.now(), detail="schedules, on the command line")
        self.stdout.write(json.dumps(as_json(report), indent=2) if options["json"] else as_text(report))
        if not report.schedules:
            sys.exit(NOTHING_FITS)


def _episode(patient_code: str) -> Episode:
    """Return the patient's open episode of care, with its levels of care. Raises CommandError if there is none."""
    patient = Patient.objects.filter(code=patient_code).select_related("site").first()
    if patient is None:
        raise CommandError(f"There is no patient with the code {patient_code}.")
    episodes = Episode.objects.filter(patient=patient).open_on_or_after(clock.today(patient.site.zone))
    episode = episodes.select_related("site", "patient").prefetch_related("spans").first()
    if episode is None:
        raise CommandError(f"{patient_code} has no open episode of care. Admit the patient first.")
    return episode


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text} is not a date. Write it like this: 2027-01-04.") from None
