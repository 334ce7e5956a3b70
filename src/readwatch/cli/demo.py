"""`readwatch demo`: all of it at once."""

import sys

import click

from readwatch.cli.faces import DemoCall, Faces


@click.command()
@click.option(
    "--readers",
    type=click.IntRange(1, 5000),
    default=200,
    show_default=True,
    help="How many readers are invented.",
)
@click.option("--plain", is_flag=True, help="Print the tables as text, also on a terminal.")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 86400),
    default=10,
    show_default=True,
    help="How long the plain form goes on.",
)
@click.pass_context
def command(context: click.Context, readers: int, plain: bool, seconds: float) -> None:
    """Try all of it: invented readers post over HTTP, and the console shows them.

    Everything lives in a throw-away database that is gone afterwards.
    """
    faces: Faces = context.obj
    plain = plain or not (sys.stdin.isatty() and sys.stdout.isatty())
    faces.demo(DemoCall(readers=readers, seconds=seconds, plain=plain))
