"""The findings as a page for a person: a line for each, and below it the fix."""

import sys
import textwrap
from collections.abc import Iterator, Sequence

from readwatch.cli.diagnosis.sections import Section, all_findings
from readwatch.domain.findings import Finding, Severity
from readwatch.domain.plural import counted
from readwatch.domain.text import clean

_LENGTH = 2000  # of a sentence
_NO_TERMINAL_WIDTH = 10_000
_SYMBOLS = {Severity.OK: "✓", Severity.WARNING: "!", Severity.ERROR: "✗"}
_ASCII = {"✓": "+", "✗": "X", "→": "->"}
_STYLES = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.ERROR: "red"}


def print_page(headline: str, sections: Sequence[Section], repaired: Sequence[Finding]) -> None:
    """Print the findings in their sections, after those about what `--fix` did."""
    from rich.console import Console
    from rich.text import Text

    on_terminal = sys.stdout.isatty()
    console = Console(width=None if on_terminal else _NO_TERMINAL_WIDTH, highlight=False)
    width = console.width if on_terminal else _NO_TERMINAL_WIDTH
    console.print(Text(clean(headline, limit=_LENGTH), style="bold"), soft_wrap=True)
    of_fix = [("With --fix", list(repaired))] if repaired else []
    for title, findings in filter(all, (*of_fix, *sections)):
        console.print()
        console.print(Text(title, style="bold"))
        for finding in findings:
            for style, line in _lines(finding, width):
                console.print(Text.assemble((line[:4], style), line[4:]), soft_wrap=True)
    console.print()
    console.print(Text(summary(list(all_findings(sections)))))


def _lines(finding: Finding, width: int) -> Iterator[tuple[str, str]]:
    """Yield the lines of a finding, each with the style of its first four columns."""
    style = _STYLES[finding.severity]
    symbol = _writable(_SYMBOLS[finding.severity])
    for line in _wrapped(finding.text, f"  {symbol} ", width):
        yield style, line
    if finding.fix is not None:
        for line in _wrapped(finding.fix, f"    {_writable('→')} ", width):
            yield "", line


def _wrapped(text: str, start: str, width: int) -> list[str]:
    return textwrap.wrap(
        clean(text, limit=_LENGTH),
        width,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _writable(symbol: str) -> str:
    """Return a symbol, or an ASCII one where the output has no others."""
    try:
        symbol.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return _ASCII[symbol]
    return symbol


def summary(findings: Sequence[Finding]) -> str:
    """Return the last line: how many errors and warnings there are, and what to do about them."""
    errors = sum(each.severity is Severity.ERROR for each in findings)
    warnings = sum(each.severity is Severity.WARNING for each in findings)
    repairs = sum(each.repair is not None for each in findings)
    if not errors + warnings:
        return "nothing found"
    parts = [
        *([counted(errors, "error")] if errors else []),
        *([counted(warnings, "warning")] if warnings else []),
    ]
    rest = f"; readwatch doctor --fix fixes {repairs} of them" if repairs else ""
    return f"{' and '.join(parts)}{rest}"
