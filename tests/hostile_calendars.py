"""Malicious calendar files. They would take forever to read, exhaust memory, or give a path as a time zone."""

from collections.abc import Iterable

MEGABYTE = 1024 * 1024
ZONE_TEMPLATE = """BEGIN:VTIMEZONE
TZID:Nowhere
BEGIN:STANDARD
DTSTART:16010101T000000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
RRULE:{rule}
END:STANDARD
END:VTIMEZONE"""


def event(*lines: str, starts: str = "DTSTART:20261124T140000Z", ends: str = "DTEND:20261124T150000Z") -> str:
    return "\n".join(["BEGIN:VEVENT", starts, ends, *lines, "END:VEVENT"])


def calendar(*parts: str) -> bytes:
    return "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *parts, "END:VCALENDAR", ""]).encode()


def repeating_calendar(rule: str, times: int = 1, **more: str) -> bytes:
    return calendar(*(event(f"UID:{number}", f"RRULE:{rule}", **more) for number in range(times)))


def _comma_list(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


HOSTILE_FILES: dict[str, bytes] = {
    "every second": repeating_calendar("FREQ=SECONDLY"),
    "every minute": repeating_calendar("FREQ=MINUTELY"),
    "every hour": repeating_calendar("FREQ=HOURLY"),
    "every second, written as lists": repeating_calendar(
        f"FREQ=DAILY;BYHOUR={_comma_list(range(24))};BYMINUTE={_comma_list(range(60))};BYSECOND={_comma_list(range(60))}"
    ),
    "never moves on": repeating_calendar("FREQ=DAILY;INTERVAL=0"),
    "moves backward": repeating_calendar("FREQ=WEEKLY;INTERVAL=-1"),
    "a long rule": repeating_calendar(f"FREQ=YEARLY;BYYEARDAY={_comma_list(range(1, 367))}"),
    "a thousand rules": calendar(event(*["RRULE:FREQ=DAILY"] * 1000)),
    "a date that never comes": repeating_calendar("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", times=500),
    "every day since the year 1": repeating_calendar(
        "FREQ=DAILY", times=500, starts="DTSTART:00010101T090000", ends="DTEND:00010101T100000"
    ),
    "every day, fifty times": repeating_calendar("FREQ=DAILY", times=50),
    "a hundred thousand dates left out": calendar(
        event("RRULE:FREQ=DAILY", "EXDATE:" + ",".join(["20261125T140000Z"] * 100_000))
    ),
    "a hundred thousand dates added": calendar(event(*["RDATE:20261125T140000Z"] * 100_000)),
    "too many events": calendar(*[event()] * 5_001),
    "clocks that change every second": calendar(
        ZONE_TEMPLATE.format(rule="FREQ=SECONDLY"), event(starts="DTSTART;TZID=Nowhere:20261124T140000")
    ),
    "clocks that change often": calendar(
        ZONE_TEMPLATE.format(rule="FREQ=YEARLY;INTERVAL=0"), event(starts="DTSTART;TZID=Nowhere:20261124T140000")
    ),
    "clocks that change a thousand times": calendar(
        "BEGIN:VTIMEZONE",
        "TZID:Nowhere",
        *[
            "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nRRULE:FREQ=YEARLY\nEND:STANDARD"
        ]
        * 300,
        "END:VTIMEZONE",
        *[event(f"UID:{number}", starts="DTSTART;TZID=Nowhere:20261124T140000") for number in range(500)],
    ),
    "a thousand zones": calendar(
        *(ZONE_TEMPLATE.format(rule="FREQ=YEARLY").replace("Nowhere", f"Nowhere {number}") for number in range(20_000)),
        event(),
    ),
    "components in components": b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\n" * 400_000,
    "alarms in alarms": calendar("BEGIN:VEVENT", *["BEGIN:VALARM"] * 100_000, *["END:VALARM"] * 100_000, "END:VEVENT"),
    "one line of five megabytes": calendar(event("DESCRIPTION:" + "x" * (5 * MEGABYTE - 1000))),
    "an id of five megabytes": calendar(event("UID:" + "x" * (5 * MEGABYTE - 1000))),
    "a rule of five megabytes": calendar(event("RRULE:FREQ=DAILY;BYDAY=" + "MO," * MEGABYTE)),
    "a name of five megabytes": calendar(event("x" * (5 * MEGABYTE - 1000) + ":1")),
    "quotes that never end": calendar(event('SUMMARY;X="' + "a" * (5 * MEGABYTE - 1000))),
    "spaces that never end": calendar(event("DTSTART" + " " * (5 * MEGABYTE - 1000) + ":1")),
    "only empty lines": calendar("\n" * (5 * MEGABYTE - 1000)),
    "folded at every letter": calendar(event("DESCRIPTION:" + "x\n " * (5 * MEGABYTE // 3 - 1000))),
    "lines without an end": b"BEGIN:VCALENDAR\r" * 300_000,
    "a million calendars": b"BEGIN:VCALENDAR\nEND:VCALENDAR\n" * 170_000,
    "longer than five megabytes": calendar(event("DESCRIPTION:" + "x" * (5 * MEGABYTE))),
    "longer than all years": calendar(event("DURATION:P99999999D", ends="SUMMARY:x")),
    "a zone that is a path": calendar(event(starts="DTSTART;TZID=../../../../etc/passwd:20261124T140000")),
    "a long zone name": calendar(event(starts=f"DTSTART;TZID={'a' * 1500}:20261124T140000")),
    "a zone name of many parts": calendar(event(starts=f"DTSTART;TZID=/{'b/' * 700}:20261124T140000")),
    "a zone that is a folder": calendar(event(starts="DTSTART;TZID=America:20261124T140000")),
    "another kind of file": b"PK\x03\x04" + bytes(range(256)) * 4000,
    "only zeros": b"\0" * MEGABYTE,
    "a path": b"/etc/passwd",
}
