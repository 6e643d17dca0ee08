"""The next free code of a patient."""

import pytest

from patients.domain.codes import next_code


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        pytest.param([], "P0001", id="the first patient"),
        pytest.param(["P001", "P060", "P007"], "P061", id="after the highest number"),
        pytest.param(["p9", "P10"], "P11", id="numbers are compared as numbers"),
        pytest.param(["P999"], "P1000", id="one more digit"),
        pytest.param(["1017", "MRN-9", "PX7", "P-77", "P7a"], "P0001", id="other codes do not count"),
        pytest.param(["P0061\u200b"], "P0062", id="an invisible character does not matter"),
        pytest.param(["P12345678901"], "P0001", id="an identifier of eleven digits does not count"),
        pytest.param(
            ["P999999999", "p1000000000"], "P1000000001", id="a number that does not count is not given twice"
        ),
    ],
)
def test_the_next_code_follows_the_highest_one(codes: list[str], expected: str) -> None:
    assert next_code(codes) == expected
