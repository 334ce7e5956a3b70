"""The file of an import: separators, headings, and all that is wrong with its lines."""

import os
import threading
from pathlib import Path

import pytest

from readwatch.cli.user.import_file import ImportFile, read_import_file
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.users import UserRole


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def read(file: Path, text: str) -> ImportFile:
    file.write_text(text, encoding="utf-8", newline="")
    return read_import_file(file)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_the_one_of_the_first_line(file: Path, separator: str, end: str) -> None:
    rows = (("email", "name", "role", ""), ("eve@example.org", "Eve", "ADMIN", ""))
    contents = read(file, end.join(separator.join(row) for row in rows))
    (eve,) = contents.lines
    assert (eve.email, eve.full_name, eve.user_role) == ("eve@example.org", "Eve", UserRole.ADMIN)
    assert (eve.password, eve.reading_level, eve.language, eve.timezone) == (None,) * 4


@pytest.mark.parametrize(
    "headings",
    [
        "E-Mail,Name,Role,Reading Level,Time Zone",
        '" email ","NAME","role","reading-level","time_zone"',
        "\ufeffEMAIL,name,ROLE,readinglevel,timezone",
    ],
)
def test_headings_are_recognised_however_they_are_written(file: Path, headings: str) -> None:
    contents = read(file, f"{headings}\neve@example.org,Eve,reader,B1,Europe/Vienna\n")
    (eve,) = contents.lines
    assert (eve.reading_level, eve.timezone) == ("B1", "Europe/Vienna")
    assert contents.notes == ()


def test_lines_without_values_are_skipped_and_the_numbers_are_those_of_the_file(file: Path) -> None:
    text = 'email,name,role\n\n,,\n"eve@example.org","Eve\nEllis",reader\nfinn,Finn,reader\n'
    contents = read(file, text)
    assert [line.full_name for line in contents.lines] == ["Eve Ellis"]
    assert [problem.number for problem in contents.problems] == [6]


def test_what_is_wrong_before_a_line_that_is_no_csv_is_named_too(file: Path) -> None:
    contents = read(file, 'email,name,role\nno address,Eve,reader\n"a"b,Finn,reader\nx,y,z\n')
    assert [(problem.number, problem.column) for problem in contents.problems] == [
        (2, "email"),
        (3, None),
    ]
    assert "the lines after it were not read" in contents.problems[-1].message


def test_the_rule_for_a_password_is_that_of_the_role(file: Path) -> None:
    lines = "".join(f"{role}@example.org,Eve,{role},9 letters\n" for role in UserRole)
    contents = read(file, f"email,name,role,password\n{lines}")
    assert [str(problem).partition(" has")[0] for problem in contents.problems] == [
        "line 3, column password: the password of a consultant",
        "line 4, column password: the password of an admin",
    ]


def test_a_file_can_be_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = "email;name;role\neve@example.org;Eve;reader\n"
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    assert len(read_import_file(pipe).lines) == 1
    writer.join()


@pytest.mark.parametrize("text", ["", "\n\n", "x,y,z\n"])
def test_a_file_without_the_columns_is_refused(file: Path, text: str) -> None:
    with pytest.raises(ReadwatchError, match="has no column 'email'"):
        read(file, text)


def test_a_reader_can_be_in_several_groups_and_others_in_none(file: Path) -> None:
    contents = read(
        file,
        "email,name,role,group\n"
        "eve@example.org,Eve,reader,4b | Reading  club|4B\n"
        "finn@example.org,Finn,reader,\n"
        "gus@example.org,Gus,consultant,4b\n"
        "hal@example.org,Hal,reader,4b|\n",
    )
    assert [line.groups for line in contents.lines] == [("4B", "Reading club"), None]
    assert [str(problem) for problem in contents.problems] == [
        "line 4, column group: only readers are in groups; limit a consultant to one with readwatch"
        " group assign",
        "line 5, column group: the name of a group must not be empty",
    ]
