"""The sums above a preview say how many sessions the patients lose or gain."""

import pytest
from django.template.loader import render_to_string


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        pytest.param({"losing": 1, "lost": 1}, "1 patient loses a session", id="one session"),
        pytest.param({"losing": 1, "lost": 38}, "1 patient loses 38 sessions", id="one patient, many sessions"),
        pytest.param({"losing": 4, "lost": 4}, "4 patients lose a session", id="one session each"),
        pytest.param({"losing": 4, "lost": 9}, "4 patients lose 9 sessions in all", id="several each"),
        pytest.param({"gaining": 1, "gained": 38}, "1 patient gains 38 sessions", id="one patient gains many"),
        pytest.param({"gaining": 4, "gained": 9}, "4 patients gain 9 sessions in all", id="several gain several each"),
    ],
)
def test_the_sums_count_patients_and_sessions(numbers: dict[str, int], text: str) -> None:
    shown = render_to_string("scheduling/preview/_sums.html", {"impact": {"nameless": 1, **numbers}})
    assert text in " ".join(shown.split())
