"""How pages format elapsed time."""

from datetime import timedelta

import pytest

from scheduling.formats import elapsed


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(0), "under 1 s"),
        (timedelta(milliseconds=999), "under 1 s"),
        (timedelta(seconds=1), "1 s"),
        (timedelta(seconds=59, milliseconds=900), "59 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(minutes=65), "1 h 5 min"),
    ],
)
def test_elapsed_time_is_rounded_down_and_formatted(time: timedelta, said: str) -> None:
    assert elapsed(time) == said
