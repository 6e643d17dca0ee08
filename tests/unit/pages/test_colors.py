"""Every pair of text and background in the stylesheets has a contrast of at least 4.5 to 1, in light and dark mode."""

import re

import pytest

from scheduling.domain.track_marks import COLORS
from tests.paths import PROJECT

STYLESHEETS = [(PROJECT / "static" / "css" / name).read_text() for name in ("app.css", "board.css")]
BY_LIGHT, BY_DARK = (
    {name: color for part in parts for name, color in re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)}
    for parts in zip(*(stylesheet.split("@media", 1) for stylesheet in STYLESHEETS), strict=True)
)
PAIRS = [
    *((text, ground) for text in ("ink", "muted", "primary", "danger") for ground in ("page", "surface")),
    *((text, "sunken") for text in ("ink", "muted", "primary")),
    *((f"{tone}-ink", tone) for tone in ("met", "on-course", "at-risk", "short", "partial", "life", "primary-soft")),
    *((f"track-{color}-ink", f"track-{color}") for color in COLORS),
    *(("ink", f"track-{color}") for color in COLORS),
    ("on-primary", "primary"),
    ("on-primary", "primary-strong"),
    ("life-ink", "life-line"),
]


def luminance(color: str) -> float:
    parts = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(two)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colors", [pytest.param(BY_LIGHT, id="light"), pytest.param(BY_DARK, id="dark")])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_has_enough_contrast(colors: dict[str, str], text: str, ground: str) -> None:
    assert contrast(colors[text], colors[ground]) >= 4.5


@pytest.mark.parametrize("colors", [pytest.param(BY_LIGHT, id="light"), pytest.param(BY_DARK, id="dark")])
def test_edges_of_fields_have_enough_contrast(colors: dict[str, str]) -> None:
    assert contrast(colors["control-line"], colors["surface"]) >= 3
