"""The command `manage.py fit`: its text and JSON output, its what-if options, and its errors."""

import json
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from patients.models import Episode, LevelOfCare, LevelOfCareSpan
from scheduling.management.commands.fit import NOTHING_FITS
from scheduling.models import CounselorHours, Session, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from tests.paths import PROJECT

pytestmark = pytest.mark.django_db

SCHEMA = PROJECT / "docs" / "fit-json.md"
TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = timedelta(weeks=1)


@pytest.fixture
def site() -> Site:
    return make_site(code="NORTH")


@pytest.fixture
def clinic(site: Site) -> Episode:
    """Episode of a patient who works Monday to Thursday.

    The site's two tracks both conflict with the patient's work.
    """
    episode = admit(make_patient(site, code="P007"))
    make_commitment(episode.patient, range(3), "08:00", "16:00", "Day shift", code="C1")
    make_commitment(episode.patient, [3], "12:00", "17:45", "Late shift", travel_minutes=25, code="C2")
    mornings = [make_meeting(site, day, name=f"Morning {day}", code=f"MOR-{day}") for day in range(3)]
    make_track(site, mornings, name="Morning track", code="AM")
    meetings = [
        make_meeting(site, day, "18:00", "21:00", name=f"Evening {day}", code=f"EVE-{day}") for day in (0, 1, 3)
    ]
    make_track(site, meetings, name="Evening track", code="PM")
    extend_horizon(site=site, now=NOW)
    return episode


def run(*arguments: str) -> tuple[str, int]:
    """Run the command with the arguments, and return its output and exit code."""
    output = StringIO()
    with time_machine.travel(NOW, tick=False):
        try:
            call_command("fit", *arguments, stdout=output)
        except SystemExit as stopped:
            return output.getvalue(), int(stopped.code or 0)
    return output.getvalue(), 0


def lines(*arguments: str) -> list[str]:
    return run(*arguments)[0].splitlines()


def as_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json")[0])


# Text output


def test_when_nothing_fits_every_obstacle_is_printed(clinic: Episode) -> None:
    printed, exit_code = run("P007")
    rows = printed.splitlines()
    assert exit_code == NOTHING_FITS == 3
    assert rows[:2] == ["P007 needs 9 h on 3 days a week, starting Mon, Nov 23, 2026.", "Nothing fits."]
    assert rows[3:5] == [
        "Changes that would make a schedule fit, smallest first:",
        "   - End “Late shift” at 5:35 PM instead of 5:45 PM. Then 1 schedule fits.",
    ]
    evening = rows.index("Evening track: doesn’t fit; 6 h on 2 days would be possible, 3 h short")
    assert rows[evening : evening + 4] == [
        "Evening track: doesn’t fit; 6 h on 2 days would be possible, 3 h short",
        "   - Thursday’s “Evening 3” (6:00–9:00 PM) starts 15 min after Late shift ends at 5:45 PM. Travel takes 25 min, so the"
        " patient would be 10 min late. Every week.",
        "   - 6 h a week is 3 h less than the 9 h prescribed.",
        "   - 2 days a week are too few. 3 are prescribed.",
    ]
    assert rows[evening + 5] == "Morning track: doesn’t fit"
    assert "by 3 h. Every week." in rows[evening + 6]
    event = AuditEvent.objects.get(action="viewed")
    assert (event.patient_key, event.actor_key) == (clinic.patient_id, None)


def test_schedules_are_ranked_and_printed_with_their_scores(clinic: Episode) -> None:
    clinic.patient.commitments.filter(code="C2").delete()
    printed, exit_code = run("P007", "--from", "2026-12-07")
    assert exit_code == 0
    assert printed.splitlines()[1:6] == [
        "",
        "1. Evening track, all groups: 9 h on 3 days, starting Mon, Dec 7 (720 points)",
        "   Mon 6:00–9:00 PM Evening 0",
        "   Tue 6:00–9:00 PM Evening 1",
        "   Thu 6:00–9:00 PM Evening 3",
    ]
    assert "Evening track: all groups fit" not in printed


def test_commitments_to_move_and_missed_dates_are_printed(clinic: Episode) -> None:
    clinic.patient.commitments.filter(code="C2").update(movable_minutes=30)
    make_commitment(clinic.patient, [], "17:00", "19:00", "Court", on=MONDAY + WEEK, kind="court")
    rows = lines("P007")
    assert rows[6:8] == [
        "   - Late shift would have to end 10 min earlier, at 5:35 PM, on Thu.",
        "   - Misses 1 of 36 sessions: Mon, Nov 30.",
    ]


def test_no_more_schedules_are_printed_than_requested(clinic: Episode) -> None:
    for number in range(12):
        make_weekday_track(clinic.site, days=(4, 5, 6), name=f"Weekend {number:02}")
    assert [line[:2] for line in lines("P007", "--most", "2") if line[:1].isdigit()] == ["1.", "2."]
    assert len(as_json("P007")["schedules"]) == 10
    assert len(as_json("P007", "--most", "50")["schedules"]) == 12


def test_current_enrollments_conflict_unless_the_patient_leaves_them(clinic: Episode, site: Site) -> None:
    clinic.patient.commitments.all().delete()
    evenings = Track.objects.get(code="PM")
    enroll_patient(
        episode=clinic,
        track=evenings,
        meetings=list(evenings.meetings.all()),
        starts=MONDAY,
        by=make_staff("coordinator", site),
        now=NOW,
    )
    Track.objects.filter(code="AM").delete()
    assert lines("P007")[1] == "Nothing fits beside the current enrollment. Use --leaving to search as if it had ended."
    assert (
        lines("P007", "--leaving")[2]
        == "1. Evening track, all groups: 9 h on 3 days, starting Mon, Nov 23 (720 points)"
    )


# What-if options


@pytest.mark.parametrize(
    ("what_if", "tracks"),
    [
        pytest.param([], [], id="nothing changed"),
        pytest.param(["--without", "C2"], ["PM"], id="without a commitment"),
        pytest.param(["--without", "C1", "--without", "C2"], ["AM", "PM"], id="without two"),
        pytest.param(["--move", "C2=9"], [], id="a minute too few"),
        pytest.param(["--move", "C2=10"], ["PM"], id="a commitment ends earlier"),
        pytest.param(["--travel", "16"], [], id="travel one minute too long"),
        pytest.param(["--travel", "15"], ["PM"], id="shorter travel"),
        pytest.param(["--minutes", "540", "--days", "2"], [], id="fewer days than the rules allow"),
    ],
)
def test_what_if_options_change_what_fits(clinic: Episode, what_if: list[str], tracks: list[str]) -> None:
    assert sorted(each["track"] for each in as_json("P007", *what_if)["schedules"]) == tracks
    assert run("P007", *what_if)[1] == (0 if tracks else NOTHING_FITS)


def test_the_what_if_prescription_is_searched_for(clinic: Episode, site: Site) -> None:
    site.rule_sets.update(minimum_minutes=360, minimum_days=2)
    response = as_json("P007", "--minutes", "360", "--days", "2")
    assert (response["prescribed_minutes"], response["prescribed_days"]) == (360, 2)
    assert [(each["minutes"], each["days"], each["fits"]) for each in response["schedules"]] == [(360, 2, "enough")]


def test_a_commitment_without_a_code_is_named_by_its_id(clinic: Episode) -> None:
    late_shift = clinic.patient.commitments.get(code="C2")
    clinic.patient.commitments.filter(pk=late_shift.pk).update(code="")
    response = as_json("P007", "--without", str(late_shift.pk))
    assert response["what_if"]["without"] == [{"id": late_shift.pk, "code": ""}]
    assert len(response["schedules"]) == 1


# Next levels of care


def test_the_next_levels_of_care_are_printed_last(clinic: Episode) -> None:
    Track.objects.filter(code="AM").delete()
    clinic.patient.commitments.all().delete()
    later = MONDAY + 4 * WEEK
    LevelOfCareSpan.objects.update(ends=later)
    LevelOfCareSpan.objects.create(
        episode=clinic, level=LevelOfCare.INTENSIVE, prescribed_minutes=360, prescribed_days=2, starts=later
    )
    clinic.site.rule_sets.update(minimum_minutes=360, minimum_days=2)
    rows = lines("P007", "--ahead")
    index = rows.index("Level 2.1 from Mon, Nov 23 to Sun, Dec 20, 9 h on 3 days a week: schedule found")
    assert rows[index + 1] == "   9 h on 3 days in Evening track"
    next_level = rows[rows.index("Level 2.1 from Mon, Dec 21, 6 h on 2 days a week: schedule found") :]
    assert next_level[1:] == [
        "   6 h on 2 days in Evening track",
        "   Mon 6:00–9:00 PM Evening 0",
        "   Tue 6:00–9:00 PM Evening 1",
        "   - Same groups on Mon, Tue.",
        "   - No more groups on Thu.",
    ]
    first, second = as_json("P007", "--ahead")["ahead"]
    assert (first["state"], first["last_day"], first["change"]) == ("found", "2026-12-20", None)
    assert second["change"]["weekdays"] == {
        "kept": [0, 1], "part": [], "more": [], "other_group": [], "other_times": [], "dropped": [3], "added": [],
    }  # fmt: skip
    assert as_json("P007")["ahead"] is None


def test_a_level_for_which_nothing_fits_has_its_reasons(clinic: Episode) -> None:
    rows = lines("P007", "--ahead")
    index = rows.index("Level 2.1 from Mon, Nov 23, 9 h on 3 days a week: nothing fits")
    assert rows[index + 1].startswith("   - End “Late shift” at 5:35 PM instead of 5:45 PM")
    assert "   Evening track: doesn’t fit; 6 h on 2 days would be possible, 3 h short" in rows[index:]
    [level] = as_json("P007", "--ahead")["ahead"]
    assert level["repairs"][0]["best"]["track"] == "PM"
    assert [each["track"] for each in level["against"]] == ["PM", "AM"]


# Errors


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["P999"], "There is no patient with the code P999.", id="unknown patient"),
        pytest.param(["P008"], "P008 has no open episode of care. Admit the patient first.", id="not admitted"),
        pytest.param(
            ["P007", "--from", "soon"], "soon is not a date. Write it like this: 2027-01-04.", id="not a date"
        ),
        pytest.param(
            ["P009"],
            "There is no episode of care with an ordered level on Mon, Nov 23. Admit the patient first.",
            id="no level",
        ),
        pytest.param(["P007", "--most", "0"], "--most must be from 1 to 50, not 0.", id="too few"),
        pytest.param(["P007", "--days", "8"], "--days must be from 1 to 7, not 8.", id="eight days"),
        pytest.param(["P007", "--travel", "-1"], "--travel must be from 0 to 1440, not -1.", id="negative travel"),
        pytest.param(
            ["P007", "--without", "C9"],
            "There is no commitment C9. Choose one of these: C1 (Day shift), C2 (Late shift).",
            id="unknown commitment",
        ),
        pytest.param(
            ["P007", "--move", "C1"],
            "--move C1 must give a commitment and minutes, such as --move CODE=30.",
            id="minutes missing",
        ),
        pytest.param(
            ["P007", "--move", "C2=345"], "--move C2 must be from 0 to 344, not 345.", id="longer than it lasts"
        ),
        pytest.param(
            ["P007", "--ahead", "--days", "2"],
            "--ahead can't be combined with what-if options, because it plans the levels that are ordered.",
            id="ahead together with what-if",
        ),
    ],
)
def test_invalid_arguments_are_an_error_with_a_reason(clinic: Episode, arguments: list[str], sentence: str) -> None:
    make_patient(clinic.site, code="P008")
    admit(make_patient(clinic.site, code="P009")).spans.all().delete()
    with pytest.raises(CommandError) as error:
        run(*arguments)
    assert str(error.value) == sentence
    assert not AuditEvent.objects.filter(action="viewed").exists()


# JSON output


def test_the_parts_of_the_score_add_up(clinic: Episode) -> None:
    clinic.patient.commitments.filter(code="C2").update(movable_minutes=30)
    make_commitment(clinic.patient, [], "17:00", "19:00", "Court", on=MONDAY + WEEK, kind="court")
    [schedule] = as_json("P007")["schedules"]
    assert sum(part["points"] for part in schedule["price"].values()) == schedule["points"]
    assert schedule["price"]["giving_way"] == {"minutes": 10, "times": 1, "points": 130}
    assert schedule["price"]["missed"] == {"sessions": 1, "points": 60}


def test_suggestions_name_the_changes_that_they_need(clinic: Episode) -> None:
    late_shift = clinic.patient.commitments.get(code="C2")
    first = as_json("P007")["repairs"][0]
    assert first["changes"][0]["code"] == "ends_earlier"
    assert first["changes"][0]["commitment"] == {"id": late_shift.pk, "code": "C2"}
    assert (first["schedules"], first["is_more"], first["best"]["track"]) == (1, False, "PM")
    assert as_json("P007", "--without", "C2")["repairs"] == []


def test_individual_times_are_proposed_beside_a_schedule(clinic: Episode) -> None:
    clinic.patient.commitments.filter(code="C2").delete()
    Track.objects.filter(code="PM").update(individual_minutes=60)
    [schedule] = as_json("P007")["schedules"]
    assert (schedule["minutes"], schedule["individual_minutes"], schedule["individual_times"]) == (600, 60, [])
    assert "   and 1 h of individual sessions, but no counselor has a free hour" in lines("P007")
    counselor = make_staff("clinician", clinic.site, "Ada Park")
    CounselorHours.objects.create(
        user=counselor, site=clinic.site, weekday=3, starts=time(9), ends=time(10), valid_from=TODAY
    )
    [schedule] = as_json("P007")["schedules"]
    assert schedule["individual_times"] == [
        {"with": "Ada Park", "hours": [{"weekday": 3, "starts": "09:00", "ends": "10:00"}]}
    ]
    assert "   and 1 h of individual sessions, for example Thu 9:00–10:00 AM with Ada Park" in lines("P007")


def test_a_full_group_is_reported_with_its_dates(clinic: Episode) -> None:
    Session.objects.filter(name="Evening 0").update(places=10, booked=10)
    (evening,) = [each for each in as_json("P007")["tracks"] if each["track"] == "PM"]
    assert "Monday’s “Evening 0” is full on 12 dates, first on Mon, Nov 23." in [
        each["sentence"] for each in evening["obstacles"]
    ]


def without_numbers(found: Any) -> Any:
    """Return the JSON data without ids, which differ between runs.

    Each id is replaced by 0, and each list of ids is replaced by its length.
    """
    if isinstance(found, list):
        return [without_numbers(each) for each in found]
    if isinstance(found, dict):
        numbers = {"id", "meeting"}
        rows = {"kept", "at_the_time", "dropped", "added"}
        return {
            name: 0 if name in numbers else len(each) if name in rows and "weekdays" in found else without_numbers(each)
            for name, each in found.items()
        }
    return found


def test_the_example_in_the_docs_is_the_output(clinic: Episode) -> None:
    clinic.patient.commitments.filter(code="C2").update(movable_minutes=30)
    make_commitment(clinic.patient, [], "17:00", "19:00", "Court", on=MONDAY + WEEK, kind="court", code="C3")
    example = json.loads(SCHEMA.read_text().split("```json\n")[1].split("```")[0])
    assert without_numbers(example) == without_numbers(as_json("P007", "--ahead"))


def keys_of(found: Any) -> set[str]:
    if isinstance(found, list):
        return {key for each in found for key in keys_of(each)}
    if isinstance(found, dict):
        return set(found) | {key for each in found.values() for key in keys_of(each)}
    return set()


def test_every_json_key_is_documented(clinic: Episode) -> None:
    response = as_json("P007", "--move", "C2=30") | {"more": as_json("P007", "--ahead")}
    explained = SCHEMA.read_text()
    assert not {key for key in keys_of(response) - {"more"} if f"`{key}`" not in explained}
