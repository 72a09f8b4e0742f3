"""docs/settings.md is what the settings say."""

from pathlib import Path

import pytest

from gridroam.errors import InvalidInputError
from gridroam.settings import RelaySettings
from gridroam.settings_page import page

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_page__is_made_of_the_settings() -> None:
    assert PAGE.read_text() == page(), "run: gridroam settings > docs/settings.md"


def test_page__explains_every_setting() -> None:
    rows = [line.split(" | ") for line in page().splitlines() if line.startswith("| `")]
    assert all(len(row) == 3 and len(row[2]) > 10 for row in rows)
    assert {row[0].strip("| `") for row in rows} >= RelaySettings.model_fields.keys()


def test_file__gives_what_neither_options_nor_the_environment_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "relay.toml"
    file.write_text('ledger = "0x1"\nport = 1\nin_flight = 2\ncors_origins = ["https://a"]\n')
    monkeypatch.setenv("GRIDROAM_IN_FLIGHT", "3")
    monkeypatch.setenv("GRIDROAM_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    read = RelaySettings.read(file, port=5)
    assert (read.ledger, read.port, read.in_flight) == ("0x1", 5, 3)
    assert read.cors_origins == ["https://a"]
    assert read.trusted_proxies == ["10.0.0.0/8", "::1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("porte = 1", "there is no setting porte"),
        ("port = ", "is no TOML"),
        ('port = "x"\nledger = "0x1"', "port"),
    ],
)
def test_file__that_is_wrong__is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "relay.toml"
    file.write_text(text)
    with pytest.raises(InvalidInputError, match=said):
        RelaySettings.read(file)
