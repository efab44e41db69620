"""docs/settings.md matches shared/settings.py."""

from pathlib import Path

from services.cli.settings_document import document
from shared.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), (
        "run: python -m services.cli.settings_document > docs/settings.md"
    )


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
