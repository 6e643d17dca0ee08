"""The board in a browser: each view on a desktop and on a phone, and a session moved with a mouse and with keys."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.urls import reverse
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.permissions import Role
from scheduling.models import Closure, Session, SessionStatus, Site
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_meeting,
    make_patient,
    make_room,
    make_session,
    make_site,
    make_staff,
    make_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.conftest import OpenPage
from tests.journeys.steps import SignIn, follow

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_monday_at_8")]

TUESDAY, WEDNESDAY, FRIDAY = (MONDAY + timedelta(days=days) for days in (1, 2, 4))
VIEWS = ("day", "week", "month", "list")


@pytest.fixture
def on_monday_at_8() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 23, 13, tzinfo=UTC), tick=True):
        yield


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site, "Nora Castellanos")


@pytest.fixture
def coping(site: Site) -> Session:
    """A session on Wednesday from 9:00 to 12:15.

    The week also has a group at the same time, a canceled session and a closed day.
    """
    room, lead = make_room(site, name="Garden room"), make_staff(Role.CLINICIAN, site, "Ada Park")
    coping = make_meeting(site, 2, "09:00", "12:15", name="Coping skills", room=room, lead=lead)
    process_group = make_meeting(site, 2, "09:30", "12:30", name="Process group", room=make_room(site, name="Library"))
    cancelled = make_meeting(site, 1, "13:00", "15:00", name="Family night")
    make_track(site, [coping, process_group], name="Morning IOP")
    track = make_track(site, [coping], name="Day program")
    make_session(process_group, WEDNESDAY)
    make_session(cancelled, TUESDAY, status=SessionStatus.CANCELLED, cancel_reason="Leader is ill")
    Closure.objects.create(site=site, starts=MONDAY + timedelta(days=3), ends=FRIDAY, reason="Thanksgiving")
    session = make_session(coping, WEDNESDAY)
    book(session, enroll(admit(make_patient(site), minutes=195, days=1), track))
    return session


def board(view: str = "week", day: date = WEDNESDAY) -> str:
    return f"{reverse('board')}?date={day}&view={view}"


def session_box(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=re.compile(name))


def posted_fields(page: Page, action: Callable[[], None], session: Session) -> dict[str, str]:
    """Run `action`, and return the fields that it posts to the session's move page, without the CSRF token."""
    with page.expect_request(lambda request: request.method == "POST") as sent:
        action()
    assert urlsplit(sent.value.url).path == reverse("session-move", args=[session.pk])
    page.wait_for_url(re.compile("/move/"))  # the server must finish before the test ends
    fields = parse_qs(sent.value.post_data or "", keep_blank_values=True)
    assert fields.pop("csrfmiddlewaretoken")
    return {name: value for name, (value,) in fields.items()}


def drag(page: Page, element: Locator, *, right: float = 0, down: float = 0, from_edge: bool = False) -> None:
    """Drag a session's box by `right` and `down` pixels. With `from_edge`, drag only the lower edge of the box."""
    element.scroll_into_view_if_needed()
    bounds = element.bounding_box()
    assert bounds
    x, y = bounds["x"] + bounds["width"] / 2, bounds["y"] + (bounds["height"] - 2 if from_edge else 6)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right / 2, y + down / 2, steps=5)
    page.mouse.move(x + right, y + down, steps=5)
    page.mouse.up()


def column_width(page: Page) -> float:
    bounds = page.get_by_role("columnheader").nth(1).bounding_box()
    assert bounds
    return bounds["width"]


def hour_height(page: Page) -> float:
    tops = [page.get_by_text(hour, exact=True).bounding_box() for hour in ("9 AM", "10 AM")]
    assert tops[0]
    assert tops[1]
    return tops[1]["y"] - tops[0]["y"]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_accessible_on_a_desktop_and_on_a_phone(
    page: Page, phone: Page, sign_in: SignIn, coordinator: User, coping: Session, view: str
) -> None:
    for screen in (page, phone):
        sign_in(screen, coordinator)
        screen.goto(board(view))
        expect(session_box(screen, "Coping skills")).to_be_visible()
        assert_accessible(screen)


def test_the_week_view_says_in_words_what_its_colors_mean(
    page: Page, sign_in: SignIn, coordinator: User, coping: Session
) -> None:
    sign_in(page, coordinator)
    page.goto(board())
    expect(page.get_by_role("heading", name="Mon, Nov 23 – Sun, Nov 29")).to_be_visible()
    expect(session_box(page, "Coping skills")).to_have_text(
        re.compile("MD 9:00.*Coping skills.*Garden room, Ada Park.*1 of 10 spots")
    )
    tracks = page.get_by_role("list", name="Tracks").get_by_role("listitem")
    expect(tracks).to_have_text([re.compile(r"D\s+Day program"), re.compile(r"M\s+Morning IOP")])
    expect(session_box(page, "Family night")).to_contain_text("Canceled: Leader is ill")
    text_decoration = (
        session_box(page, "Family night")
        .get_by_text("Family night")
        .evaluate("e => getComputedStyle(e).textDecorationLine")
    )
    assert text_decoration == "line-through"
    expect(page.get_by_text("Closed: Thanksgiving")).to_be_visible()
    page.goto(board(day=date(2026, 10, 28)))
    expect(page.get_by_text("Clocks go back 1 h overnight into Sunday")).to_be_visible()


@pytest.mark.parametrize("device", ["Asia/Tokyo", "America/Los_Angeles", "America/New_York"])
def test_the_board_shows_site_time_in_whatever_time_zone_the_device_is(
    browser: Browser, live_server: LiveServer, sign_in: SignIn, coordinator: User, coping: Session, device: str
) -> None:
    context = browser.new_context(base_url=live_server.url, timezone_id=device)
    page = context.new_page()
    sign_in(page, coordinator)
    page.goto(board())
    column = page.get_by_role("gridcell").filter(has=page.get_by_text("Coping skills"))
    expect(column).to_have_attribute("data-date", "2026-11-25")
    expect(session_box(page, "Coping skills")).to_contain_text("9:00")
    note = page.get_by_text("Times are in this time zone: Eastern (New York).")
    expect(note).to_be_hidden() if device == "America/New_York" else expect(note).to_be_visible()
    context.close()


def test_a_phone_and_a_tablet_show_the_list_and_a_desktop_the_week(
    page: Page, phone: Page, open_page: OpenPage, sign_in: SignIn, coordinator: User, coping: Session
) -> None:
    tablet = open_page({"width": 768, "height": 1024})
    for screen, view in ((page, "Week"), (phone, "List"), (tablet, "List")):
        sign_in(screen, coordinator)
        screen.goto(reverse("board"))
        expect(screen.get_by_role("button", name=view)).to_have_attribute("aria-pressed", "true")


def test_the_list_names_each_day_once(phone: Page, sign_in: SignIn, coordinator: User, coping: Session) -> None:
    sign_in(phone, coordinator)
    phone.goto(reverse("board"))
    dates = phone.locator("#board").get_by_text("November").filter(visible=True)
    expect(dates.first).to_be_visible()
    expect(dates.filter(has_text="2026")).to_have_count(0)


def test_the_url_keeps_the_view_the_date_and_the_filter(
    page: Page, sign_in: SignIn, coordinator: User, coping: Session
) -> None:
    sign_in(page, coordinator)
    page.goto(board())
    page.get_by_role("link", name="Next week").click()
    expect(page.get_by_role("heading", name="Mon, Nov 30 – Sun, Dec 6")).to_be_visible()
    page.get_by_role("button", name="Month").click()
    expect(page.get_by_role("heading", name="November 2026")).to_be_visible()
    page.get_by_label("Room").select_option(label="Garden room")
    page.wait_for_url(re.compile("room="))
    expect(session_box(page, "Coping skills")).to_be_visible()
    expect(session_box(page, "Process group")).to_have_count(0)
    assert parse_qs(urlsplit(page.url).query) == {
        "date": ["2026-11-30"],
        "view": ["month"],
        "room": [str(coping.room_id)],
    }
    follow(session_box(page, "Coping skills"))
    expect(page.get_by_role("heading", name="Coping skills")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="November 2026")).to_be_visible()
    follow(page.get_by_role("link", name="Print week"))
    expect(page.get_by_role("heading", name="Mon, Nov 30 – Sun, Dec 6")).to_be_visible()
    expect(page.get_by_text("Only: Garden room")).to_be_visible()


def test_a_session_is_dragged_to_another_day_and_hour(
    page: Page, sign_in: SignIn, coordinator: User, coping: Session
) -> None:
    sign_in(page, coordinator)
    page.goto(board())
    element = session_box(page, "Coping skills")
    expect(element).to_be_visible()
    right, down = 2 * column_width(page), hour_height(page)
    fields = posted_fields(page, lambda: drag(page, element, right=right, down=down), coping)
    assert fields == {
        "on": "2026-11-27",
        "starts": "10:00",
        "ends": "13:15",
        "room": str(coping.room_id),
        "check": "1",
        "next": board(),
    }
    # Nothing is saved yet. The page shows who would be affected.
    expect(page.get_by_role("heading", name="What this changes")).to_be_visible()
    expect(page.get_by_text("1 patient moves to another time")).to_be_visible()
    coping.refresh_from_db()
    assert coping.on == WEDNESDAY
    assert_accessible(page)
    follow(page.get_by_role("link", name="Go back"))
    expect(element).to_contain_text("9:00 AM–12:15 PM")

    posted_fields(page, lambda: drag(page, element, right=right, down=down), coping)
    follow(page.get_by_role("button", name="Move session"))
    expect(
        page.get_by_text("Coping skills is now on Fri, Nov 27, 10:00 AM–1:15 PM. Room: Garden room.")
    ).to_be_visible()
    expect(page.get_by_role("heading", name="Mon, Nov 23 – Sun, Nov 29")).to_be_visible()
    expect(element).to_contain_text(re.compile("10:00 AM–1:15 PM.*changed"))
    coping.refresh_from_db()
    assert (coping.on, coping.local_starts().hour) == (FRIDAY, 10)


def test_a_session_is_made_longer_by_dragging_its_lower_edge(
    page: Page, sign_in: SignIn, coordinator: User, coping: Session
) -> None:
    sign_in(page, coordinator)
    page.goto(board())
    element = session_box(page, "Coping skills")
    element.hover()
    down = hour_height(page) / 2
    fields = posted_fields(page, lambda: drag(page, element, down=down, from_edge=True), coping)
    assert (fields["on"], fields["starts"], fields["ends"]) == ("2026-11-25", "09:00", "12:45")


def test_a_session_dragged_in_the_month_keeps_its_times(
    page: Page, sign_in: SignIn, coordinator: User, coping: Session
) -> None:
    sign_in(page, coordinator)
    page.goto(board("month"))
    element = session_box(page, "Coping skills")
    expect(element).to_be_visible()
    right = 2 * column_width(page)
    fields = posted_fields(page, lambda: drag(page, element, right=right), coping)
    assert (fields["on"], fields["starts"], fields["ends"]) == ("2026-11-27", "09:00", "12:15")
    assert fields["next"] == board("month")


def test_a_session_that_cannot_be_moved_stays_where_it_is(
    page: Page, sign_in: SignIn, site: Site, coordinator: User, coping: Session
) -> None:
    sign_in(page, coordinator)
    page.goto(board())
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    drag(page, session_box(page, "Family night"), right=column_width(page))
    page.goto(board())
    drag(page, session_box(page, "Coping skills"), down=-4 * hour_height(page))  # up into the all-day row
    session_box(page, "Family night").press("Alt+ArrowRight")
    expect(page.get_by_role("status")).to_have_text(
        "Family night can’t be moved: it has started, or it was held or canceled."
    )
    sign_in(page, make_staff(Role.REVIEWER, site))
    page.goto(board())
    drag(page, session_box(page, "Coping skills"), right=column_width(page))
    expect(session_box(page, "Coping skills")).to_be_visible()
    assert sent == []


def test_a_session_is_moved_with_keys(page: Page, sign_in: SignIn, coordinator: User, coping: Session) -> None:
    sign_in(page, coordinator)
    page.goto(board())
    element, status = session_box(page, "Coping skills"), page.get_by_role("status")
    element.focus()
    for keys, times in (
        ("Alt+ArrowRight", "Thu, Nov 26, 9:00 AM–12:15 PM"),
        ("Alt+ArrowDown", "Thu, Nov 26, 9:15 AM–12:30 PM"),
        ("Alt+ArrowDown", "Thu, Nov 26, 9:30 AM–12:45 PM"),
        ("Alt+ArrowUp", "Thu, Nov 26, 9:15 AM–12:30 PM"),
        ("Alt+ArrowLeft", "Wed, Nov 25, 9:15 AM–12:30 PM"),
        ("Alt+ArrowLeft", "Tue, Nov 24, 9:15 AM–12:30 PM"),
    ):
        page.keyboard.press(keys)
        expect(status).to_have_text(f"Coping skills: {times}. Press Enter to continue or Esc to undo the move.")
        expect(element).to_be_focused()
    assert_accessible(page)
    fields = posted_fields(page, lambda: page.keyboard.press("Enter"), coping)
    assert (fields["on"], fields["starts"], fields["ends"]) == ("2026-11-24", "09:15", "12:30")
    assert (fields["room"], fields["check"], fields["next"]) == (str(coping.room_id), "1", board())
    expect(page.get_by_role("heading", name="What this changes")).to_be_visible()


def test_keys_move_a_session_into_the_next_week_and_escape_puts_it_back(
    page: Page, sign_in: SignIn, coordinator: User, coping: Session
) -> None:
    sign_in(page, coordinator)
    page.goto(board())
    element = session_box(page, "Coping skills")
    element.focus()
    for _ in range(5):
        page.keyboard.press("Alt+ArrowRight")
        expect(element).to_be_focused()
    expect(page.get_by_role("heading", name="Mon, Nov 30 – Sun, Dec 6")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Coping skills: Mon, Nov 30, 9:00 AM–12:15 PM")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Mon, Nov 23 – Sun, Nov 29")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Coping skills is back where it was.")
    expect(element).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Coping skills")).to_be_visible()


def test_the_m_key_opens_the_page_that_moves_a_session(
    page: Page, sign_in: SignIn, coordinator: User, coping: Session
) -> None:
    sign_in(page, coordinator)
    page.goto(board("list"))
    session_box(page, "Coping skills").press("m")
    page.wait_for_url(re.compile("/move/"))
    address = urlsplit(page.url)
    assert address.path == reverse("session-move", args=[coping.pk])
    assert parse_qs(address.query) == {"next": [board("list")]}
    page.get_by_label("Starts").fill("10:00")
    page.get_by_label("Ends").fill("13:15")
    follow(page.get_by_role("button", name="Move session"))
    follow(page.get_by_role("button", name="Move session"))
    expect(session_box(page, "Coping skills")).to_contain_text("10:00 AM–1:15 PM")


def test_the_week_is_shown_without_javascript(
    browser: Browser, live_server: LiveServer, sign_in: SignIn, coordinator: User, coping: Session
) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, coordinator)
    page.goto(reverse("board"))
    expect(page.get_by_role("link", name="Coping skills")).to_be_visible()
    follow(page.get_by_role("link", name="Next week"))
    expect(page.get_by_role("heading", name="Mon, Nov 30 – Sun, Dec 6")).to_be_visible()
    follow(page.get_by_role("link", name="Today").last)
    page.get_by_label("Room").select_option(label="Library")
    follow(page.get_by_role("button", name="Apply filters"))
    expect(page.get_by_role("link", name="Process group")).to_be_visible()
    expect(page.get_by_role("link", name="Coping skills")).to_have_count(0)
    context.close()


def test_the_board_says_when_the_sessions_cannot_be_loaded(
    page: Page, sign_in: SignIn, coordinator: User, coping: Session
) -> None:
    sign_in(page, coordinator)
    page.route("**/board/sessions/*", lambda route: route.abort())
    page.goto(board())
    expect(page.get_by_role("status")).to_have_text("The sessions could not be loaded. Reload the page.")
    assert_accessible(page)


def test_the_printed_week_fits_one_page_and_has_no_controls(
    page: Page, sign_in: SignIn, coordinator: User, coping: Session
) -> None:
    sign_in(page, coordinator)
    page.goto(f"{reverse('board-print')}?week={WEDNESDAY}")
    assert_accessible(page)
    page.emulate_media(media="print")
    for name in ("Track", "Room", "Facilitator"):
        expect(page.get_by_label(name, exact=True)).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    media_box = re.search(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)
    assert media_box is not None
    width, height = map(float, media_box.groups())
    assert width > height
