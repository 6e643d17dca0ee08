"""The page guard of the browser tests detects requests to other hosts, security policy violations and script errors."""

from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.journeys.conftest import PageGuard

FORBIDDEN_ACTIONS = """async () => {
    document.body.insertAdjacentHTML("beforeend", '<p style="color: red">');
    await fetch("http://elsewhere.example/").catch(() => {});
    setTimeout(() => { throw new Error("an error in a script"); });
    await new Promise((resolve) => setTimeout(resolve, 50));
}"""


def test_the_guard_detects_other_hosts_policy_violations_and_failing_scripts(
    browser: Browser, live_server: LiveServer
) -> None:
    guard = PageGuard(live_server.url)
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    guard.watch(page)
    page.goto("/accounts/login/")
    assert guard.faults == []
    page.evaluate(FORBIDDEN_ACTIONS)
    context.close()
    faults = "\n".join(guard.faults)
    assert "the content security policy was violated" in faults
    assert "style" in faults
    assert "elsewhere.example" in faults
    assert "a script failed: " in faults
