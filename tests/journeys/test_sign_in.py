"""The sign-in page in a browser, on a desktop and on a phone."""

from playwright.sync_api import Page, expect

from tests.journeys.steps import Axe


def test_the_sign_in_page_is_accessible_on_a_desktop_and_on_a_phone(page: Page, phone: Page, axe: Axe) -> None:
    for screen in (page, phone):
        screen.goto("/accounts/login/")
        expect(screen.get_by_label("Password")).to_be_visible()
        axe(screen)
