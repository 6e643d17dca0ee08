"""What stands behind `make`: the port, the lock files, the files that pages take from packages."""

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def port_is_free(port: object) -> subprocess.CompletedProcess[str]:
    command = [str(PROJECT / "bin" / "port-is-free"), "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_taken_port_is_told_in_one_sentence_that_says_what_to_do(taken_port: int) -> None:
    told = port_is_free(taken_port)
    assert told.returncode == 1
    assert told.stderr.startswith(f"Port {taken_port} is taken by another program; choose another one")
    assert told.stderr.count("\n") == 1


def test_a_free_port_is_passed_over_in_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    told = port_is_free(port)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "8000; true", "099999"])
def test_what_is_no_port_is_refused(port: str) -> None:
    told = port_is_free(port)
    assert told.returncode == 1
    assert told.stderr == "PORT is a number from 1 to 65535, for example: make run PORT=8000\n"


def test_the_lock_of_the_python_packages_names_the_public_index_alone() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (PROJECT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_the_lock_of_the_pages_packages_names_no_registry() -> None:
    assert '"resolved"' not in (PROJECT / "package-lock.json").read_text()


def test_no_served_file_refers_to_a_source_map_that_is_not_there() -> None:
    served = [*(PROJECT / "var" / "vendor").rglob("*.css"), *(PROJECT / "var" / "vendor").rglob("*.js")]
    assert {path.name for path in served} == {
        "bootstrap.min.css",
        "bootstrap.bundle.min.js",
        "bootstrap-icons.min.css",
        "fullcalendar.js",
        "skeleton.css",
        "theme.css",
        "theme.js",
    }
    assert [path.name for path in served if "sourceMappingURL" in path.read_text()] == []
