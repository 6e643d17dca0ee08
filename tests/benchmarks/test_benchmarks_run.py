"""Each benchmark runs at its tiny size. If a change to the product breaks a benchmark, a test fails."""

import subprocess
import sys

import pytest

from tests.paths import PROJECT


def run_tiny(name: str) -> str:
    """Run the benchmark at its tiny size in a separate process, and return what the benchmark prints."""
    command = [sys.executable, "-m", f"bench.{name}", "--tiny"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("calendar_import", "ratio to the libraries alone"),
        ("day", "what needs attention, on its own"),
        ("fit", "times as fast as CP-SAT on one thread"),
        ("import_clinic", "the same rows once more"),
    ],
)
def test_a_benchmark_runs_to_its_end(name: str, reported: str) -> None:
    assert reported in run_tiny(name)


@pytest.mark.usefixtures("postgres_only")
def test_the_postgresql_benchmark_runs_to_its_end() -> None:
    assert "COPY of the same rows" in run_tiny("horizon")
