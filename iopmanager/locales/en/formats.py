"""US English formats for dates and times, written with Django's format characters."""

DATE_FORMAT = "M j, Y"
SHORT_DATE_FORMAT = "M j, Y"
TIME_FORMAT = "g:i A"
DATETIME_FORMAT = "M j, Y, g:i A"
SHORT_DATETIME_FORMAT = "M j, Y, g:i A"
MONTH_DAY_FORMAT = "M j"
YEAR_MONTH_FORMAT = "F Y"

# The formats below are the project's own. Django does not use them.
WEEKDAY_FORMAT = "D, M j"
WEEKDAY_YEAR_FORMAT = "D, M j, Y"
LONG_WEEKDAY_FORMAT = "l, F j"
TIME_WITHOUT_HALF_FORMAT = "g:i"
TIME_24_FORMAT = "G:i"
HOUR_FORMAT = "g A"
HOUR_24_FORMAT = "G:i"
