"""`manage.py ledger PATIENT_CODE`: print a patient's treatment week, with the data that the week's page shows."""

import json
from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Action
from attendance.services.roster import attendance_of
from attendance.services.weeks import WeekReport, week_report
from iopmanager import clock
from patients.models import Patient
from scheduling.formats import breakable
from scheduling.models import Booking, Session


class Command(BaseCommand):
    help = (
        "Prints a patient's treatment week: prescribed, credited, to come, and the make-up sessions that close the gap."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("patient_code", help="the clinic's code for the patient")
        parser.add_argument(
            "--week", metavar="DATE", help="any date in the week, such as 2026-11-23; this week if left out"
        )
        parser.add_argument(
            "--json", action="store_true", help="print JSON for other programs; durations are in minutes"
        )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        patient = Patient.objects.select_related("site").filter(code=options["patient_code"]).first()
        if patient is None:
            raise CommandError(_("There is no patient with the code %(code)s.") % {"code": options["patient_code"]})
        report = week_report(patient=patient, day=_parse_week(options["week"], patient, now), now=now)
        if report.row is None:
            raise CommandError(
                _("No hours are prescribed for the week of %(week)s.") % {"week": f"{report.week.start:%Y-%m-%d}"}
            )
        record(patient, by=None, action=Action.VIEWED, at=now, detail=f"ledger command, {report.week.start:%Y-%m-%d}")
        if options["json"]:
            self.stdout.write(json.dumps(_report_json(report), indent=2))
        else:
            context = {"found": report, "ledger": report.row.ledger, "site": report.site, "now": now}
            self.stdout.write(breakable(render_to_string("attendance/weeks/ledger.txt", context)).strip())


def _parse_week(text: str | None, patient: Patient, now: datetime) -> date:
    if text is None:
        return now.astimezone(patient.site.zone).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(_("“%(text)s” is not a date. Write it as 2026-11-23.") % {"text": text}) from None


def _report_json(report: WeekReport) -> dict[str, object]:
    assert report.row is not None
    ledger, zone = report.row.ledger, report.site.zone

    def times(row: Booking | Session) -> dict[str, str]:
        return {"starts": row.starts.astimezone(zone).isoformat(), "ends": row.ends.astimezone(zone).isoformat()}

    def booked_session(booking: Booking) -> dict[str, object]:
        mark = attendance_of(booking)
        return {
            "name": booking.session.name,
            **times(booking),
            "countable_minutes": booking.countable_minutes,
            "status": booking.session.status,
            "mark": mark.status if mark else None,
            "credited_minutes": mark.credited_minutes if mark else None,
            "is_make_up": booking.makes_up_id is not None,
        }

    def opening(session: Session, *, saves: bool) -> dict[str, object]:
        return {
            "session": session.pk,
            "name": session.name,
            **times(session),
            "countable_minutes": session.countable_minutes,
            "saves_the_week": saves,
        }

    return {
        "patient": report.patient.code,
        "week": report.week.start.isoformat(),
        "last_day": report.last_day.isoformat(),
        "ledger": {
            "prescribed_minutes": ledger.prescribed_minutes,
            "prescribed_days": ledger.prescribed_days,
            "scheduled_minutes": ledger.scheduled_minutes,
            "credited_minutes": ledger.credited_minutes,
            "remaining_minutes": ledger.remaining_minutes,
            "makeup_minutes": ledger.makeup_minutes,
            "credited_days": ledger.credited_days,
            "makeup_days": ledger.makeup_days,
            "standing": ledger.standing,
            "partial": sorted(ledger.partial),
            "not_marked_yet": report.row.unmarked,
        },
        "sessions": [booked_session(booking) for booking in report.bookings],
        "openings": [
            *(opening(session, saves=True) for session in report.makeup_sessions),
            *(opening(session, saves=False) for session in report.other_openings),
        ],
    }
