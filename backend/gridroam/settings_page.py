"""The page of all settings, made of `settings`, so that none can be missing or out of date."""

from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from gridroam import settings

_HEAD = """# Settings

Each can be set in the environment as `GRIDROAM_` and its name in capitals, or by its name in a TOML
file that `--config` names; many are options of a command, too. An option wins over the environment,
and that over the file. In the environment lists are written with commas. `gridroam settings` prints
this page.
"""

_SECTIONS: tuple[tuple[str, type[BaseSettings], type[BaseSettings] | None], ...] = (
    ("What the relay does", settings.RelaySettings, settings.HttpSettings),
    ("How it is served", settings.HttpSettings, None),
    ("Local chains", settings.LocalChainSettings, None),
)


def page() -> str:
    parts = [_HEAD]
    shown: set[type[BaseSettings]] = set()
    for title, kind, without in _SECTIONS:
        shown.add(kind)
        parts.append(_section(title, kind, without))
    parts += [_section(_title(kind), kind, None) for kind in _others(shown)]
    return "\n".join(parts)


def _others(shown: set[type[BaseSettings]]) -> list[type[BaseSettings]]:
    """Settings that another part of the project has added."""
    found = [kind for kind in vars(settings).values() if isinstance(kind, type)]
    ours = [kind for kind in found if kind.__module__ == settings.__name__]
    return [
        kind
        for kind in ours
        if issubclass(kind, BaseSettings)
        and kind not in shown
        and not kind.__name__.startswith("_")
    ]


def _title(kind: type[BaseSettings]) -> str:
    return (kind.__doc__ or kind.__name__).splitlines()[0].rstrip(".")


def _section(title: str, kind: type[BaseSettings], without: type[BaseSettings] | None) -> str:
    skipped = without.model_fields.keys() if without else ()
    rows = [
        f"| `{name}` | {_default(field)} | {_meaning(field)} |"
        for name, field in kind.model_fields.items()
        if name not in skipped
    ]
    return "\n".join([f"## {title}\n", "| Name | Default | Meaning |", "|---|---|---|", *rows, ""])


def _meaning(field: FieldInfo) -> str:
    return " ".join((field.description or "").split()).replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is PydanticUndefined:
        return "*needed*"
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        value = value.value
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
