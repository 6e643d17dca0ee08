"""Episodes of care come in with their levels, past and present, and never contradict the record."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent
from clinic_import.clinic import import_clinic
from clinic_import.reading.faults import ImportFailed
from patients.models import Episode, LevelOfCareSpan, Patient
from scheduling.models import Enrollment, Priority, Track, WaitingEntry
from tests.spreadsheets import CLINIC, NOW, import_files, only_fault, write_files

pytestmark = pytest.mark.django_db

HEAD = (
    "patient,admitted,last_day,discharge_reason,referral_source,site,level,level_from,prescribed_hours,prescribed_days,"
    "stated_by\n"
)
PAST = (
    "P2,2025-02-03,2025-05-16,Completed,Court,,2.5,,20,5,Dr. Cole\n"
    "P2,2025-02-03,,,,,2.1,2025-03-17,9,3,Dr. Cole\n"
    "P1,2024-01-08,2024-03-29,,,,2.1,,9,3,Dr. Cole\n"
)
PRESENT = 'P1,2026-08-31,,,,,2.1,,9,3,"Dr. Cole, MD"\n'


def clinic(episodes: str) -> dict[str, str]:
    return {**CLINIC, "episodes": HEAD + episodes}


def spans() -> list[tuple[str, date, date | None, int]]:
    found = LevelOfCareSpan.objects.order_by("episode__patient__code", "starts")
    return [*found.values_list("episode__patient__code", "starts", "ends", "prescribed_minutes")]


def test_past_and_present_episodes_come_in_with_their_levels_and_a_second_import_changes_nothing(
    tmp_path: Path,
) -> None:
    outcome = import_files(tmp_path, clinic(PAST + PRESENT))
    assert [change.label for change in outcome.changes if change.table == "episodes"] == [
        "P2 2025-02-03", "P2 2025-03-17", "P1 2024-01-08", "P1 2026-08-31",
    ]  # fmt: skip
    episodes = Episode.objects.order_by("patient__code", "starts")
    assert [*episodes.values_list("patient__code", "starts", "ends", "discharge_reason", "referral_source")] == [
        ("P1", date(2024, 1, 8), date(2024, 3, 30), "", ""),
        ("P1", date(2026, 8, 31), None, "", ""),
        ("P2", date(2025, 2, 3), date(2025, 5, 17), "Completed", "Court"),
    ]
    assert spans() == [
        ("P1", date(2024, 1, 8), date(2024, 3, 30), 540),
        ("P1", date(2026, 8, 31), None, 540),
        ("P2", date(2025, 2, 3), date(2025, 3, 17), 1200),
        ("P2", date(2025, 3, 17), date(2025, 5, 17), 540),
    ]
    imported = AuditEvent.objects.filter(action=Action.IMPORTED, subject_kind="episode")
    assert Counter(imported.values_list("patient_key", flat=True)) == Counter(
        episodes.values_list("patient_id", flat=True)
    )
    assert not import_files(tmp_path, clinic(PAST + PRESENT)).changes
    assert not import_files(tmp_path, clinic("")).changes, "what the files don't mention stays"


def test_levels_are_added_to_an_episode_that_patients_csv_has_opened(tmp_path: Path) -> None:
    import_files(tmp_path)
    step = "P1,2026-08-31,,,EAP,,2.5,2026-09-14,20,5,Dr. Cole\n"
    outcome = import_files(tmp_path, clinic(PRESENT + step))
    assert [(change.row, [field.column for field in change.fields]) for change in outcome.changes] == [
        (2, ["referral_source"]),
        (3, ["level_from", "level", "prescribed_hours", "prescribed_days", "stated_by"]),
    ]
    assert spans() == [("P1", date(2026, 8, 31), date(2026, 9, 14), 540), ("P1", date(2026, 9, 14), None, 1200)]
    assert not import_files(tmp_path, clinic(PRESENT + step)).changes


def test_patients_csv_may_have_the_latest_of_several_levels(tmp_path: Path) -> None:
    levels = 'P1,2026-08-03,,,,,2.5,,20,5,"Dr. Cole, MD"\nP1,2026-08-03,,,,,2.1,2026-08-31,9,3,"Dr. Cole, MD"\n'
    files = clinic(levels)
    files["patients"] = CLINIC["patients"].replace("2026-08-31", "2026-08-03")
    import_files(tmp_path, files)
    assert spans() == [("P1", date(2026, 8, 3), date(2026, 8, 31), 1200), ("P1", date(2026, 8, 31), None, 540)]
    assert not import_files(tmp_path, files).changes


def test_an_episode_without_enrollments_ends_with_its_level(tmp_path: Path) -> None:
    import_files(tmp_path, clinic(PRESENT))
    ended = clinic(PRESENT.replace("2026-08-31,,,", "2026-08-31,2026-09-04,Moved away,"))
    (change,) = import_files(tmp_path, ended).changes
    assert [(each.column, each.after) for each in change.fields] == [
        ("discharge_reason", "Moved away"),
        ("last_day", "2026-09-04"),
    ]
    assert spans() == [("P1", date(2026, 8, 31), date(2026, 9, 5), 540)]
    assert Episode.objects.get().discharge_reason == "Moved away"
    assert not import_files(tmp_path, ended).changes
    assert not import_files(tmp_path, clinic(PRESENT)).changes, "a file without the last day takes no discharge back"


def _enrolled(episode: Episode) -> None:
    Enrollment.objects.create(episode=episode, track=Track.objects.get(), starts=episode.starts)


def _waiting(episode: Episode) -> None:
    WaitingEntry.objects.create(
        episode=episode,
        track=Track.objects.get(),
        priority=Priority.SOON,
        from_day=episode.starts,
        requested_at=NOW,
    )


@pytest.mark.parametrize("happens", [_enrolled, _waiting])
def test_a_patient_with_a_spot_is_discharged_on_the_chart(tmp_path: Path, happens: Callable[[Episode], None]) -> None:
    import_files(tmp_path)
    happens(Episode.objects.get())
    assert only_fault(tmp_path, clinic(PRESENT.replace("2026-08-31,,", "2026-08-31,2026-09-04,"))) == (
        "episodes.csv, row 2, last_day: The patient is enrolled, booked or on a waitlist after this day. Discharge the"
        " patient on the chart."
    )
    assert Episode.objects.get().ends is None


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        pytest.param(
            "P2,2025-02-03,2025-02-02,,,,2.1,,9,3,Dr. Cole\n",
            "row 2, last_day: The last day, Feb 2, 2025, is before the admission, Feb 3, 2025.",
            id="ends before it begins",
        ),
        pytest.param(
            "P2,1988-07-03,1988-08-03,,,,2.1,,9,3,Dr. Cole\n",
            "row 2, admitted: The admission, Jul 3, 1988, is not after the birth date, Jul 3, 1988.",
            id="on the day of birth",
        ),
        pytest.param(
            "P2,2025-02-03,,,,,2.1,2025-02-01,9,3,Dr. Cole\n",
            "row 2, level_from: The level of care can't start before the admission.",
            id="a level before the admission",
        ),
        pytest.param(
            "P2,2025-02-03,2025-03-01,,,,2.1,2025-03-02,9,3,Dr. Cole\n",
            "row 2, level_from: The level of care starts after the last day of the episode, Mar 1, 2025.",
            id="a level after the last day",
        ),
        pytest.param(
            "P2,2025-02-03,2025-03-01,,,,2.1,,9,3,Dr. Cole\nP2,2025-02-03,,,,,2.5,2025-03-02,20,5,Dr. Cole\n",
            "row 3, level_from: The level of care starts after the last day of the episode, Mar 1, 2025.",
            id="a level after the last day of another row",
        ),
        pytest.param(
            "P2,2025-02-03,2025-03-01,,,,2.1,,9,3,Dr. Cole\nP2,2025-02-03,2025-03-08,,,,2.5,2025-02-10,20,5,Dr. Cole\n",
            "row 3, last_day: Row 2 is about the same episode and has another last_day.",
            id="two last days",
        ),
        pytest.param(
            "P2,2025-02-03,,,,,2.1,,9,3,Dr. Cole\nP2,2025-02-03,,,,,2.5,2025-02-03,20,5,Dr. Cole\n",
            "row 3, level_from: Row 2 has the same patient and admitted and level_from.",
            id="two levels from one day",
        ),
        pytest.param(
            "P2,2025-02-03,2025-05-16,,,,2.1,,9,3,Dr. Cole\nP2,2025-05-16,,,,,2.1,,9,3,Dr. Cole\n",
            "row 3, admitted: The patient was in care from Feb 3, 2025 to May 16, 2025. Two episodes can't share a day.",
            id="a day in two episodes",
        ),
        pytest.param(
            "P2,2025-02-03,,,,,2.1,,9,3,Dr. Cole\nP2,2025-05-16,,,,,2.1,,9,3,Dr. Cole\n",
            "row 3, admitted: The patient is in care since Feb 3, 2025. Discharge the patient first.",
            id="two open episodes",
        ),
        pytest.param(
            "P1,2025-02-03,,,,,2.1,,9,3,Dr. Cole\n",
            "row 2, admitted: The patient is in care since Aug 31, 2026. Discharge the patient first.",
            id="two open episodes, one of them in the other file",
        ),
        pytest.param(
            "P1,2026-08-31,,,,,2.1,,12,4,\"Dr. Cole, MD\"\n",
            "patients.csv, row 2, level: episodes.csv, row 2, says something else about this episode. Make the rows agree.",
            id="the files contradict each other",
        ),
        pytest.param(
            "P2,2025-02-03,,Completed,,,2.1,,9,3,Dr. Cole\n",
            "row 2, discharge_reason: A discharge reason needs the last day of the episode. Fill in last_day, or leave this"
            " blank.",
            id="a discharge without a day",
        ),
        pytest.param(
            "P2,2025-02-03,,,,WEST,2.1,,9,3,Dr. Cole\n",
            "row 2, site: “WEST” is not a code in sites.csv or in the database.",
            id="an unknown site",
        ),
        pytest.param(
            "P9,2025-02-03,,,,,2.1,,9,3,Dr. Cole\n",
            "row 2, patient: “P9” is not a code in patients.csv or in the database.",
            id="an unknown patient",
        ),
        pytest.param(
            "P2,2025-02-03,,,,,2.1,,,3,Dr. Cole\n",
            "row 2, prescribed_hours: Enter the prescribed time in hours or in minutes.",
            id="no prescription",
        ),
    ],
)  # fmt: skip
def test_a_wrong_episode_is_one_fault_and_nothing_is_written(tmp_path: Path, rows: str, sentence: str) -> None:
    expected = sentence if sentence.startswith("patients.csv") else f"episodes.csv, {sentence}"
    assert only_fault(tmp_path, clinic(rows)) == expected
    assert not Patient.objects.exists()


def test_an_episode_that_goes_on_is_at_the_patients_site(tmp_path: Path) -> None:
    sites = CLINIC["sites"] + "SOUTH,Prairie Avenue,America/Chicago\n"
    rows = "P2,2025-02-03,{},,,south,2.1,,9,3,Dr. Cole\n"
    assert only_fault(tmp_path, {**clinic(rows.format("")), "sites": sites}) == (
        "episodes.csv, row 2, site: The patient is at NORTH. Transfer the patient on the chart, not by import."
    )
    import_files(tmp_path, {**clinic(rows.format("2025-05-16")), "sites": sites})
    assert Episode.objects.get(patient__code="P2").site.code == "SOUTH"


def test_changes_of_the_past_are_made_on_the_chart(tmp_path: Path) -> None:
    import_files(tmp_path, clinic(PAST))
    with pytest.raises(ImportFailed) as found:
        import_files(tmp_path, clinic(PAST.replace("2024-03-29", "2024-03-28").replace(",20,5,", ",25,5,")))
    assert [str(fault) for fault in found.value.faults] == [
        "episodes.csv, row 2, level_from: This order differs from the current one (level: 2.1 → 2.5; prescribed_hours:"
        " 540 → 1500; prescribed_days: 3 → 5). Enter the first day of the new order.",
        "episodes.csv, row 4, last_day: The patient was discharged after Mar 29, 2024. Correct the discharge on the chart,"
        " not by import.",
    ]


def test_a_faulty_row_hides_no_other_patient_and_adds_no_second_fault(tmp_path: Path) -> None:
    rows = "P2,2025-02-03,2025-05-46,,,,2.1,,9,3,Dr. Cole\nP2,2025-09-01,,,,,2.1,,9,3,Dr. Cole\n"
    assert only_fault(tmp_path, clinic(rows)).startswith("episodes.csv, row 2, last_day: “2025-05-46”")


def test_thousands_of_episodes_take_few_queries(
    tmp_path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    people = [f"NORTH,P{n},First{n},Last{n},1990-01-01" for n in range(1000)]
    past = [f"P{n},{2020 + k}-02-03,{2020 + k}-05-16,,,,2.1,,9,3,Dr. Cole" for n in range(1000) for k in range(3)]
    files = {
        "sites": CLINIC["sites"],
        "patients": "\n".join(["site,code,first_name,last_name,birth_date", *people]),
        "episodes": HEAD + "\n".join(past),
    }
    with django_assert_max_num_queries(150):
        import_clinic(write_files(tmp_path, files), by=None, now=NOW)
    assert Episode.objects.count() == 3000
    with django_assert_max_num_queries(60):
        assert not import_clinic(tmp_path, by=None, now=NOW + timedelta(days=1)).changes


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        pytest.param("P2,2025-02-03,,,,,2.1,,90,3,Dr. Cole", "prescribed_hours", "don’t fit", id="impossible"),
        pytest.param("P2,2025-02-03,,,,,2.1,,6,2,Dr. Cole", "exception_reason", "Enter why", id="outside the rules"),
    ],
)
def test_a_prescription_obeys_the_same_rules_as_on_the_chart(tmp_path: Path, row: str, column: str, words: str) -> None:
    fault = only_fault(tmp_path, clinic(f"{row}\n"))

    assert column in fault
    assert words in fault


def test_the_reason_for_an_exception_comes_in_and_is_kept_only_where_it_is_needed(tmp_path: Path) -> None:
    head = HEAD.replace("stated_by", "stated_by,exception_reason")
    rows = (
        "P2,2025-02-03,,,,,2.1,,6,2,Dr. Cole,Tapering off\nP1,2024-01-08,2024-03-29,,,,2.1,,9,3,Dr. Cole,Not needed\n"
    )

    import_files(tmp_path, {**CLINIC, "episodes": head + rows})

    found = LevelOfCareSpan.objects.order_by("-starts").exclude(starts=date(2026, 8, 31))
    assert [*found.values_list("prescribed_days", "exception_reason")] == [(2, "Tapering off"), (3, "")]
