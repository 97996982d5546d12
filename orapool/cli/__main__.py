"""`python -m orapool.cli` is the `orapool` command."""

from orapool.cli import main

main(prog_name="orapool")
