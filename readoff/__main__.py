"""``python -m readoff``: the command line."""

from readoff.cli import main

main()
