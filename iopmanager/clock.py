"""The only reader of the system clock. All other code gets the time as a parameter."""

from datetime import UTC, date, datetime, tzinfo


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return datetime.now(UTC)


def today(zone: tzinfo) -> date:
    """Return the current date in `zone`."""
    return now().astimezone(zone).date()
