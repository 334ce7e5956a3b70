"""Programs that deploy/ is for: a test that needs one says so if it is not installed."""

import shutil

import pytest


def program(name: str, package: str | None = None) -> str:
    """Return the path of a program; without it the test is skipped, and names Debian's package."""
    path = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install {package or name}")
    return path
