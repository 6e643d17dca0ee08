"""The command line that all benchmarks share."""

from argparse import ArgumentParser


def parse_tiny(doc: str | None) -> bool:
    """Parse the command line of a benchmark with this docstring; return whether it was called with `--tiny`."""
    parser = ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument(
        "--tiny", action="store_true", help="run in seconds, to see that the benchmark works; the figures mean nothing"
    )
    return bool(parser.parse_args().tiny)
