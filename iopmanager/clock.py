"""The only module that reads the system clock. Rules and services get the time as a parameter."""

from datetime import UTC, date, datetime, tzinfo


def now() -> datetime:
    """Return the current time as an aware datetime in UTC."""
    return datetime.now(UTC)


def today(zone: tzinfo) -> date:
    """Return the current date in the time zone `zone`."""
    return now().astimezone(zone).date()
