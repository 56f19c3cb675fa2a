"""Runs the command line from a checkout: python cli.py audit …"""

from harness.cli.app import main

if __name__ == "__main__":
    main()
