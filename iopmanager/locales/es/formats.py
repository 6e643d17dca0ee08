"""US Spanish formats for dates and times, written with Django's format characters."""

DATE_FORMAT = "j b Y"
SHORT_DATE_FORMAT = "j b Y"
TIME_FORMAT = "g:i A"
DATETIME_FORMAT = "j b Y, g:i A"
SHORT_DATETIME_FORMAT = "j b Y, g:i A"
MONTH_DAY_FORMAT = "j b"
YEAR_MONTH_FORMAT = r"F \d\e Y"

# The formats below are the project's own. Django does not use them.
WEEKDAY_FORMAT = "D j b"
WEEKDAY_YEAR_FORMAT = "D j b Y"
LONG_WEEKDAY_FORMAT = r"l j \d\e F"
TIME_WITHOUT_HALF_FORMAT = "g:i"
TIME_24_FORMAT = "G:i"
HOUR_FORMAT = "g A"
HOUR_24_FORMAT = "G:i"
