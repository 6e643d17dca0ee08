"""Check a page for accessibility in its present state: at several widths, in light, dark and forced colors, and by touch."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from django.db import connection
from playwright.sync_api import Page

from tests.journeys.steps import find_badly_spaced_names, settle

WIDTHS = (390, 768, 1280)
PHONE_WIDTH = WIDTHS[0]
REFLOW_WIDTH = 320  # the width of a page at 1280 px and 400% zoom (WCAG 1.4.10)
FIRST_LOOK = {"color_scheme": "light", "forced_colors": "none"}
OTHER_LOOKS = {
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced colors": {"color_scheme": "light", "forced_colors": "active"},
}
COLOR_RULES = ["color-contrast", "link-in-text-block"]

WAIT_FOR_FRAMES = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    await frame();
    for (const animation of document.getAnimations()) {
        if (animation.effect.getComputedTiming().endTime < Infinity) animation.finish();
    }
    await frame();
}"""
RUN_AXE = """async (options) => {
    const { violations } = await axe.run({ resultTypes: ["violations"], preload: false, ...options });
    const reasons = (node) => [...node.any, ...node.all, ...node.none].map((check) => check.message).join(" ");
    return violations.flatMap(({ id, help, nodes }) =>
        nodes.map((node) => `${id}: ${help}. ${reasons(node)} ${node.html.slice(0, 200)}`));
}"""
# A script may still change the layout of the page. Therefore, wait before reporting a fault.
FIND_SIDEWAYS_SCROLLING = """async () => {
    const { documentElement: root } = document;
    for (let frames = 0; root.scrollWidth > root.clientWidth && frames < 60; frames++) {
        await new Promise(requestAnimationFrame);
    }
    if (root.scrollWidth <= root.clientWidth) return [];
    const wide = [...document.querySelectorAll("main *")].findLast((each) => each.scrollWidth > each.clientWidth + 1);
    return [`the page scrolls sideways: ${root.scrollWidth} px. ${wide?.outerHTML.slice(0, 200)}`];
}"""
# The target of a check box is its label. A link within a sentence need not be taller than its line (WCAG 2.5.5).
FIND_SMALL_TARGETS = """() => {
    const isShown = (each) =>
        each.checkVisibility({ visibilityProperty: true }) && !each.closest(".visually-hidden, .skip-link");
    const isInSentence = (each) => getComputedStyle(each).display === "inline"
        && each.closest("p, li, dd, td")?.innerText.trim() !== each.innerText.trim();
    const targetOf = (each) => each.matches("[type=checkbox], [type=radio]") && each.labels[0] || each;
    return [...document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select, textarea")]
        .filter((each) => isShown(each) && !isInSentence(each))
        .map((each) => [each, targetOf(each).getBoundingClientRect()])
        .filter(([, { width, height }]) => Math.min(width, height) < 43.5)
        .map(([each, { width, height }]) =>
            `the target has only ${Math.round(width)} by ${Math.round(height)} px: ${each.outerHTML.slice(0, 200)}`);
}"""
FOR_PATIENTS = ".portal, .entrance"


def assert_accessible(page: Page) -> None:
    """Fail if the page is not accessible in its present state. Leave the page's size, focus and scroll position unchanged.

    The pages are the same on both databases, so they are checked only on SQLite.
    """
    if connection.vendor != "sqlite":
        settle(page)
        return
    faults = find_faults(page)
    assert faults == [], "\n".join([page.url, *faults])


def find_faults(page: Page) -> list[str]:
    """Return the accessibility faults of the page in its present state, each with the view in which it was found.

    In light colors, axe applies all its rules at each width. In dark and in forced colors, axe applies only the
    rules that compare colors. This halves the time.
    """
    settle(page)
    size = page.viewport_size
    assert size is not None
    focused = page.evaluate_handle("document.activeElement")
    position: list[float] = page.evaluate("[scrollX, scrollY]")
    moves_less: bool = page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    faults = [f"a space before punctuation: {name}" for name in find_badly_spaced_names(page)]
    page.emulate_media(reduced_motion="reduce")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        _show_whole_page(page, width, size["height"])
        faults += [f"{width} px: {fault}" for fault in _faults_at_this_width(page)]
    _show_whole_page(page, PHONE_WIDTH, size["height"])
    faults += [f"by touch: {fault}" for fault in _small_targets(page)]
    page.set_viewport_size({"width": REFLOW_WIDTH, "height": size["height"]})
    faults += [f"{REFLOW_WIDTH} px: {fault}" for fault in _run(page, FIND_SIDEWAYS_SCROLLING)]
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="null", forced_colors="null", reduced_motion="reduce" if moves_less else "null")
    page.evaluate(WAIT_FOR_FRAMES)
    focused.evaluate("element => { if (element !== document.activeElement) element.focus({ preventScroll: true }); }")
    page.evaluate("([left, top]) => scrollTo({ left, top, behavior: 'instant' })", position)
    return faults


def _show_whole_page(page: Page, width: int, height: int) -> None:
    """Set the width, and make the window as tall as the page. Otherwise, fixed bars would cover parts that axe checks."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(WAIT_FOR_FRAMES)
    full_height: int = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": max(height, full_height)})


def _faults_at_this_width(page: Page) -> list[str]:
    page.emulate_media(**FIRST_LOOK)  # type: ignore[arg-type]  # a look holds two arguments of the function
    faults = _run(page, FIND_SIDEWAYS_SCROLLING)
    faults += _run(page, RUN_AXE, {"rules": {"target-size": {"enabled": True}}})
    for name, look in OTHER_LOOKS.items():
        page.emulate_media(**look)  # type: ignore[arg-type]
        faults += [f"{name}: {fault}" for fault in _run(page, RUN_AXE, {"runOnly": COLOR_RULES})]
    return faults


def _small_targets(page: Page) -> list[str]:
    if not page.locator(FOR_PATIENTS).count():
        return []
    browser = page.context.new_cdp_session(page)
    browser.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    faults = _run(page, FIND_SMALL_TARGETS)
    browser.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    browser.detach()
    return faults


def _run(page: Page, script: str, argument: Any = None) -> list[str]:
    page.evaluate(WAIT_FOR_FRAMES)
    faults: list[str] = page.evaluate(script, argument)
    return faults
