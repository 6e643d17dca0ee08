"""Write sites, their rules, their rooms and their closures to the database."""

from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit import record
from accounts.models import Action
from clinic_import.import_run import FieldChange, ImportRun, differences
from clinic_import.rows.clinic_rows import RoomRow, SiteRow
from clinic_import.rows.person_rows import ClosureRow
from scheduling.formats import clock, full_date
from scheduling.models import Closure, Room, RuleSet, Session, SessionStatus, Site
from scheduling.services.timetable.closures import change_closure, close_site, is_known_place
from timekeeping.reasons import Refused

DEFAULT_RULES_START = date(2000, 1, 3)
"""Start of rules that have no date in the file: a Monday before any import."""

SITE_FIELDS = (
    "name", "time_zone", "neutral_name", "letterhead", "address", "phone", "opens", "closes", "country", "state",
    "mixes_tracks",
)  # fmt: skip
RULES = {
    "minimum_hours": "minimum_minutes",
    "maximum_hours": "maximum_minutes",
    "minimum_days": "minimum_days",
    "maximum_days": "maximum_days",
    "minimum_hours_a_day": "minimum_minutes_per_day",
    "breaks_count": "breaks_count",
    "week_starts": "week_starts",
}
"""Map columns of sites.csv to fields of RuleSet."""


def write_sites(run: ImportRun) -> dict[str, Site]:
    """Write the sites in the file with their rules. Return all sites by code."""
    sites = {site.code: site for site in Site.objects.all()}
    rule_sets: dict[int, list[RuleSet]] = {}
    for rules in RuleSet.objects.filter(level="").order_by("starts"):
        rule_sets.setdefault(rules.site_id, []).append(rules)
    with_sessions = set(Session.objects.order_by().values_list("site", flat=True).distinct())
    for row in run.rows("sites"):
        site = sites.get(row.code)
        if not _is_consistent(run, row, site):
            continue
        if site is None:
            site = Site.objects.create(code=row.code, **{name: getattr(row, name) for name in SITE_FIELDS})
            _new_rules(row, site)
            _note(run, row, site, is_new=True)
            sites[row.code] = site
            continue
        changes = differences(
            {name: getattr(site, name) for name in SITE_FIELDS},
            {name: getattr(row, name) for name in SITE_FIELDS},
            row.absent,
        )
        if site.pk in with_sessions and any(change.column == "time_zone" for change in changes):
            run.add_fault(row, "time_zone", _("This site has sessions, so its time zone can't change."))
            continue
        for change in changes:
            setattr(site, change.column, getattr(row, change.column))
        changes += _write_rules(run, row, site, rule_sets.get(site.pk, []))
        if changes:
            site.save()
            _note(run, row, site, fields=changes)
    return sites


def _is_consistent(run: ImportRun, row: SiteRow, site: Site | None) -> bool:
    """Return whether the site closes after it opens, and its state is in its country. If not, add a fault.

    For columns that the file lacks, the values of the existing site are checked.
    """
    existing = site or Site(opens=row.opens, closes=row.closes, country=row.country, state=row.state)
    opens, closes = row.given("opens", existing.opens), row.given("closes", existing.closes)
    country, state = row.given("country", existing.country), row.given("state", existing.state)
    if opens and closes and opens >= closes:
        run.add_fault(
            row,
            "closes",
            _("The site closes at %(closes)s, which is not after it opens at %(opens)s.")
            % {"closes": clock(closes), "opens": clock(opens)},
        )
        return False
    if state and is_known_place(country, "") and not is_known_place(country, state):
        run.add_fault(
            row,
            "state",
            _("“%(state)s” is not a state of %(country)s with its own holidays. Leave this blank.")
            % {"state": state, "country": country},
        )
        return False
    return True


def _note(
    run: ImportRun, row: SiteRow | RoomRow | ClosureRow, subject: Site | Room | Closure, *, is_new: bool = False,
    fields: tuple[FieldChange, ...] = (),
) -> None:  # fmt: skip
    change = run.note(row, is_new=is_new, fields=fields)
    record(subject, by=run.by, action=Action.IMPORTED, at=run.now, detail=change.detail)


def _new_rules(row: SiteRow, site: Site) -> RuleSet:
    starts = row.rules_from or DEFAULT_RULES_START + timedelta(days=row.week_starts)
    return RuleSet.objects.create(
        site=site, starts=starts, **{name: getattr(row, column) for column, name in RULES.items()}
    )


def _write_rules(run: ImportRun, row: SiteRow, site: Site, known: list[RuleSet]) -> tuple[FieldChange, ...]:
    """Write the row's rules and return the changes. The rules apply from the date in the row.

    If the row has no date, its rules must equal the site's latest rules. If they differ, a fault is added.
    """
    if not known:
        return (FieldChange("rules_from", "nothing", f"{_new_rules(row, site).starts}"),)
    rules = next((each for each in known if each.starts == row.rules_from), known[-1])
    changes = differences(
        {column: getattr(rules, name) for column, name in RULES.items()},
        {column: getattr(row, column) for column in RULES},
        row.absent,
    )
    if not changes:
        return ()
    if row.rules_from is None:
        run.add_fault(
            row,
            "rules_from",
            _(
                "These rules differ from those in effect since %(starts)s (%(column)s). Enter the day on which they start."
            )
            % {"starts": full_date(rules.starts), "column": changes[0].column},
        )
        return ()
    if rules.starts == row.rules_from:
        for change in changes:
            setattr(rules, RULES[change.column], getattr(row, change.column))
        rules.save()
        return changes
    created = _new_rules(row, site)
    for column in row.absent & set(RULES):
        setattr(created, RULES[column], getattr(rules, RULES[column]))
    created.save()
    return (FieldChange("rules_from", f"{rules.starts}", f"{row.rules_from}"), *changes)


def write_rooms(run: ImportRun, sites: dict[str, Site]) -> dict[tuple[str, str], Room]:
    """Write the rooms in the file. Return all rooms by site code and room code."""
    rooms = {(room.site.code, room.code): room for room in Room.objects.select_related("site")}
    for row in run.rows("rooms"):
        site = run.find(row, "site", "sites", {"code": row.site}, sites)
        room = rooms.get((row.site, row.code))
        if site is None:
            continue
        if room is None:
            room = Room.objects.create(site=site, code=row.code, name=row.name, places=row.places)
            rooms[row.site, row.code] = room
            _note(run, row, room, is_new=True)
            continue
        changes = differences(
            {"name": room.name, "places": room.places}, {"name": row.name, "places": row.places}, row.absent
        )
        if changes:
            room.name, room.places = row.name, row.places
            room.save()
            _note(run, row, room, fields=changes)
    return rooms


def write_closures(run: ImportRun, sites: dict[str, Site]) -> None:
    """Save the closures that the file lists. A closure is identified by its site and its first day.

    Notices report how many sessions each closure canceled.
    """
    closures = {(closure.site.code, closure.starts): closure for closure in Closure.objects.select_related("site")}
    ends_of: dict[str, list[ClosureRow]] = {}
    # Closures are written in date order, because shortening one closure can free days for the next.
    for row in sorted(run.rows("closures"), key=lambda row: row.first_day):
        site = run.find(row, "site", "sites", {"code": row.site}, sites)
        if site is None:
            continue
        overlapping = next((other for other in ends_of.get(row.site, []) if _overlap(row, other)), None)
        if overlapping is not None:
            run.add_fault(
                row,
                "first_day",
                _("Row %(number)s already closes the site on some of these days.") % {"number": overlapping.number},
            )
            continue
        ends_of.setdefault(row.site, []).append(row)
        try:
            closure = _write_closure(run, row, site, closures.get((row.site, row.first_day)))
        except Refused as refused:
            run.refuse(row, "first_day", refused)
            continue
        if closure is not None:
            _count_cancelled(run, row, closure)


def _write_closure(run: ImportRun, row: ClosureRow, site: Site, closure: Closure | None) -> Closure | None:
    """Create or update the closure. Return it, or None if nothing changed.

    Raises Refused if another closure includes some of the same days.
    """
    last_day = row.ends - timedelta(days=1)
    if closure is None:
        made = close_site(
            site=site, first_day=row.first_day, last_day=last_day, reason=row.reason, by=run.by, now=run.now
        )
        _note(run, row, made, is_new=True)
        return made
    last_day = row.given("last_day", closure.last_day) or last_day
    before = {"last_day": closure.last_day, "reason": closure.reason}
    changes = differences(before, {"last_day": last_day, "reason": row.reason}, row.absent)
    if not changes:
        return None
    changed = change_closure(closure=closure, last_day=last_day, reason=row.reason, by=run.by, now=run.now)
    _note(run, row, changed, fields=changes)
    return changed


def _count_cancelled(run: ImportRun, row: ClosureRow, closure: Closure) -> None:
    number = Session.objects.filter(closure=closure, status=SessionStatus.CANCELLED).count()
    if number:
        sentence = ngettext(
            "%(file)s, row %(row)d: %(number)d session on these days is canceled.",
            "%(file)s, row %(row)d: %(number)d sessions on these days are canceled.",
            number,
        )
        run.notices.append(sentence % {"file": row.file, "row": row.number, "number": number})


def _overlap(one: ClosureRow, other: ClosureRow) -> bool:
    return one.first_day < other.ends and other.first_day < one.ends
