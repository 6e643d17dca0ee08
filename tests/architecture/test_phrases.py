"""Templates and code contain none of the phrases that confused readers before."""

import re
from pathlib import Path

import pytest

from tests.paths import PROJECT

PHRASES = (
    r"Empty: ",
    r"[Ee]mpty: as long",
    r"since ever",
    r"however (?:young|old)",
    r"asks least of",
    r"this much is needed, and it is enough",
    r"One session more",
    r"The week on paper",
    r"[\"'>]The day (?:before|after)[\"'<]",
    r"Hold it after all",
    r"Let them lead it",
    r"State the (?:level|hours)",
    r"Each row is so",
    r"One row more",
    r"Keep the week",
    r"is stated\b",
    r"Stated by",
    r"[Cc]ourse of care",
    r"with the way",
    r"on the way\b",
    r"Cut fine",
    r"would have to come free",
    r"When I am not free",
    r"Weeks that are slipping",
    r"On course",
    r"Out of reach",
    r"[Ss]ay nothing of their",
    r"Addresses in use",
    r"Make the address",
    r"Nobody may be told",
    r"Nothing is here",
    r"\bof \d+ places\b",
    r"[Ww]aiting list",
    r"[Ww]aiting entr",
    r"count as no failure",
    r"Everything that is kept",
    r"[Ss]tanding place",
    r"\bKeep the changes\b",
    r"Discreet: ",
    r"referred by Own wish",
    r"\bway ,",
    r"begins 0 h after",
    r"It is kept\b",
    r"Note the leave",
)
FAULTS = re.compile("|".join(PHRASES))
FILES = sorted(
    path
    for folder, pattern in (
        ("templates", "*.html"),
        ("templates", "*.txt"),
        ("static/js", "*.js"),
        ("accounts", "*.py"),
        ("patients", "*.py"),
        ("scheduling", "*.py"),
        ("attendance", "*.py"),
        ("clinic_import", "*.py"),
        ("iopmanager", "*.py"),
        ("demo", "*.py"),
    )
    for path in (PROJECT / folder).rglob(pattern)
    if "migrations" not in path.parts
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_no_text_has_a_phrase_that_people_stumbled_over(path: Path) -> None:
    assert FAULTS.findall(path.read_text()) == []


@pytest.mark.parametrize("text", ["Empty: since ever.", "14 of 16 places", "Put on the waiting list", "On course"])
def test_a_phrase_is_found(text: str) -> None:
    assert FAULTS.search(text)
