"""Tracks, and their publication once all meetings are written."""

from datetime import date

from accounts.audit import record
from accounts.models import Action
from scheduling.clinic_import.clinic_rows import TrackRow
from scheduling.clinic_import.columns import ImportRow
from scheduling.clinic_import.import_run import ImportRun, differences
from scheduling.models import Site, Track, TrackStatus
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.timetable.hours_check import refuse_rule_violations
from scheduling.services.timetable.tracks import change_track, create_track, publish_track
from scheduling.services.timetable.values import TrackValues
from timekeeping.reasons import Refused

TrackKey = tuple[str, str]
OPTIONAL_FIELDS = ("population", "individual_minutes", "entry", "level", "from_age", "to_age")


def today_at(work: ImportRun, site: Site) -> date:
    return work.now.astimezone(site.zone).date()


def write_tracks(work: ImportRun, sites: dict[str, Site]) -> dict[TrackKey, Track]:
    """Every track of the database by the codes of its site and its own, those of the file written; none is published yet."""
    known = Track.objects.select_related("site").prefetch_related("cohort_starts")
    tracks = {(track.site.code, track.code): track for track in known}
    for row in work.rows("tracks"):
        site = work.find(row, "site", "sites", {"code": row.site}, sites)
        if site is None:
            continue
        track = tracks.get((row.site, row.code))
        if track is None:
            track = create_track(site=site, values=_values(row, None), by=work.by, now=work.now)
            tracks[row.site, row.code] = track
            work.note(row, is_new=True)
            record(track, by=work.by, action=Action.IMPORTED, at=work.now, detail="new")
            continue
        if row.status == "draft" and track.status != TrackStatus.DRAFT:
            work.blame(row, "status", "The track has been published; it can't become a draft again.")
            continue
        if row.status == "published" and track.status == TrackStatus.RETIRED:
            work.blame(row, "status", "The track is retired; it can't be published by an import.")
            continue
        _change(work, row, track)
    return tracks


def _change(work: ImportRun, row: TrackRow, track: Track) -> None:
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
    if not changes or not _ages_are_a_range(work, row, track):
        return
    if any(change.column != "status" for change in changes):
        track = change_track(track=track, values=_values(row, track), by=work.by, now=work.now, defer_checks=True)
    change = work.note(row, is_new=False, fields=changes)
    record(track, by=work.by, action=Action.IMPORTED, at=work.now, detail=change.detail)


def _ages_are_a_range(work: ImportRun, row: TrackRow, track: Track) -> bool:
    """Whether the ages make sense together with what the file does not say; else they are blamed."""
    from_age, to_age = row.given("from_age", track.from_age), row.given("to_age", track.to_age)
    if from_age is not None and to_age is not None and to_age < from_age:
        work.blame(row, "to_age", f"{to_age} is younger than from_age, {from_age}.")
        return False
    return True


def _values(row: TrackRow, track: Track | None) -> TrackValues:
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
    work: ImportRun, tracks: dict[TrackKey, Track], changed_by: dict[int, ImportRow], doubtful: set[TrackKey]
) -> None:
    """Publishes what the file wants published, and asks the hours rule of published tracks whose meetings were changed.

    `changed_by` has the ids of these tracks, each with a row that changed it. Tracks in `doubtful` have a meeting in a
    faulty row: what they add up to can't be said.
    """
    sites: dict[int, Site] = {}
    for key, track in tracks.items():
        if track.status == TrackStatus.PUBLISHED and track.pk in changed_by and key not in doubtful:
            sites[track.site_id] = track.site
            try:
                refuse_rule_violations([track], today_at(work, track.site))
            except Refused as refused:
                work.refuse(changed_by[track.pk], "", refused)
    for site in sites.values():
        extend_horizon(site=site, today=today_at(work, site), now=work.now)
    for row in work.rows("tracks"):
        wanted = tracks.get((row.site, row.code))
        if row.status != "published" or wanted is None or wanted.status != TrackStatus.DRAFT:
            continue
        if (row.site, row.code) in doubtful or work.is_spoiled("tracks", {"site": row.site, "code": row.code}):
            continue
        try:
            publish_track(track=wanted, by=work.by, now=work.now)
        except Refused as refused:
            work.refuse(row, "status", refused)
