"""Finds a schedule for one patient, and prints what the page shows."""

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit import record
from accounts.models import Action
from iopmanager import clock
from patients.models import Episode, Patient
from scheduling.domain.fit import Fit
from scheduling.domain.hours import WeeklyMeeting
from scheduling.models import Track
from scheduling.services.fitting import find_schedules, span_in_force
from scheduling.services.refused import Refused
from scheduling.templatetags.words import clock as wall
from scheduling.templatetags.words import day, hours, weekday_short
from scheduling.words import say


class Command(BaseCommand):
    help = "Prints the tracks that fit around a patient's life, the best first, and all that stands against the others."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("patient_code", help="the clinic's own code, for example P001")
        parser.add_argument(
            "--from", dest="from_day", metavar="DATE", help="the first day, as 2027-01-04; today if left out"
        )
        parser.add_argument("--json", action="store_true", help="for other programs to read")

    def handle(self, *args: Any, patient_code: str, from_day: str | None, **options: Any) -> None:
        episode = _episode(patient_code)
        first = _date(from_day) if from_day else max(clock.today(episode.site.zone), episode.starts)
        try:
            fits = find_schedules(episode=episode, from_day=first)
        except Refused as refused:
            raise CommandError(" ".join(say(reason) for reason in refused.reasons)) from None
        record(episode.patient, by=None, action=Action.VIEWED, at=clock.now(), detail="schedules, on the command line")
        span = span_in_force(episode, first)
        assert span is not None
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(patient_code, first, fits, episode), indent=2))
            return
        asked = f"{hours(span.prescribed_minutes)} a week over {span.prescribed_days} days are prescribed"
        self.stdout.write(f"{patient_code}: {asked}, to begin on {day(first)} {first.year}.")
        if not fits:
            self.stdout.write(f"No track is on offer at {episode.site}.")
        for number, fit in enumerate(fits, start=1):
            self.stdout.write("\n".join(["", *_lines(number, fit)]))


def _episode(patient_code: str) -> Episode:
    """The patient's course of care that is not over, with its spans."""
    patient = Patient.objects.filter(code=patient_code).select_related("site").first()
    if patient is None:
        raise CommandError(f"There is no patient with the code {patient_code}.")
    episodes = Episode.objects.filter(patient=patient).not_over_on(clock.today(patient.site.zone))
    episode = episodes.select_related("site", "patient").prefetch_related("spans").first()
    if episode is None:
        raise CommandError(f"{patient_code} has no open course of care. Admit the patient first.")
    return episode


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text} is not a date. Write it as 2027-01-04.") from None


def _verdict(fit: Fit) -> str:
    if fit.whole is not None:
        return "fits"
    return "enough of it fits" if fit.enough is not None else "does not fit"


def _lines(number: int, fit: Fit) -> list[str]:
    total = f"{hours(fit.minutes)} over {fit.days} day{'' if fit.days == 1 else 's'}"
    lines = [f"{number}. {fit.offer.name}: {_verdict(fit)}"]
    if fit.fits:
        lines[0] += f", {total}, from {day(fit.starts)}"
        lines += [f"   {_slot(meeting)}" for meeting in fit.choice]
    elif fit.minutes:
        lines[0] += (
            f"; {total} are left, {hours(fit.missing_minutes)} too few"
            if fit.missing_minutes
            else f"; {total} are left"
        )
    return lines + [f"   - {say(obstacle)}" for obstacle in fit.obstacles]


def _slot(meeting: WeeklyMeeting) -> str:
    every = " every other week" if meeting.anchor else ""
    return f"{weekday_short(meeting.weekday)} {wall(meeting.starts)}–{wall(meeting.ends)}{every} {meeting.name}"


def _as_json(patient_code: str, first: date, fits: tuple[Fit, ...], episode: Episode) -> dict[str, Any]:
    codes = dict(Track.objects.filter(site=episode.site_id).values_list("pk", "code"))
    span = span_in_force(episode, first)
    assert span is not None
    return {
        "patient": patient_code,
        "from": first.isoformat(),
        "prescribed_minutes": span.prescribed_minutes,
        "prescribed_days": span.prescribed_days,
        "schedules": [
            {
                "track": codes[int(fit.offer.key)],
                "name": fit.offer.name,
                "fits": "whole" if fit.whole is not None else "enough" if fit.enough is not None else "no",
                "starts": fit.starts.isoformat(),
                "minutes": fit.minutes,
                "days": fit.days,
                "missing_minutes": fit.missing_minutes,
                "meetings": [
                    {
                        "name": meeting.name,
                        "weekday": meeting.weekday,
                        "starts": f"{meeting.starts:%H:%M}",
                        "ends": f"{meeting.ends:%H:%M}",
                        "every_other_week": meeting.anchor is not None,
                    }
                    for meeting in fit.choice
                ],
                "obstacles": [{"code": reason.code, "sentence": say(reason)} for reason in fit.obstacles],
            }
            for fit in fits
        ],
    }
