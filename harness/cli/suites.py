"""harness suites."""

from __future__ import annotations

from harness.cli.printing import say


def suites() -> None:
    """List the built-in suites."""
    from harness.spec.loading import built_in_suites, load_suite

    for name in built_in_suites():
        suite = load_suite(name).suite
        say(f"{name:42} {suite.title.get('en', ''):28} {len(suite.checks)} checks, {len(suite.policy)} rules")
