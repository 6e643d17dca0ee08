"""Write the attendance of past sessions. Find the group and the enrollment to which each row refers."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from clinic_import.import_run import ImportRun
from clinic_import.rows.care_rows import AttendanceRow
from clinic_import.writers.care import batches
from clinic_import.writers.care_references import find_episode, may_change_at, patients_by_code
from clinic_import.writers.past_marks import PlacedRow, SiteHistory
from patients.domain.codes import fold_code
from patients.models import Episode, Patient
from scheduling.formats import full_date
from scheduling.models import EnrollmentMeeting, Meeting, Site
from scheduling.services.bookings.placement import Placement, read_placements


@dataclass(slots=True)
class _Groups:
    """The groups that patients attend, and the groups of the sites. Codes are folded."""

    enrolled: dict[tuple[int, str], list[tuple[Placement, int]]] = field(default_factory=dict)
    """Placements and ids of meetings by episode id and code."""
    sites: dict[int, Site] = field(default_factory=dict)
    """Sites by meeting id, for the meetings of enrollments."""
    of_sites: dict[int, dict[str, list[Meeting]]] = field(default_factory=dict)
    """Meetings by site id and code, for make-up sessions. Filled when needed."""

    def at(self, site: Site) -> dict[str, list[Meeting]]:
        """Return the group meetings of the site by code. Runs one query for each site."""
        if site.pk not in self.of_sites:
            found: dict[str, list[Meeting]] = {}
            for meeting in Meeting.objects.filter(site=site, kept_for=None):
                found.setdefault(fold_code(meeting.code), []).append(meeting)
            self.of_sites[site.pk] = found
        return self.of_sites[site.pk]


def write_attendance(run: ImportRun) -> None:
    """Write the attendance in the file, identified by patient, group and date, site by site."""
    given = run.tables.get(AttendanceRow.table)
    if given is None:
        return
    patients = patients_by_code(row.patient for row in given.rows)
    groups = _load_groups(patients.values())
    placed: dict[Site, list[PlacedRow]] = {}
    for row in run.rows(AttendanceRow.table):
        patient = run.find(row, "patient", "patients", {"code": row.patient}, patients)
        episode = find_episode(run, row, "on", patient, row.on) if patient else None
        found = _place(run, row, episode, groups) if episode else None
        if found is not None and may_change_at(run, row, "group", found[1].episode.patient, found[0]):
            placed.setdefault(found[0], []).append(found[1])
    for site, rows in placed.items():
        SiteHistory(run, site, rows).write()


def _load_groups(patients: Iterable[Patient]) -> _Groups:
    groups = _Groups()
    episodes = [episode.pk for patient in patients for episode in patient.episodes.all()]
    for batch in batches(episodes):
        rows = EnrollmentMeeting.objects.filter(enrollment__episode__in=batch, meeting__kept_for=None)
        by_meeting = read_placements(rows)
        for meeting in Meeting.objects.filter(pk__in=by_meeting).select_related("site"):
            groups.sites[meeting.pk] = meeting.site
            for placement in by_meeting[meeting.pk]:
                key = placement.episode, fold_code(meeting.code)
                groups.enrolled.setdefault(key, []).append((placement, meeting.pk))
    return groups


def _place(run: ImportRun, row: AttendanceRow, episode: Episode, groups: _Groups) -> tuple[Site, PlacedRow] | None:
    """Return the row's site, and the row with its meeting and enrollment. A make-up session has no enrollment.

    If there is no such meeting, add a fault and return None.
    """
    if row.makes_up:
        return _place_makeup(run, row, episode, groups)
    for placement, meeting in groups.enrolled.get((episode.pk, fold_code(row.group)), ()):
        if placement.covers_dates(row.on, row.on):
            return groups.sites[meeting], PlacedRow(row, episode, meeting, placement.enrollment)
    if run.is_faulty("enrollments", {"patient": row.patient}):
        run.mark_faulty(row)
    else:
        sentence = _("%(code)s is not enrolled in %(group)s on %(date)s. Add the enrollment to %(file)s.")
        values = {"code": row.patient, "group": row.group, "date": full_date(row.on)}
        run.add_fault(row, "group", sentence % {**values, "file": run.file_of("enrollments")})
    return None


def _place_makeup(
    run: ImportRun, row: AttendanceRow, episode: Episode, groups: _Groups
) -> tuple[Site, PlacedRow] | None:
    site = episode.site_on(row.on)
    for meeting in groups.at(site).get(fold_code(row.group), ()):
        if meeting.runs_from <= row.on and (meeting.runs_until is None or row.on < meeting.runs_until):
            return site, PlacedRow(row, episode, meeting.pk, None)
    if run.is_faulty("meetings", {"site": site.code, "code": row.group}):
        run.mark_faulty(row)
    else:
        sentence = _("“%(code)s” is not the code of a group at %(site)s on %(date)s.")
        run.add_fault(row, "group", sentence % {"code": row.group, "site": site.code, "date": full_date(row.on)})
    return None
