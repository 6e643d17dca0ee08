"""Name a person's device from the User-Agent header of its browser."""

from typing import NamedTuple


class DeviceNames(NamedTuple):
    """The names of a browser and of a system, such as "Firefox" and "Windows". A name is blank if it is unknown."""

    browser: str
    system: str


# A User-Agent header also names similar browsers, so the order matters: the first match counts.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "Chromebook"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def name_device(user_agent: str) -> DeviceNames:
    """Return the names of the browser and the system in a User-Agent header."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return DeviceNames(browser, system)
