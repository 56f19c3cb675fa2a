"""Runs the command line as a module."""

from harness.cli.app import main

main()
