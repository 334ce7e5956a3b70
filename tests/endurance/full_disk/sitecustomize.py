"""A disk for SQLite that is full while a certain file exists.

Every Python with this folder on its PYTHONPATH imports this module at its start, so the server
needs no change. Unlike a small file system, it works on every machine and without root.
"""

import os

import apsw

IS_FULL = os.environ["READWATCH_TEST_DISK_IS_FULL"]
REAL = apsw.vfs_names()[0]


class _Disk(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("full disk", base=REAL, makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(REAL, name, flags)


class _File(apsw.VFSFile):
    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if os.path.exists(IS_FULL):
            raise apsw.FullError
        super().xWrite(data, offset)


disk = _Disk()
