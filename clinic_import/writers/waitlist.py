"""Write the patients who wait for a spot in a track."""

from datetime import date, datetime, time

from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Action
from clinic_import.import_run import FieldChange, ImportRun, differences, format_value
from clinic_import.rows.waiting_rows import WaitingRow
from clinic_import.writers.care_references import find_episode, patients_by_code
from patients.domain.codes import fold_code
from patients.models import Episode
from scheduling.formats import full_date
from scheduling.models import Track, WaitingEntry
from scheduling.services.enrollment.waitlist import join_waitlist
from timekeeping.reasons import EpisodeEnded, Refused

FIELDS = {"priority": "priority", "from_day": "from_day", "note": "note", "requested": "requested_at"}
"""Map columns of waitlist.csv to fields of WaitingEntry."""


def write_waitlist(run: ImportRun) -> None:
    """Write the waitlist entries in the file, identified by patient and track. Call this after enrollments are written.

    A track is looked up at the site of the patient's episode. New entries join the waitlist as on the pages, with the
    time of the request from the file. An entry that was closed since an earlier import of the file stays closed.
    """
    given = run.tables.get(WaitingRow.table)
    if given is None:
        return
    patients = patients_by_code(row.patient for row in given.rows)
    # Query the tracks again, because this import may just have published them.
    tracks = {(track.site.code, track.code): track for track in Track.objects.select_related("site")}
    spelling = {(site, fold_code(code)): code for site, code in tracks}
    for row in run.rows(WaitingRow.table):
        patient = run.find(row, "patient", "patients", {"code": row.patient}, patients)
        episode = find_episode(run, row, "from_day", patient, row.from_day) if patient else None
        if episode is None:
            continue
        site = episode.site
        code = spelling.get((site.code, fold_code(row.track)), row.track)
        key = {"site": site.code, "code": code}
        track = run.find(row, "track", "tracks", key, tracks)
        if track is None or run.is_faulty("tracks", key) or not _check(run, row, episode):
            continue
        entries = WaitingEntry.objects.filter(episode=episode, track=track).select_related("episode__patient", "track")
        entry = entries.open().first()
        if entry is not None:
            _change(run, row, entry, episode)
        elif not any(_is_same_request(row, each, episode) for each in entries):
            _join(run, row, episode, track)


def _check(run: ImportRun, row: WaitingRow, episode: Episode) -> bool:
    """Add a fault if the episode is over or the request is in the future. Return whether there is no fault."""
    if episode.last_day and episode.last_day < episode.site.today_at(run.now):
        run.refuse(row, "patient", Refused([EpisodeEnded(episode.last_day)]))
        return False
    requested = _requested_at(row, episode)
    if requested is not None and requested > run.now:
        sentence = _("The request, %(day)s, is in the future.")
        run.add_fault(row, "requested", sentence % {"day": full_date(requested.astimezone(episode.site.zone).date())})
        return False
    return True


def _requested_at(row: WaitingRow, episode: Episode) -> datetime | None:
    """Return the time of the request. A request without a time is at the beginning of the day at the site."""
    if row.requested is None:
        return None
    day, at = row.requested
    return datetime.combine(day, at or time.min, episode.site.zone)


def _has_requested(row: WaitingRow, existing: datetime, episode: Episode) -> bool:
    """Return whether the row's request can be the existing one: the same time, the same day without a time, or none given."""
    if row.requested is None:
        return True
    if row.requested[1] is None:
        return row.requested[0] == episode.site.today_at(existing)
    return _requested_at(row, episode) == existing


def _is_same_request(row: WaitingRow, entry: WaitingEntry, episode: Episode) -> bool:
    return entry.from_day == row.from_day and _has_requested(row, entry.requested_at, episode)


def _join(run: ImportRun, row: WaitingRow, episode: Episode, track: Track) -> None:
    try:
        entry = join_waitlist(
            episode=episode,
            track=track,
            priority=row.priority,
            from_day=row.from_day,
            note=row.note,
            requested_at=_requested_at(row, episode),
            by=run.by,
            now=run.now,
        )
    except Refused as refused:
        run.refuse(row, "", refused)
    else:
        run.note(row, is_new=True)
        record(entry, by=run.by, action=Action.IMPORTED, at=run.now, detail="new")


def _change(run: ImportRun, row: WaitingRow, entry: WaitingEntry, episode: Episode) -> None:
    before = {"priority": entry.get_priority_display(), "from_day": entry.from_day, "note": entry.note}
    after = {"priority": str(row.priority.label), "from_day": row.from_day, "note": row.note}
    changes = differences(before, after, row.absent)
    if not _has_requested(row, entry.requested_at, episode):
        requested = _requested_at(row, episode) or entry.requested_at
        days: tuple[date, date] = (episode.site.today_at(entry.requested_at), requested.date())
        changes += (FieldChange("requested", *map(format_value, days)),)
        entry.requested_at = requested
    if not changes:
        return
    entry.priority, entry.from_day = row.priority, row.from_day
    entry.note = row.given("note", entry.note)
    entry.save(update_fields=[*FIELDS.values()])
    change = run.note(row, is_new=False, fields=changes)
    record(entry, by=run.by, action=Action.IMPORTED, at=run.now, detail=change.detail)
