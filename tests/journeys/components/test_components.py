"""Every component is accessible in every state, at every tested width, and in light, dark and forced colors."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import settle

pytestmark = pytest.mark.journey

LOOKS = (
    pytest.param({"color_scheme": "light"}, id="light"),
    pytest.param({"color_scheme": "dark"}, id="dark"),
    pytest.param({"forced_colors": "active"}, id="forced colors"),
)
FOCUSABLE = "main a:visible, main button:visible:enabled, main input:visible, main select:visible, main summary:visible"
RING = """element => {
    element.focus({focusVisible: true});
    const style = getComputedStyle(element);
    return [style.outlineStyle, parseFloat(style.outlineWidth), parseFloat(style.outlineOffset)];
}"""


@pytest.fixture
def components(browser: Browser, live_server: LiveServer, request: pytest.FixtureRequest, db: None) -> Iterator[Page]:
    """A blank page in a browser. The fixture's parameter sets the browser's colors."""
    context = browser.new_context(base_url=live_server.url, **request.param)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("components", [pytest.param({}, id="light")], indirect=True)
def test_every_component_is_accessible(components: Page) -> None:
    for state in ("", "?state=refused"):
        components.goto(f"/design/{state}")
        assert_accessible(components)


@pytest.mark.parametrize("components", LOOKS, indirect=True)
def test_everything_that_takes_focus_shows_one_ring(components: Page) -> None:
    components.goto("/design/")
    settle(components)
    components.keyboard.press("Tab")
    rings = {tuple(element.evaluate(RING)) for element in components.locator(FOCUSABLE).all()}
    assert rings == {("solid", 3, 2)}


@pytest.mark.parametrize("components", [pytest.param({}, id="light")], indirect=True)
def test_a_refused_form_begins_with_a_summary_that_has_focus_and_links(components: Page) -> None:
    components.goto("/design/?state=refused")
    settle(components)
    assert components.title().startswith("Error:")
    summary = components.locator(".error-summary").first
    assert components.evaluate("document.activeElement.classList.contains('error-summary')")
    link = components.locator(".error-summary").get_by_role("link", name="Email")
    expect(link).to_be_visible()
    link.click()
    assert components.evaluate("document.activeElement.id") == "id_email"
    expect(summary).to_be_visible()
