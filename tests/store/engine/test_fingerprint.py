"""The name of a database in the names of files."""

from pathlib import Path

from readwatch.store.engine.fingerprint import url_fingerprint


def test_a_file_has_one_name_by_whatever_path_it_is_reached(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    paths = [folder / "a.db", folder / ".." / "data" / "a.db", tmp_path / "link" / "a.db"]
    assert len({url_fingerprint(f"sqlite:///{path}") for path in paths}) == 1
    assert url_fingerprint(f"sqlite:///{folder / 'b.db'}") != url_fingerprint(
        f"sqlite:///{paths[0]}"
    )


def test_a_server_has_one_name_whoever_logs_in() -> None:
    urls = ["postgresql://cara:secret@host:5432/readwatch", "postgresql://dora@host:5432/readwatch"]
    assert len(set(map(url_fingerprint, urls))) == 1
    assert url_fingerprint(urls[0], 1) != url_fingerprint(urls[0], 2)
