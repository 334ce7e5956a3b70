"""The settings: a file that is refused, a password that others can read, names and values."""

from pathlib import Path

from readwatch.cli.diagnosis.settings import file_findings, secret_findings, value_findings
from readwatch.domain.findings import Severity


def test_a_settings_file_that_is_refused_is_an_error_and_a_missing_one_is_fine(
    tmp_path: Path,
) -> None:
    file = tmp_path / "readwatch.toml"
    assert list(file_findings(file, None)) == []
    file.touch()
    assert [each.severity for each in file_findings(file, None)] == [Severity.OK]
    assert [each.text for each in file_findings(file, "it is wrong")] == ["it is wrong"]


def test_a_password_in_a_file_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "readwatch.toml"
    assert list(secret_findings(file, has_password=True)) == []
    file.touch()
    file.chmod(0o644)
    assert list(secret_findings(file, has_password=False)) == []
    [finding] = secret_findings(file, has_password=True)
    assert finding.severity is Severity.WARNING
    assert finding.repair
    finding.repair()
    assert list(secret_findings(file, has_password=True)) == []


UNSET = dict.fromkeys(
    (
        "archive_older_than",
        "archive_folder",
        "purge_access_log_older_than",
        "access_log_copies",
    )
)


def test_wrong_values_are_errors_and_misspelt_names_warnings() -> None:
    assert [each.severity for each in value_findings((), (), UNSET)] == [Severity.OK]
    wrong = value_findings(("READWATCH_PORT: no",), ("READWATCH_PROT is not a setting",), UNSET)
    assert [each.severity for each in wrong] == [Severity.ERROR, Severity.WARNING]


def test_an_age_without_a_folder_is_an_error() -> None:
    for age, folder in (
        ("archive_older_than", "archive_folder"),
        ("purge_access_log_older_than", "access_log_copies"),
    ):
        [finding] = value_findings((), (), {**UNSET, age: "1y"})
        assert finding.severity is Severity.ERROR
        assert finding.text.startswith(f"{age} is set and {folder} is not")
        both = value_findings((), (), {**UNSET, age: "1y", folder: "there"})
        assert [each.severity for each in both] == [Severity.OK]
