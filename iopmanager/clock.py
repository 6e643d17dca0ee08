"""The only reader of the system clock; everything else is told what time it is."""

from datetime import UTC, date, datetime, tzinfo


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def today(zone: tzinfo) -> date:
    """The date on a wall calendar in `zone` at this instant."""
    return now().astimezone(zone).date()
