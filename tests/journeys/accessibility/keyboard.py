"""Walk pages by keyboard alone. Every stop of the Tab key must show that it has focus, and nothing may cover it."""

from playwright.sync_api import Locator, Page, expect

from tests.factories import PASSWORD
from tests.journeys.steps import settle

MOST_STOPS = 90

# A control's focus ring may be around its label. If a control is larger than the window, check the visible part.
IS_COVERED = """(control) => {
    const shown = control.matches(".btn-check") ? control.labels[0] : control;
    const { left, right, top, bottom } = shown.getClientRects()[0] ?? shown.getBoundingClientRect();
    const middle = (from, to, size) => (Math.max(from, 0) + Math.min(to, size)) / 2;
    const isOutside = bottom <= 0 || right <= 0 || top >= innerHeight || left >= innerWidth;
    const there = document.elementFromPoint(middle(left, right, innerWidth), middle(top, bottom, innerHeight));
    return isOutside || !shown.contains(there);
}"""
FAULTS_OF_STOP = f"""() => {{
    const isCovered = {IS_COVERED};
    const control = document.activeElement;
    if (control === document.body) return ["no control of the page has focus"];
    const ringed = control.matches(".btn-check") ? control.labels[0] : control;
    const {{ outlineStyle, outlineWidth }} = getComputedStyle(ringed);
    const faults = [];
    if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) faults.push("nothing shows the focus");
    if (isCovered(control)) faults.push("the focus is covered or outside the window");
    return faults.map((fault) => `${{fault}}: ${{control.outerHTML.slice(0, 200)}}`);
}}"""
COVERED_STOPS = f"""() => {{
    const isCovered = {IS_COVERED};
    const focusable = "a[href], button, summary, input:not([type=hidden]), select, textarea, [tabindex='0']";
    const stops = [...document.querySelectorAll(focusable)]
        .filter((each) => !each.disabled && each.checkVisibility({{ visibilityProperty: true }}));
    const covered = [...stops, ...stops.toReversed()]
        .filter((each) => {{ each.focus(); return document.activeElement === each && isCovered(each); }})
        .map((each) => each.outerHTML.slice(0, 200));
    document.activeElement.blur();
    return covered;
}}"""


def tab_to(control: Locator, key: str = "Tab") -> None:
    """Press Tab, or Shift+Tab, until the control has focus. Fail if a stop on the way shows no focus or is covered."""
    page = control.page
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        faults = page.evaluate(FAULTS_OF_STOP)
        assert faults == [], f"{page.url}\n{faults}"
        if control.evaluate_all("elements => elements.includes(document.activeElement)"):
            return
    raise AssertionError(f"{page.url}: {MOST_STOPS} times {key} do not reach {control}")


def tab_back_to(control: Locator) -> None:
    tab_to(control, "Shift+Tab")


def type_into(field: Locator, text: str) -> None:
    tab_to(field)
    field.page.keyboard.type(text)


def follow_by_key(control: Locator) -> None:
    """Tab to a link or a button that opens another page, press Enter, and wait until that page has settled."""
    tab_to(control)
    submit_by_key(control.page)


def submit_by_key(page: Page) -> None:
    """Press Enter on the control that has focus, and wait until the page that it opens has settled."""
    with page.expect_navigation():
        page.keyboard.press("Enter")
    settle(page)


def skip_to_content(page: Page) -> None:
    """Skip the navigation of a new page with the page's first link."""
    tab_to(page.get_by_role("link", name="Skip to the content"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def sign_in_by_keyboard(page: Page, email: str) -> None:
    page.emulate_media(reduced_motion="reduce")  # smooth scrolling would still move a control that has focus
    page.goto("/accounts/login/")
    settle(page)
    type_into(page.locator("input[name=login]"), email)
    type_into(page.get_by_label("Password"), PASSWORD)
    submit_by_key(page)


def find_covered_stops(page: Page) -> list[str]:
    """Return the controls that are covered when they get focus, forward or backward, on a phone or on a desktop."""
    size = page.viewport_size
    assert size is not None
    page.emulate_media(reduced_motion="reduce")  # see sign_in_by_keyboard
    faults = []
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": size["height"]})
        faults += [f"{width} px: the focus is covered: {control}" for control in page.evaluate(COVERED_STOPS)]
    page.set_viewport_size(size)
    page.emulate_media(reduced_motion="null")
    return faults
