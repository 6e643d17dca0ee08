"""Write tracks, and publish them once all meetings have been written."""

from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Action
from clinic_import.import_run import ImportRun, differences
from clinic_import.reading.columns import ImportRow
from clinic_import.rows.clinic_rows import TrackRow
from scheduling.models import Site, Track, TrackStatus
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.timetable.hours_check import refuse_rule_violations
from scheduling.services.timetable.tracks import change_track, create_track, publish_track
from scheduling.services.timetable.values import TrackValues
from timekeeping.reasons import Refused

TrackKey = tuple[str, str]
OPTIONAL_FIELDS = ("population", "individual_minutes", "entry", "level", "from_age", "to_age")


def write_tracks(run: ImportRun, sites: dict[str, Site]) -> dict[TrackKey, Track]:
    """Write the tracks in the file without publishing them. Return all tracks by site code and track code."""
    known = Track.objects.select_related("site").prefetch_related("cohort_starts")
    tracks = {(track.site.code, track.code): track for track in known}
    for row in run.rows("tracks"):
        site = run.find(row, "site", "sites", {"code": row.site}, sites)
        if site is None:
            continue
        track = tracks.get((row.site, row.code))
        if track is None:
            track = create_track(site=site, values=_track_values(row, None), by=run.by, now=run.now)
            tracks[row.site, row.code] = track
            run.note(row, is_new=True)
            record(track, by=run.by, action=Action.IMPORTED, at=run.now, detail="new")
            continue
        if row.status == "draft" and track.status != TrackStatus.DRAFT:
            run.add_fault(row, "status", _("The track is published and can't become a draft again."))
            continue
        if row.status == "published" and track.status == TrackStatus.RETIRED:
            run.add_fault(row, "status", _("The track is retired. An import can't publish it."))
            continue
        _change(run, row, track)
    return tracks


def _change(run: ImportRun, row: TrackRow, track: Track) -> None:
    before = {
        "name": track.name,
        "population": track.population,
        "individual_minutes": track.individual_minutes,
        "entry": track.entry,
        "level": track.level,
        "from_age": track.from_age,
        "to_age": track.to_age,
        "cohort_dates": tuple(start.on for start in track.cohort_starts.all()),
        "status": track.status,
    }
    after = {column: getattr(row, column) for column in before}
    after["status"] = row.status or track.status
    changes = differences(before, after, row.absent)
    if not changes or not _ages_are_a_range(run, row, track):
        return
    if any(change.column != "status" for change in changes):
        track = change_track(track=track, values=_track_values(row, track), by=run.by, now=run.now, defer_checks=True)
    change = run.note(row, is_new=False, fields=changes)
    record(track, by=run.by, action=Action.IMPORTED, at=run.now, detail=change.detail)


def _ages_are_a_range(run: ImportRun, row: TrackRow, track: Track) -> bool:
    """Return whether the row's minimum age is at most its maximum age. If not, add a fault.

    For columns that the file lacks, the values of the existing track are checked.
    """
    from_age, to_age = row.given("from_age", track.from_age), row.given("to_age", track.to_age)
    if from_age is not None and to_age is not None and to_age < from_age:
        run.add_fault(
            row,
            "to_age",
            _("The maximum age, %(to_age)s, is less than the minimum age, %(from_age)s.")
            % {"to_age": to_age, "from_age": from_age},
        )
        return False
    return True


def _track_values(row: TrackRow, track: Track | None) -> TrackValues:
    if track is None:
        track = Track(**{name: getattr(row, name) for name in OPTIONAL_FIELDS})
        dates = row.cohort_dates
    else:
        dates = row.given("cohort_dates", tuple(start.on for start in track.cohort_starts.all()))
    return TrackValues(
        code=row.code,
        name=row.name,
        cohort_starts=dates,
        **{name: row.given(name, getattr(track, name)) for name in OPTIONAL_FIELDS},
    )


def publish_tracks(
    run: ImportRun, tracks: dict[TrackKey, Track], changed_by: dict[int, ImportRow], uncertain: set[TrackKey]
) -> None:
    """Publish the drafts that the file marks as published, and check published tracks whose meetings changed.

    `changed_by` has an entry for each track whose meetings changed. The entry maps the track's id to a row that changed
    one of these meetings. Tracks in `uncertain` are skipped: a faulty row refers to them, so their weekly hours are not
    known.
    """
    sites: dict[int, Site] = {}
    for key, track in tracks.items():
        if track.status == TrackStatus.PUBLISHED and track.pk in changed_by and key not in uncertain:
            sites[track.site_id] = track.site
            try:
                refuse_rule_violations([track], track.site.today_at(run.now))
            except Refused as refused:
                run.refuse(changed_by[track.pk], "", refused)
    for site in sites.values():
        extend_horizon(site=site, now=run.now)
    for row in run.rows("tracks"):
        wanted = tracks.get((row.site, row.code))
        if row.status != "published" or wanted is None or wanted.status != TrackStatus.DRAFT:
            continue
        if (row.site, row.code) in uncertain or run.is_faulty("tracks", {"site": row.site, "code": row.code}):
            continue
        try:
            publish_track(track=wanted, by=run.by, now=run.now)
        except Refused as refused:
            run.refuse(row, "status", refused)
