"""Write the enrollments of patients in tracks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from accounts.audit import record, record_all
from accounts.models import Action
from attendance.models import Attendance, AttendanceStatus
from clinic_import.import_run import FieldChange, ImportRun, differences
from clinic_import.rows.care_rows import EnrollmentRow
from clinic_import.writers.care import batches
from clinic_import.writers.care_references import find_episode, may_change_at, patients_by_code
from patients.domain.codes import fold_code
from patients.models import Episode, Patient
from scheduling.formats import full_date
from scheduling.models import Enrollment, Meeting, Site, Track
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll_many import PlannedEnrollment, enroll_many
from scheduling.services.enrollment.mixed_tracks import cross_track_options
from timekeeping.reasons import Refused

DAY = timedelta(days=1)
KEPT_COLUMNS = ("groups", "modality")
"""Columns that an import doesn't change in an existing enrollment."""
EnrollmentKey = tuple[int, int, date]
"""The ids of the patient and of the track, and the first day."""


@dataclass(slots=True)
class _Known:
    """The records to which the rows of enrollments.csv refer. Codes of tracks and groups are folded."""

    sites: dict[str, Site]
    patients: dict[str, Patient]
    tracks: dict[tuple[int, str], Track]
    enrollments: dict[EnrollmentKey, Enrollment]
    groups: dict[int, dict[str, list[Meeting]]]
    """The meetings that a patient of a track may attend, by track id and folded code."""

    def groups_of(self, track: Track) -> dict[str, list[Meeting]]:
        """Return the meetings of the track, and of the tracks that mix with it, by folded code."""
        if track.pk not in self.groups:
            found: dict[str, list[Meeting]] = {}
            for meeting in (*track.meetings.all(), *cross_track_options(track).meetings):
                if meeting.kept_for_id is None:
                    found.setdefault(fold_code(meeting.code), []).append(meeting)
            self.groups[track.pk] = found
        return self.groups[track.pk]


def write_enrollments(run: ImportRun, sites: dict[str, Site]) -> None:
    """Write the enrollments in the file, identified by patient, track and first day. New ones are written site by site."""
    given = run.tables.get(EnrollmentRow.table)
    if given is None:
        return
    known = _load(given.rows, sites)
    plans: dict[int, list[tuple[EnrollmentRow, PlannedEnrollment]]] = {}
    for row in run.rows(EnrollmentRow.table):
        found = _find_track(run, row, known)
        if found is None:
            continue
        episode, track = found
        enrollment = known.enrollments.get((episode.patient_id, track.pk, row.starts))
        if enrollment is not None:
            _change(run, row, enrollment)
        elif (meetings := _meetings(run, row, track, known)) is not None:
            plan = PlannedEnrollment(
                episode=episode,
                track=track,
                meetings=meetings,
                starts=row.starts,
                ends=row.ends,
                modality=row.modality,
                end_reason=row.end_reason,
            )
            plans.setdefault(track.site_id, []).append((row, plan))
    for of_site in plans.values():
        _write(run, of_site)


def _load(rows: Sequence[EnrollmentRow], sites: dict[str, Site]) -> _Known:
    patients = patients_by_code(row.patient for row in rows)
    tracks = Track.objects.select_related("site").prefetch_related(
        "cohort_starts", "meetings__service_type", "meetings__meeting_facilitators"
    )
    enrollments: dict[EnrollmentKey, Enrollment] = {}
    for batch in batches([patient.pk for patient in patients.values()]):
        existing = Enrollment.objects.filter(episode__patient__in=batch).select_related("episode__patient", "track")
        for each in existing.prefetch_related("enrollment_meetings__meeting"):
            enrollments[each.episode.patient_id, each.track_id, each.starts] = each
    by_code = {(track.site_id, fold_code(track.code)): track for track in tracks}
    return _Known(sites, patients, by_code, enrollments, {})


def _find_track(run: ImportRun, row: EnrollmentRow, known: _Known) -> tuple[Episode, Track] | None:
    """Return the patient's episode on the first day and the track, or None after adding a fault.

    If the row has no site, the track is at the site of the episode on that day.
    """
    patient = run.find(row, "patient", "patients", {"code": row.patient}, known.patients)
    episode = find_episode(run, row, "starts", patient, row.starts) if patient else None
    if episode is None:
        return None
    at_the_time = episode.site_on(row.starts)
    site = run.find(row, "site", "sites", {"code": row.site}, known.sites) if row.site else at_the_time
    if site is None or not may_change_at(run, row, "track", episode.patient, site):
        return None
    known_track = known.tracks.get((site.pk, fold_code(row.track)))
    found = {(site.code, row.track): known_track} if known_track else {}
    track = run.find(row, "track", "tracks", {"site": site.code, "code": row.track}, found)
    if track is None:
        return None
    if site != at_the_time:
        sentence = _("%(code)s is in care at %(site)s on %(date)s, not at the site of this track.")
        values = {"code": row.patient, "site": at_the_time.code, "date": full_date(row.starts)}
        run.add_fault(row, "track", sentence % values)
        return None
    return episode, track


def _meetings(run: ImportRun, row: EnrollmentRow, track: Track, known: _Known) -> list[Meeting] | None:
    """Return the meetings that the patient attends during the enrollment, or None after adding a fault.

    A code stands for all meetings that had it one after the other. Without codes, the patient attends all groups of the
    track.
    """
    possible = known.groups_of(track)
    own = [code for code, meetings in possible.items() if any(meeting in track.meetings.all() for meeting in meetings)]
    codes = {fold_code(code): code for code in row.groups} or {code: code for code in own}
    chosen: list[Meeting] = []
    for folded, code in codes.items():
        if folded not in possible:
            _add_unknown_group(run, row, track, code)
            return None
        meetings = [each for each in possible[folded] if _is_held(each, row)]
        if not meetings and row.groups:
            sentence = _("%(code)s is not held during this enrollment. Remove it, or correct the days.")
            run.add_fault(row, "groups", sentence % {"code": code})
            return None
        chosen += meetings
    if not chosen:
        sentence = _("%(track)s has no groups during this enrollment. Add them to %(file)s.")
        run.add_fault(row, "track", sentence % {"track": track.code, "file": run.file_of("meetings")})
        return None
    if not row.groups and (pair := _at_the_same_time(chosen)):
        sentence = _("%(one)s and %(two)s are at the same time. Enter the groups that the patient attends.")
        run.add_fault(row, "groups", sentence % {"one": pair[0].code, "two": pair[1].code})
        return None
    return chosen


def _add_unknown_group(run: ImportRun, row: EnrollmentRow, track: Track, code: str) -> None:
    if run.is_faulty("meetings", {"site": track.site.code, "code": code}):
        run.mark_faulty(row)
    else:
        sentence = _("“%(code)s” is not the code of a group in the track %(track)s.")
        run.add_fault(row, "groups", sentence % {"code": code, "track": track.code})


def _is_held(meeting: Meeting, row: EnrollmentRow) -> bool:
    """Return whether the meeting runs on a day of the enrollment."""
    return (meeting.runs_until is None or row.starts < meeting.runs_until) and (
        row.ends is None or meeting.runs_from < row.ends
    )


def _at_the_same_time(meetings: Sequence[Meeting]) -> tuple[Meeting, Meeting] | None:
    """Return two of the meetings that are held at the same time on a date, or None."""
    weekly = [(each, each.as_weekly_meeting()) for each in meetings]
    return next(
        (
            (one, two)
            for number, (one, first) in enumerate(weekly)
            for two, second in weekly[number + 1 :]
            if first.overlaps(second)
        ),
        None,
    )


def _write(run: ImportRun, planned: Iterable[tuple[EnrollmentRow, PlannedEnrollment]]) -> None:
    """Write the new enrollments of one site. A refused enrollment becomes one fault with all reasons."""
    rows = {plan: row for row, plan in planned}
    site = next(iter(rows)).track.site
    written, refused = enroll_many(site=site, plans=list(rows), by=run.by, now=run.now)
    for plan, row in rows.items():
        if plan in refused:
            run.refuse(row, "", Refused(refused[plan]))
        else:
            run.note(row, is_new=True)
    for batch in batches(written, 2000):
        record_all(batch, by=run.by, action=Action.IMPORTED, at=run.now, detail="new")


def _change(run: ImportRun, row: EnrollmentRow, enrollment: Enrollment) -> None:
    """End an existing enrollment, or correct the reason of its end. Other differences are faults of the row."""
    attended = [each.meeting for each in enrollment.enrollment_meetings.all() if each.meeting.kept_for_id is None]
    groups = tuple(sorted({meeting.code for meeting in attended}))
    is_same_choice = not row.groups or {*map(fold_code, row.groups)} == {*map(fold_code, groups)}
    last_day = enrollment.ends - DAY if enrollment.ends else None
    before = {
        "groups": groups,
        "modality": enrollment.modality,
        "last_day": last_day,
        "end_reason": enrollment.end_reason,
    }
    after = {
        "groups": groups if is_same_choice else row.groups,
        "modality": row.modality.value,
        "last_day": row.last_day,
        "end_reason": row.end_reason,
    }
    changes = differences(before, after, row.absent)
    if kept := next((change for change in changes if change.column in KEPT_COLUMNS), None):
        sentence = _("The existing enrollment has %(before)s. Change it on the enrollment's page, not by import.")
        run.add_fault(row, kept.column, sentence % {"before": kept.before})
    elif last_day and row.last_day is None and "last_day" not in row.absent:
        sentence = _("The enrollment ended on %(date)s. Enter this day, or enroll the patient again from a later day.")
        run.add_fault(row, "last_day", sentence % {"date": full_date(last_day)})
    elif changes and _end(run, row, enrollment, changes):
        run.note(row, is_new=False, fields=changes)


def _end(run: ImportRun, row: EnrollmentRow, enrollment: Enrollment, changes: Sequence[FieldChange]) -> bool:
    """End the enrollment on the row's last day, and return whether this was possible. Otherwise, add a fault."""
    reason = row.given("end_reason", enrollment.end_reason)
    if row.last_day is None or all(change.column == "end_reason" for change in changes):
        enrollment.end_reason = reason
        enrollment.save(update_fields=["end_reason"])
        record(enrollment, by=run.by, action=Action.IMPORTED, at=run.now, detail="end_reason")
        return True
    attended = Attendance.objects.filter(
        booking__enrollment=enrollment,
        booking__released_at=None,
        booking__session__on__gt=row.last_day,
        status__in=[AttendanceStatus.PRESENT, AttendanceStatus.PARTIAL],
    )
    last = attended.order_by("booking__session__on").values_list("booking__session__on", flat=True).last()
    if last is not None:
        sentence = _("The patient attended a group of this enrollment on %(date)s, after the last day.")
        run.add_fault(row, "last_day", sentence % {"date": full_date(last)})
        return False
    try:
        end_enrollment(enrollment=enrollment, last_day=row.last_day, reason=reason, by=run.by, now=run.now)
    except Refused as refused:
        run.refuse(row, "last_day", refused)
        return False
    return True
