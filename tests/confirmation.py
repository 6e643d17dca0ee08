"""Confirming on a page what it showed."""

import re
from typing import Any

from django.test import Client


def impact_key(page: str) -> str:
    """What the page's button to confirm sends back."""
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found is not None
    return found[1]


def preview_and_confirm(client: Client, address: str, typed: dict[str, Any]) -> Any:
    """Sends what was typed, looks at what it changes, and confirms that; what was shown."""
    shown = client.post(address, typed)
    assert shown.status_code == 200, shown.context["form"].errors
    answer = client.post(address, typed | {"seen": impact_key(shown.text)})
    assert answer.status_code == 302
    return shown
