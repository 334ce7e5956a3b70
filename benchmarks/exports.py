"""The time and the memory of exports and of the weekly report over a long history.

python benchmarks/exports.py [--activities 1000000] [--postgresql]

A thousand readers have an activity each every 20 minutes, until now. Each command runs in a
separate process. The peak memory of an export must not depend on the number of rows: compare it
with that of an export without rows, `--until 2000-01-01`.
"""

import re
from datetime import timedelta
from pathlib import Path

from rig import databases
from rig.commands import called
from rig.history import make_history
from rig.processes import MIB
from rig.readers import administrator, emails
from rig.report import Column, Row, parser, progress, publish

from readwatch.domain.clock import system_clock

COLUMNS = (
    Column("command", "readwatch"),
    Column("seconds", "s", ",.1f"),
    Column("cpu_seconds", "cpu s", ",.1f"),
    Column("rows", "rows", ",d"),
    Column("rows_per_second", "rows/s", ",.0f"),
    Column("peak_mib", "peak MiB", ",.0f"),
    Column("file_mib", "file MiB", ",.1f"),
    Column("code", "exit code"),
)


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument(
        "--activities", type=int, default=1_000_000, help="length of the history (1000000)"
    )
    databases.add_options(options)
    settings = options.parse_args()
    now = system_clock()
    a_day_ago = (now - timedelta(days=1)).isoformat()
    with databases.temporary_folder() as folder, databases.chosen(settings, folder) as url:
        make_history(url, settings.activities, now)
        administrator(url)
        calls: tuple[tuple[str, ...], ...] = (
            ("export", "activities", "--since", a_day_ago),
            ("export", "activities"),
            ("export", "activities", "--format", "jsonl"),
            ("export", "activities", "--until", "2000-01-01"),
            ("export", "activities", "--reader", emails(1)[0]),
            ("export", "sessions"),
            ("export", "readers"),
            ("report", "week"),
            ("report", "week", "--week", now.astimezone().date().isoformat()),
        )
        rows = [_called(url, folder, call) for call in calls]
        rows.append(_figures(url, ("stats", "--json"), None))
    publish(settings, COLUMNS, rows)


def _called(url: str, folder: Path, call: tuple[str, ...]) -> Row:
    """Run a command that writes a file; return its figures, and delete the file."""
    file = folder / ("report.html" if call[0] == "report" else "export")
    try:
        return _figures(url, call, file)
    finally:
        file.unlink(missing_ok=True)


def _figures(url: str, call: tuple[str, ...], file: Path | None) -> Row:
    name = " ".join(re.sub(r"T.*", "", argument) for argument in call)
    progress(f"{name} ...")
    done = called(url, *call, *(() if file is None else ("--output", file)))
    wrote = re.match(r"wrote ([\d,]+) ", done.output)
    rows = int(wrote[1].replace(",", "")) if wrote else None
    return {
        "command": name,
        "seconds": done.seconds,
        "cpu_seconds": done.cpu_seconds,
        "rows": rows,
        "rows_per_second": None if rows is None else rows / done.seconds,
        "peak_mib": done.peak_bytes / MIB,
        "file_mib": None if file is None else file.stat().st_size / MIB,
        "code": done.code,
    }


if __name__ == "__main__":
    main()
