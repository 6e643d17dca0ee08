"""The accessibility checks of the browser tests find the faults that they look for."""

import pytest
from playwright.sync_api import Page, expect

from accounts.permissions import Role
from tests.factories import make_site, make_staff
from tests.journeys.accessibility.checks import find_faults
from tests.journeys.accessibility.keyboard import find_covered_stops, tab_to
from tests.journeys.steps import settle

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

# The script adopts a style sheet, because the security policy forbids style elements.
ADD_STYLE = """(rules) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(rules);
    document.adoptedStyleSheets.push(sheet);
}"""


@pytest.fixture
def entrance(page: Page) -> Page:
    make_staff(Role.CLINICIAN, make_site())
    page.goto("/accounts/login/")
    settle(page)
    return page


@pytest.mark.parametrize(
    ("style", "fault"),
    [
        pytest.param("label { color: #bbb !important; }", "1280 px: color-contrast", id="pale text"),
        pytest.param(
            "@media (prefers-color-scheme: dark) { label { color: #333 !important; } }",
            "dark: color-contrast",
            id="pale text in dark colors",
        ),
        pytest.param(
            "@media (forced-colors: active) { label { forced-color-adjust: none; color: #eee; background: #fff; } }",
            "forced colors: color-contrast",
            id="pale text in forced colors",
        ),
        pytest.param(
            "@media (max-width: 500px) { h1 { width: 450px; } }", "390 px: the page scrolls sideways", id="a wide part"
        ),
        pytest.param("h1 { width: 350px; }", "320 px: the page scrolls sideways", id="a part too wide for zooming"),
        pytest.param(".btn { min-height: 30px; padding: 0; }", "by touch: the target has only", id="a low button"),
    ],
)
def test_a_fault_of_style_is_found(entrance: Page, style: str, fault: str) -> None:
    entrance.evaluate(ADD_STYLE, style)
    assert any(fault in each for each in find_faults(entrance))


def test_a_missing_label_is_found(entrance: Page) -> None:
    entrance.locator("input[name=login]").evaluate("field => { field.labels[0].remove(); field.placeholder = ''; }")
    assert any("768 px: label" in fault for fault in find_faults(entrance))


def test_the_page_is_left_as_it_was(entrance: Page) -> None:
    entrance.get_by_label("Password").focus()
    assert find_faults(entrance) == []
    expect(entrance.get_by_label("Password")).to_be_focused()
    assert entrance.viewport_size == {"width": 1280, "height": 800}
    assert entrance.evaluate("matchMedia('(prefers-color-scheme: light) and (forced-colors: none)').matches")


def test_a_stop_that_shows_no_focus_is_found(entrance: Page) -> None:
    entrance.evaluate(ADD_STYLE, ":root input:focus-visible { outline: none !important; }")
    with pytest.raises(AssertionError, match="nothing shows the focus"):
        tab_to(entrance.get_by_role("button", name="Sign in", exact=True))


def test_a_covered_stop_is_found(entrance: Page) -> None:
    entrance.evaluate(ADD_STYLE, "[role=note] { position: fixed; inset: 0; z-index: 9999; }")
    entrance.evaluate("document.body.insertAdjacentHTML('beforeend', '<p role=note></p>')")
    with pytest.raises(AssertionError, match="the focus is covered"):
        tab_to(entrance.get_by_role("button", name="Sign in", exact=True))
    assert any("password" in fault for fault in find_covered_stops(entrance))
