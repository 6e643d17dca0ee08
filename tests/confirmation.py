"""Steps for tests that preview an action and then confirm it.

The first request returns a preview with a key. The second request sends the key back.
"""

import re
from typing import Any

from django.test import Client


def impact_key(page: str) -> str:
    """Return the key of the preview. The page's confirm button sends this key back."""
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found is not None
    return found[1]


def preview_and_confirm(client: Client, address: str, typed: dict[str, Any]) -> Any:
    """Submit a form, confirm the preview that follows, and return the response that contained the preview."""
    shown = client.post(address, typed)
    assert shown.status_code == 200, shown.context["form"].errors
    response = client.post(address, typed | {"seen": impact_key(shown.text)})
    assert response.status_code == 302
    return shown


def send_twice(client: Client, address: str, typed: dict[str, Any]) -> Any:
    """Preview a change, send its confirmation twice, as a double click does, and return where the second one leads."""
    confirmed = typed | {"seen": impact_key(client.post(address, typed).text)}
    assert client.post(address, confirmed).status_code == 302
    return client.post(address, confirmed, follow=True)


def send_form(client: Client, address: str, values: dict[str, Any]) -> Any:
    """Open a form that says which version of a record it shows, and send it with these values."""
    return client.post(address, {"version": client.get(address).context["version"]} | values)
