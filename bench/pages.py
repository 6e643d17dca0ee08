"""Measure the most used pages in Chromium on a slow phone with a slow connection, and compare them with limits.

    .venv/bin/python -m bench.pages [--tiny]

The demo clinic is served as `make run` serves it. The browser runs at a quarter of the computer's speed, and its
connection has 50 kB/s and a latency of 400 ms. Each round opens each page in a new browser profile, signed in but with
an empty cache. The browser reports four figures: largest contentful paint, cumulative layout shift, the number of
bytes downloaded, and the time from a tap until the next frame is shown. For each figure, the benchmark prints the
median of the rounds and the median's share of the limit.
"""

import sys
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.chromium import NOT_FOUND, chromium_flags, chromium_path
from bench.command_line import parse_tiny
from bench.demo_server import demo_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CPU_SLOWDOWN = 4
BYTES_PER_SECOND = 50_000
LATENCY_MS = 400


class Limits(NamedTuple):
    """The limits for one page.

    `paint` is the time until the largest contentful paint. `tap` is the time from a tap until the next frame. Both are in
    milliseconds.
    """

    paint: float
    shift: float
    bytes: float
    tap: float = 100


PORTAL, STAFF = Limits(1500, 0.02, 90_000), Limits(2000, 0.02, 200_000)
BOARD = STAFF._replace(bytes=350_000)


class MeasuredPage(NamedTuple):
    role: str
    path: str
    limits: Limits
    tap: str = "summary"
    """Selector of the control that is tapped."""


PAGES = (
    MeasuredPage("patient", "/me/", PORTAL),
    MeasuredPage("patient", "/me/week/", PORTAL),
    MeasuredPage("patient", "/me/calendar/", PORTAL),
    MeasuredPage("patient", "/me/life/week/", PORTAL),
    MeasuredPage("coordinator", "/today/", STAFF),
    MeasuredPage("coordinator", "/patients/", STAFF),
    MeasuredPage("coordinator", "/patients/1/", STAFF),
    MeasuredPage("coordinator", "/patients/1/find/", STAFF),
    MeasuredPage("coordinator", "/weeks/", STAFF),
    MeasuredPage("coordinator", "/board/", BOARD, tap=".fc-next-button, [data-next], main button"),
)
OBSERVE = """
window.measured = {paint: 0, shift: 0, tap: 0};
const observe = (type, use) => new PerformanceObserver(list => list.getEntries().forEach(use))
    .observe({type, buffered: true, durationThreshold: 16});
observe("largest-contentful-paint", entry => { measured.paint = entry.startTime; });
observe("layout-shift", entry => { if (!entry.hadRecentInput) measured.shift += entry.value; });
observe("event", entry => { measured.tap = Math.max(measured.tap, entry.duration); });
"""
Figures = dict[str, list[float]]


def measure(context: "BrowserContext", base: str, each: MeasuredPage) -> dict[str, float]:
    """Open the page with an empty cache on the slow connection, tap a control, and return the browser's figures."""
    page = context.new_page()
    page.add_init_script(OBSERVE)
    protocol = context.new_cdp_session(page)
    received: list[float] = []
    protocol.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    protocol.send("Network.enable")
    protocol.send("Network.setCacheDisabled", {"cacheDisabled": True})
    line: dict[str, Any] = {"offline": False, "latency": LATENCY_MS}
    speed = {"downloadThroughput": BYTES_PER_SECOND, "uploadThroughput": BYTES_PER_SECOND}
    protocol.send("Network.emulateNetworkConditions", line | speed)
    protocol.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    page.goto(base + each.path)
    page.wait_for_load_state("networkidle")
    figures: dict[str, float] = page.evaluate("({paint: measured.paint, shift: measured.shift})")
    control = page.locator(each.tap).locator("visible=true").first
    if control.count():
        control.tap()
        page.wait_for_timeout(1000)
        figures["tap"] = page.evaluate("measured.tap")
    page.close()
    return figures | {"bytes": sum(received)}


def signed_in(browser: "Browser", base: str, role: str) -> Any:
    """Sign in as the demo user who has the role, and return the cookies."""
    from demo.sign_ins import SIGN_INS

    account = next(each for each in SIGN_INS if each.role == role)
    context = browser.new_context()
    page: Page = context.new_page()
    page.goto(f"{base}/accounts/login/")
    page.fill("[name=login]", account.email)
    page.fill("[name=password]", account.password)
    page.click("main button[type=submit]")
    page.wait_for_load_state("networkidle")
    state = context.storage_state()
    context.close()
    return state


def report(each: MeasuredPage, figures: Figures) -> str:
    shares = []
    for name, values in figures.items():
        middle = median(values)
        shown = f"{middle:.3f}" if name == "shift" else f"{middle:.0f}"
        shares.append(f"{name} {shown} ({middle / getattr(each.limits, name):.2f} of the limit)")
    return f"{each.role} {each.path}: {', '.join(shares)}"


def main() -> None:
    tiny = parse_tiny(__doc__)
    pages, rounds = (PAGES[:1], 1) if tiny else (PAGES, 5)
    from playwright.sync_api import sync_playwright

    chromium = chromium_path() or sys.exit(NOT_FOUND)
    with demo_server() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=chromium_flags())
        states = {role: signed_in(browser, base, role) for role in {each.role for each in pages}}
        figures: dict[MeasuredPage, Figures] = {each: defaultdict(list) for each in pages}
        for _ in range(rounds):
            for each in pages:
                size: Any = {"width": 390, "height": 844} if each.limits is PORTAL else {"width": 1280, "height": 800}
                context = browser.new_context(viewport=size, has_touch=True, storage_state=states[each.role])
                for name, value in measure(context, base, each).items():
                    figures[each][name].append(value)
                context.close()
        browser.close()
    for each in pages:
        sys.stdout.write(report(each, figures[each]) + "\n")


if __name__ == "__main__":
    main()
