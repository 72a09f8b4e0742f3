"""The two languages. Texts are English in code and templates; `locale/*.po` translate them and are
read when the process starts, so that nothing has to be compiled before."""

from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po

LANGUAGES = {"en": "English", "de": "Deutsch"}
DEFAULT = "en"


class Catalogue:
    """What Jinja's i18n extension and Python code translate with."""

    def __init__(self, texts: dict[str, str], plurals: dict[str, tuple[str, ...]]) -> None:
        self.texts, self.plurals = texts, plurals

    def gettext(self, text: str) -> str:
        return self.texts.get(text) or text

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Both languages tell one from all else."""
        forms = self.plurals.get(singular, (singular, plural))
        return forms[0 if number == 1 else 1]


@cache
def catalogue(language: str) -> Catalogue:
    if language == DEFAULT:
        return Catalogue({}, {})
    texts: dict[str, str] = {}
    plurals: dict[str, tuple[str, ...]] = {}
    with (files("gridroam.console") / "locale" / f"{language}.po").open("rb") as file:
        for message in read_po(file, locale=language):
            if isinstance(message.id, str):
                texts[message.id] = str(message.string)
            elif isinstance(message.string, tuple):
                plurals[message.id[0]] = message.string
    return Catalogue(texts, plurals)


def gettext_noop(text: str) -> str:
    """Marks a text that is translated where it is shown."""
    return text
