"""`readwatch demo`: the service and the console with simulated readers."""

import sys

import click

from readwatch.cli.examples import examples
from readwatch.cli.option_types import Number, WholeNumber


@click.command(epilog=examples("readwatch demo --readers 50"))
@click.option(
    "--readers",
    type=WholeNumber(1, 5000),
    default=200,
    show_default=True,
    help="Number of simulated readers.",
)
@click.option("--plain", is_flag=True, help="Print the lists as text, even on a terminal.")
@click.option(
    "--seconds",
    type=Number(1, 86400),
    default=10,
    show_default=True,
    help="How long to print text.",
)
def command(*, readers: int, plain: bool, seconds: float) -> None:
    """Try everything: simulated readers post over HTTP, and the console shows them.

    The demo uses a temporary database and deletes it at the end.
    """
    from readwatch.demo.run import run

    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    run(readers=readers, seconds=seconds, plain=plain or not is_terminal)
