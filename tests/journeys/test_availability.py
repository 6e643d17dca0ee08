"""Enter commitments in a browser: a rotating shift in a form, and a week painted by mouse, finger and keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Commitment, Patient
from scheduling.models import Site
from tests.factories import (
    admit,
    book,
    enroll,
    make_commitment,
    make_patient,
    make_patient_user,
    make_session,
    make_site,
    make_staff,
    make_weekday_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow, unbroken

NOW = datetime(2026, 11, 23, 13, tzinfo=UTC)
WEDNESDAY = date(2026, 11, 25)
LONG_PRESS = 400  # in milliseconds, as in week_grid.js


@pytest.fixture
def coordinator(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> User:
    """A coordinator at a clinic with one patient."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return make_staff(Role.COORDINATOR, make_site(), "Nora Castellanos")


@pytest.fixture
def rosa(coordinator: User) -> Patient:
    return make_patient(Site.objects.get())


def cell(page: Page, name: str) -> Locator:
    return page.get_by_role("gridcell", name=name).first


def expect_status(page: Page, text: str) -> None:
    expect(page.locator("#life-status")).to_contain_text(text)


def saved_commitments() -> list[tuple[str, tuple[int, ...], str, str]]:
    return [
        (each.label, each.weekday_numbers, f"{each.starts:%H:%M}", f"{each.ends:%H:%M}")
        for each in Commitment.objects.order_by("starts", "label")
    ]


@pytest.mark.parametrize("device", ["page", "phone"])
def test_a_rotating_shift_is_entered_in_the_form(
    request: pytest.FixtureRequest, device: str, coordinator: User, rosa: Patient, sign_in: SignIn
) -> None:
    page: Page = request.getfixturevalue(device)
    sign_in(page, coordinator)
    page.goto(reverse("patient", args=[rosa.pk]))
    follow(page.get_by_role("link", name="Add commitment"))
    page.get_by_label("What*").fill("Warehouse")
    page.get_by_label("Mon", exact=True).check()
    page.get_by_label("Rotating shift").check()
    expect(page.get_by_label("Mon", exact=True)).to_be_hidden()
    page.get_by_label("Days on and off").fill("4 on and on")
    page.get_by_label("First day on").fill("2026-11-02")
    page.get_by_label("Starts").fill("07:00")
    page.get_by_label("Ends").fill("19:00")
    page.get_by_label("It could move a little").check()
    page.get_by_label("By up to (minutes)").fill("30")
    assert_accessible(page)
    follow(page.get_by_role("button", name="Add commitment"))
    expect(page.get_by_text("Enter the days on and off in turn").first).to_be_visible()
    expect(page.get_by_label("By up to (minutes)")).to_have_value("30")
    assert_accessible(page)
    page.get_by_label("Days on and off").fill("4 on, 3 off")
    follow(page.get_by_role("button", name="Add commitment"))
    expect(
        page.get_by_text(unbroken("4 on, 3 off from Mon, Nov 2, 7:00 AM–7:00 PM, can move by 30 min"))
    ).to_be_visible()
    assert_accessible(page)
    commitment = Commitment.objects.get()
    assert (commitment.cycle_days, commitment.cycle_mask, commitment.weekdays) == (7, 0b1111, 0)


def test_a_week_is_painted_with_a_mouse(page: Page, coordinator: User, rosa: Patient, sign_in: SignIn) -> None:
    make_commitment(rosa, [5], "10:00", "12:00", "Market")
    sign_in(page, coordinator)
    page.goto(reverse("commitment-week", args=[rosa.pk]))
    expect(cell(page, "Saturday 10:00 AM, Market")).to_be_visible()
    assert_accessible(page)
    cell(page, "Monday 9:00 AM").drag_to(cell(page, "Wednesday 12:30 PM"))  # one drag covers three days
    expect_status(page, "Monday, Tuesday, Wednesday 9:00 AM to 1:00 PM: added below.")
    cell(page, "Friday 9:00 AM").click()
    expect_status(page, "Starts Friday 9:00 AM. Now choose where it ends.")
    cell(page, "Friday 12:30 PM").click()
    expect_status(page, "Friday 9:00 AM to 1:00 PM: added below.")
    expect(cell(page, "Friday 11:30 AM, Work")).to_be_visible()
    row = page.get_by_role("group", name="Commitment").nth(1)
    row.get_by_label("What").fill("Workshop")
    expect(cell(page, "Friday 11:30 AM, Workshop")).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Save week"))
    expect(page.get_by_text("1 commitment added.")).to_be_visible()
    assert saved_commitments() == [("Workshop", (0, 1, 2, 4), "09:00", "13:00"), ("Market", (5,), "10:00", "12:00")]


def test_a_week_is_painted_with_keys(page: Page, coordinator: User, rosa: Patient, sign_in: SignIn) -> None:
    make_commitment(rosa, [1, 3], "08:00", "09:00", "Gym")
    sign_in(page, coordinator)
    page.goto(reverse("commitment-week", args=[rosa.pk]))
    cell(page, "Monday 9:00 AM").focus()
    press = page.keyboard.press
    press("ArrowRight")
    expect(cell(page, "Tuesday 9:00 AM, free")).to_be_focused()
    for _ in range(4):
        press("Shift+ArrowDown")
    expect_status(page, "Tuesday 9:00 AM to 11:30 AM. Press Enter to finish or Escape to cancel.")
    press("Escape")
    expect_status(page, "Nothing is marked.")
    press("Enter")
    for _ in range(3):
        press("PageDown")
    assert_accessible(page)
    press("Enter")
    expect_status(page, "Tuesday 11:00 AM to 5:30 PM: added below.")
    cell(page, "Thursday 8:30 AM").focus()
    press("Delete")
    expect_status(page, "Gym is cleared on Thursday.")
    cell(page, "Sunday 10:00 PM").focus()
    press("Space")
    for _ in range(4):
        press("PageDown")
    press("Space")
    expect_status(page, "Sunday 10:00 PM to 6:30 AM: added below.")
    follow(page.get_by_role("button", name="Save week"))
    expect(page.get_by_text("2 commitments added. 1 commitment changed.")).to_be_visible()
    assert saved_commitments() == [
        ("Gym", (1,), "08:00", "09:00"),
        ("Work", (1,), "11:00", "17:30"),
        ("Work", (6,), "22:00", "06:30"),
    ]


class Finger:
    """A finger that touches the page. It sends the touch events that the browser would get from a touch screen.

    To the page, any long touch is a long press. On a busy machine, even a tap can take long. Therefore the page's clock
    is stopped during a gesture. Only a long press advances the clock.
    """

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.page = page
        self.pauses = 0
        page.clock.install(time=NOW)

    @contextmanager
    def _clock_stopped(self) -> Iterator[None]:
        self.pauses += 1
        self.page.clock.pause_at(NOW + self.pauses * timedelta(hours=1))
        yield
        self.page.clock.resume()

    def _send(self, kind: str, at: Locator | None = None) -> None:
        points = []
        if at is not None:
            box = at.bounding_box()
            assert box is not None
            points = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def tap(self, at: Locator) -> None:
        with self._clock_stopped():
            self._send("touchStart", at)
            self._send("touchEnd")

    def long_press_and_drag(self, *cells: Locator) -> None:
        with self._clock_stopped():
            self._send("touchStart", cells[0])
            self.page.clock.run_for(LONG_PRESS)
            expect_status(self.page, "Move to where it ends, and let go.")
            for at in cells[1:]:
                self._send("touchMove", at)
            self._send("touchEnd")


def test_a_week_is_painted_with_a_finger(phone: Page, coordinator: User, rosa: Patient, sign_in: SignIn) -> None:
    sign_in(phone, coordinator)
    phone.goto(reverse("commitment-week", args=[rosa.pk]))
    cell(phone, "Tuesday 7:00 AM").scroll_into_view_if_needed()
    phone.locator("#life-grid").evaluate("grid => grid.scrollIntoView({ behavior: 'instant' })")
    finger = Finger(phone)
    finger.tap(cell(phone, "Tuesday 7:00 AM"))
    expect_status(phone, "Starts Tuesday 7:00 AM. Now choose where it ends.")
    finger.tap(cell(phone, "Tuesday 8:30 AM"))
    expect_status(phone, "Tuesday 7:00 AM to 9:00 AM: added below.")
    monday, friday = cell(phone, "Monday 10:00 AM"), cell(phone, "Friday 11:30 AM")
    finger.long_press_and_drag(monday, cell(phone, "Wednesday 11:00 AM"), friday)
    expect_status(phone, "Monday, Tuesday, Wednesday, Thursday, Friday 10:00 AM to 12:00 PM: added below.")
    assert_accessible(phone)
    follow(phone.get_by_role("button", name="Save week"))
    expect(phone.get_by_text("2 commitments added.")).to_be_visible()
    assert saved_commitments() == [("Work", (1,), "07:00", "09:00"), ("Work", (0, 1, 2, 3, 4), "10:00", "12:00")]


def test_a_change_that_conflicts_with_an_appointment_waits_for_a_decision(
    page: Page, phone: Page, coordinator: User, rosa: Patient, sign_in: SignIn
) -> None:
    enrollment = enroll(admit(rosa), make_weekday_track(rosa.site))
    book(make_session(enrollment.track.meetings.get(weekday=2), WEDNESDAY), enrollment)
    sign_in(phone, make_patient_user(rosa))
    phone.goto(reverse("portal-account"))
    follow(phone.get_by_role("link", name="Change my busy times"))
    assert_accessible(phone)
    follow(phone.get_by_role("link", name="Mark my week"))
    phone.locator("#life-grid").evaluate("grid => grid.scrollIntoView({ behavior: 'instant' })")
    finger = Finger(phone)
    finger.tap(cell(phone, "Wednesday 8:00 AM"))
    finger.tap(cell(phone, "Wednesday 10:30 AM"))
    expect_status(phone, "added below")
    assert_accessible(phone)
    follow(phone.get_by_role("button", name="Save my week"))
    expect(phone.get_by_text("so we will look at it first")).to_be_visible()
    expect(phone.get_by_text("It is at the same time as 1 appointment:")).to_be_visible()
    expect(phone.get_by_role("listitem").filter(has_text="Wed, Nov 25").last).to_be_visible()
    assert_accessible(phone)
    assert phone.title() == "When I’m busy · My schedule"

    sign_in(page, coordinator)
    page.goto(reverse("today-attention"))
    follow(page.locator("main").get_by_role("link", name="Rosa Lindqvist: Work"))
    expect(page.get_by_text("This conflicts with 1 booked session:")).to_be_visible()
    expect(page.get_by_text(unbroken("Wed, Nov 25, 9:00 AM–12:00 PM"))).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Decline"))
    expect(page.get_by_text("Enter a reason. The patient will read it.").first).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Reason for declining").fill("Let us talk on Friday.")
    follow(page.get_by_role("button", name="Decline"))
    expect(page.get_by_text("Request declined. Nothing has changed.")).to_be_visible()

    phone.reload()
    expect(phone.get_by_text("Let us talk on Friday.")).to_be_visible()
    assert_accessible(phone)
    follow(phone.get_by_role("link", name="Add a busy time"))
    phone.get_by_label("What*").fill("Course")
    phone.get_by_label("Tue", exact=True).check()
    phone.get_by_label("Starts").fill("18:00")
    phone.get_by_label("Ends").fill("20:00")
    assert_accessible(phone)
    follow(phone.get_by_role("button", name="Add busy time"))
    expect(phone.get_by_text("Saved.")).to_be_visible()
    follow(phone.get_by_role("link", name="End Course"))
    assert_accessible(phone)
    page.reload()
    expect(page.get_by_text("Changed by Rosa")).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("device", ["page", "phone"])
def test_a_place_is_entered_with_the_travel_time_to_each_site(
    request: pytest.FixtureRequest, device: str, coordinator: User, rosa: Patient, sign_in: SignIn
) -> None:
    page: Page = request.getfixturevalue(device)
    sign_in(page, coordinator)
    page.goto(reverse("patient", args=[rosa.pk]))
    follow(page.get_by_role("link", name="Places"))
    follow(page.get_by_role("link", name="Add a place"))
    assert_accessible(page)
    page.get_by_label("Name*").fill("Warehouse")
    page.get_by_label("to there").fill("20")
    page.get_by_label("from there").fill("35")
    follow(page.get_by_role("button", name="Add place"))
    expect(page.get_by_text("20 min there, 35 min back")).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("link", name="Edit Warehouse"))
    assert_accessible(page)
    page.goto(reverse("commitment-new", args=[rosa.pk]))
    page.get_by_label("Where").select_option("Warehouse")
    expect(page.get_by_label("Minutes to get there")).to_be_hidden()


def test_a_week_is_entered_without_javascript(phone: Page, coordinator: User, rosa: Patient, sign_in: SignIn) -> None:
    sign_in(phone, coordinator)
    phone.route("**/*.js", lambda route: route.abort())
    phone.goto(reverse("commitment-week", args=[rosa.pk]))
    expect(phone.get_by_role("heading", name="Mark busy times")).to_be_hidden()
    row = phone.get_by_role("group", name="Commitment").first
    row.get_by_label("Starts").fill("08:00")
    row.get_by_label("Ends").fill("12:00")
    follow(phone.get_by_role("button", name="Save week"))
    expect(row.get_by_text("Choose at least one day.")).to_be_visible()
    row.get_by_label("Mon").check()
    follow(phone.get_by_role("button", name="Save week"))
    expect(phone.get_by_text("1 commitment added.")).to_be_visible()
    assert saved_commitments() == [("Work", (0,), "08:00", "12:00")]
