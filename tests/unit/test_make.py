"""What `make` relies on: the port check, lock files, and files copied from packages. Also tests `make run` itself."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.paths import PROJECT

PATIENCE = 60  # seconds; only a process that never ends takes this long, even on a busy machine


def port_is_free(port: object) -> subprocess.CompletedProcess[str]:
    command = [str(PROJECT / "bin" / "port-is-free"), "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_taken_port_is_reported_in_one_sentence_that_says_what_to_do(taken_port: int) -> None:
    result = port_is_free(taken_port)
    assert result.returncode == 1
    assert result.stderr.startswith(f"Port {taken_port} is taken by another program; choose another one")
    assert result.stderr.count("\n") == 1


def test_a_free_port_is_accepted_without_a_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    result = port_is_free(port)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "8000; true", "099999"])
def test_an_invalid_port_is_refused(port: str) -> None:
    result = port_is_free(port)
    assert result.returncode == 1
    assert result.stderr == "PORT is a number from 1 to 65535, for example: make run PORT=8000\n"


def test_the_lock_file_of_the_python_packages_names_only_the_public_index() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (PROJECT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_the_lock_file_of_the_npm_packages_names_no_registry() -> None:
    assert '"resolved"' not in (PROJECT / "package-lock.json").read_text()


def test_no_served_file_refers_to_a_missing_source_map() -> None:
    served = [*(PROJECT / "var" / "vendor").rglob("*.css"), *(PROJECT / "var" / "vendor").rglob("*.js")]
    assert {path.name for path in served} == {
        "bootstrap.min.css",
        "fullcalendar.js",
        "skeleton.css",
        "theme.css",
        "theme.js",
    }
    assert [path.name for path in served if "sourceMappingURL" in path.read_text()] == []


PROGRAM = """#!/usr/bin/env bash
# Stands in for {name}: writes down its process id and runs until it gets SIGTERM.
trap 'echo {name} >>ended; exit {status}' TERM
echo $$ >{name}.pid
while :; do sleep 0.05; done
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder in which `make run` starts fake programs instead of the server, the scheduler and the background worker."""
    for name in ("bin", ".venv/bin"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(PROJECT / "Makefile", tmp_path)
    shutil.copy(PROJECT / "bin" / "serve", tmp_path / "bin")
    empty_script = "#!/usr/bin/env bash\n"
    python = (
        '#!/usr/bin/env bash\n[ "$2" != run_jobs ] || exec bin/scheduler\n[ "$2" != db_worker ] || exec bin/worker\n'
    )
    for path, text in {
        "bin/port-is-free": empty_script,
        "bin/set-up": empty_script,
        "bin/collect-static": empty_script,
        ".venv/bin/python": python,
        "bin/scheduler": PROGRAM.format(name="scheduler", status=0),
        "bin/worker": PROGRAM.format(name="worker", status=0),
        ".venv/bin/gunicorn": PROGRAM.format(name="server", status=7),
    }.items():
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o755)
    return tmp_path


Serving = subprocess.Popen[bytes]


def is_written(path: Path) -> Callable[[], bool]:
    return lambda: path.exists() and path.read_text().endswith("\n")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"this did not happen within {PATIENCE} seconds"
        time.sleep(0.02)


def is_alive(group: int) -> bool:
    """Return whether at least one process of the process group is still running."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def serving(checkout: Path) -> Iterator[Serving]:
    """Start `make run` in its own process group, as a terminal does. Wait until all three processes have started."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    process = subprocess.Popen(["make", "run"], cwd=checkout, env=environment, start_new_session=True)
    try:
        for name in ("server.pid", "scheduler.pid", "worker.pid"):
            wait_until(is_written(checkout / name))
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ended(checkout: Path) -> list[str]:
    return sorted((checkout / "ended").read_text().split())


def terminate_make(serving: Serving) -> None:
    serving.terminate()


def terminate_the_group(serving: Serving) -> None:
    os.killpg(serving.pid, signal.SIGTERM)


def press_ctrl_c(serving: Serving) -> None:
    os.killpg(serving.pid, signal.SIGINT)


def press_ctrl_c_again_and_again(serving: Serving) -> None:
    for _ in range(3):
        if is_alive(serving.pid):
            os.killpg(serving.pid, signal.SIGINT)
        time.sleep(0.02)


@pytest.mark.parametrize("stop", [terminate_make, terminate_the_group, press_ctrl_c, press_ctrl_c_again_and_again])
def test_stopping_make_run_ends_server_scheduler_and_worker_and_leaves_no_process(
    checkout: Path, serving: Serving, stop: Callable[[Serving], None]
) -> None:
    stop(serving)
    serving.wait(timeout=PATIENCE)
    wait_until(lambda: not is_alive(serving.pid))
    assert set(ended(checkout)) == {"scheduler", "server", "worker"}


def test_a_server_that_ends_stops_scheduler_and_worker_and_reports_a_failure(checkout: Path, serving: Serving) -> None:
    os.kill(int((checkout / "server.pid").read_text()), signal.SIGTERM)
    assert serving.wait(timeout=PATIENCE) == 2, "make's own status for a recipe that failed"
    assert not is_alive(serving.pid)
    assert ended(checkout) == ["scheduler", "server", "worker"]


@pytest.mark.parametrize(("killed", "goes_on"), [("scheduler", "worker"), ("worker", "scheduler")])
def test_the_server_keeps_running_when_one_of_the_others_ends(
    checkout: Path, serving: Serving, killed: str, goes_on: str
) -> None:
    os.kill(int((checkout / f"{killed}.pid").read_text()), signal.SIGKILL)
    time.sleep(0.3)
    assert serving.poll() is None
    serving.terminate()
    serving.wait(timeout=PATIENCE)
    assert ended(checkout) == sorted([goes_on, "server"])
