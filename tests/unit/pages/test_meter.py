"""The bar of weekly hours is full when the prescribed hours are reached."""

from scheduling.templatetags.formats import meter, unbroken


def test_the_bar_is_full_when_the_prescribed_hours_are_reached() -> None:
    bar = meter(540, 540, 1500, prescribed=540, scale=True)
    assert bar["value"] == "100.00%"
    assert bar["ticks"] == [("100.00%", "9 h", True)]
    assert bar["tone"] == "enough"
    assert meter(270, 540, 1500, prescribed=540)["value"] == "50.00%"


def test_if_more_than_prescribed_is_reached_a_mark_shows_the_prescription() -> None:
    bar = meter(1080, 540, 1500, prescribed=540, scale=True)
    assert (bar["value"], bar["mark"]) == ("100.00%", "50.00%")
    assert bar["ticks"] == [("50.00%", "9 h", False)]


def test_the_bar_of_a_track_runs_a_little_beyond_the_allowed_range() -> None:
    bar = meter(550, 540, 1000, scale=True)
    assert (bar["value"], bar["mark"]) == ("50.00%", None)
    assert bar["ticks"] == [("49.09%", "9 h", False), ("90.91%", "16 h 40 min", False)]


def test_a_range_of_days_breaks_only_after_its_dash() -> None:
    days = unbroken("Mon, Nov 23 – Sun, Nov 29")
    assert days.replace("\N{NO-BREAK SPACE}", "_") == "Mon,_Nov_23_– Sun,_Nov_29"
