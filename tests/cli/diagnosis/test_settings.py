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


def test_wrong_values_are_errors_and_misspelt_names_warnings() -> None:
    assert [each.severity for each in value_findings((), ())] == [Severity.OK]
    wrong = value_findings(("READWATCH_PORT: no",), ("READWATCH_PROT is not a setting",))
    assert [each.severity for each in wrong] == [Severity.ERROR, Severity.WARNING]
