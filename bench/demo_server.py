"""Serve the demo clinic from a temporary database until a `with` block ends."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

PROJECT = Path(__file__).resolve().parent.parent
STARTS_WITHIN = 120
"""Seconds that the server may take to answer its first request."""


@contextmanager
def demo_server(**variables: str) -> Iterator[str]:
    """Load the demo clinic into a temporary SQLite database, serve it, and yield the server's base URL.

    `variables` are more environment variables of the server. With EMPTY="1", it serves an empty clinic.
    """
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/demo.sqlite3"
        environment = os.environ | {"DEPLOYMENT": "local", "DATABASE_URL": database} | variables
        subprocess.run([PROJECT / "bin" / "collect-static"], check=True, env=environment, stdout=subprocess.DEVNULL)
        manage = [sys.executable, str(PROJECT / "manage.py"), "prepare_local"]
        subprocess.run(manage, check=True, env=environment, stdout=subprocess.DEVNULL)
        address = f"127.0.0.1:{_free_port()}"
        gunicorn = [sys.executable, "-m", "gunicorn", "iopmanager.wsgi", "--bind", address, "--threads", "4"]
        quiet = ["--no-control-socket", "--log-level", "error"]
        server = subprocess.Popen([*gunicorn, *quiet], cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL)
        try:
            _wait_until_served(f"http://{address}")
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait()


def _free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        port: int = any_port.getsockname()[1]
        return port


def _wait_until_served(base: str) -> None:
    without_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end:
        try:
            without_proxy.open(f"{base}/accounts/login/", timeout=30).close()
        except (URLError, TimeoutError):
            time.sleep(0.5)
        else:
            return
    raise TimeoutError(f"the server did not answer within {STARTS_WITHIN} s")
