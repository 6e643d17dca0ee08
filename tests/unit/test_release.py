"""The fingerprint of the code keeps browsers from reusing pages that another version of the code made."""

from pathlib import Path

import django
import pytest

from iopmanager.release import compute_fingerprint


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, content in {
        "templates/staff.html": "<main>",
        "scheduling/views/today.py": "UNFINISHED_DAYS = 14",
        "static/app.css": "main {}",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("templates/staff.html", "<main id=content>", id="a template is changed"),
        pytest.param("scheduling/views/today.py", "UNFINISHED_DAYS = 15", id="a module is changed"),
        pytest.param("templates/portal.html", "", id="a template is added"),
        pytest.param("attendance/ledgers.py", "", id="a module is added"),
    ],
)
def test_changed_code_changes_the_fingerprint(checkout: Path, name: str, content: str) -> None:
    before = compute_fingerprint(checkout)
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text(content)
    assert compute_fingerprint(checkout) != before


def test_text_that_moves_to_another_file_changes_the_fingerprint(checkout: Path) -> None:
    (checkout / "templates/a.html").write_text("12")
    (checkout / "templates/b.html").write_text("3")
    before = compute_fingerprint(checkout)
    (checkout / "templates/a.html").write_text("1")
    (checkout / "templates/b.html").write_text("23")
    assert compute_fingerprint(checkout) != before


def test_other_files_do_not_change_the_fingerprint(checkout: Path) -> None:
    before = compute_fingerprint(checkout)
    (checkout / "var").mkdir()
    (checkout / "var/notes.txt").write_text("")
    (checkout / "scheduling/views/today.pyc").write_text("")
    assert compute_fingerprint(checkout) == before


def test_another_version_of_django_changes_the_fingerprint(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = compute_fingerprint(checkout)
    monkeypatch.setattr(django, "get_version", lambda: "99.1")
    assert compute_fingerprint(checkout) != before
