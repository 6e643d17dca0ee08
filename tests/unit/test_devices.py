"""The names of browsers and operating systems, read from user agents."""

import pytest

from accounts.domain.devices import name_device

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "browser", "system"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME}", "Chrome", "Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Edg/137.0.0.0", "Edge", "Windows"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME}", "Chrome", "Chromebook"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME}", "Chrome", "Android"),
        (f"Mozilla/5.0 (Linux; Android 10; K) SamsungBrowser/28.0 {CHROME}", "Samsung Internet", "Android"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME} OPR/120.0", "Opera", "Mac"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15", "Safari", "Mac"),
        ("Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) CriOS/137.0 Safari/604.1", "Chrome", "iPad"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) FxiOS/140.0 Safari/605.1", "Firefox", "iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Linux"),
        ("curl/8.5", "", ""),
        ("", "", ""),
    ],
)
def test_a_device_is_named_in_plain_words(user_agent: str, browser: str, system: str) -> None:
    assert name_device(user_agent) == (browser, system)
