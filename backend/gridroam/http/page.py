"""The OpenAPI document as a page for people: one file, no script, nothing from elsewhere, so that
whoever may read the API may read its documentation, also where there is no way out.
"""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from markupsafe import Markup, escape

_HERE = Path(__file__).parent
_STYLE = (_HERE / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'"
_METHODS = ("get", "post", "put", "patch", "delete")


def serve(app: FastAPI) -> None:
    """At /docs, in place of FastAPI's own, which takes scripts from somebody else's server. The app
    is made with `docs_url=None`."""

    async def docs(request: Request) -> HTMLResponse:
        page = render(app.openapi(), str(request.base_url).rstrip("/"))
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})

    app.add_api_route("/docs", docs, include_in_schema=False)


def render(document: dict[str, Any], base: str) -> str:
    """`base` is the service's address, for the examples."""
    operations = [
        _Operation(path, method, one).members
        for path, methods in document["paths"].items()
        for method, one in methods.items()
        if method in _METHODS
    ]
    return _TEMPLATE.render(
        document=document,
        operations=operations,
        schemas=document.get("components", {}).get("schemas", {}),
        style=Markup(_STYLE),  # noqa: S704  ours
        base=base,
    )


class _Operation:
    def __init__(self, path: str, method: str, given: dict[str, Any]) -> None:
        body = given.get("requestBody", {}).get("content", {}).get("application/json")
        self.members = given | {
            "path": path,
            "method": method,
            "id": method + re.sub(r"\W+", "-", path).rstrip("-"),
            "body": body,
        }


def _prose(text: str | None) -> Markup:
    """Paragraphs, lists, `code`, **weight** and fenced blocks: the Markdown that our texts use."""
    parts = re.split(r"```\w*\n(.*?)```", (text or "").strip(), flags=re.DOTALL)
    found = [
        Markup("<pre>{}</pre>").format(part) if number % 2 else _paragraphs(part)
        for number, part in enumerate(parts)
    ]
    return Markup("").join(found)


def _paragraphs(text: str) -> Markup:
    return Markup("").join(
        _paragraph(one.strip()) for one in re.split(r"\n\s*\n", text) if one.strip()
    )


def _paragraph(text: str) -> Markup:
    if text.startswith("## "):
        return Markup("<h2>{}</h2>").format(text[3:])
    if text.startswith("- "):
        items = [
            Markup("<li>{}</li>").format(_inline(item))
            for item in re.split(r"(?:^|\n)- ", text)[1:]
        ]
        return Markup("<ul>{}</ul>").format(Markup("").join(items))
    return Markup("<p>{}</p>").format(_inline(text))


def _inline(text: str) -> Markup:
    safe = str(escape(text))
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    safe = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", safe)
    return Markup(safe)  # noqa: S704  escaped above


def _shape(schema: dict[str, Any] | None) -> Markup:
    """A type in a few words, with links to the shapes."""
    if not schema:
        return Markup("anything")
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#{0}">{0}</a>').format(name)
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return Markup(" or ").join(_shape(one) for one in schema[word])
    if schema.get("type") == "array":
        return Markup("list of {}").format(_shape(schema.get("items")))
    if "const" in schema:
        return Markup("<code>{}</code>").format(schema["const"])
    return _words(schema)


def _words(schema: dict[str, Any]) -> Markup:
    words = [str(schema.get("type", "anything"))]
    least, below, most = (schema.get(n) for n in ("minimum", "exclusiveMaximum", "maximum"))
    if least is not None:
        words.append(f"from {least}")
    if most is not None:
        words.append(f"to {most}")
    if below is not None:
        words.append(
            f"below {below}" if below & (below - 1) else f"below 2^{below.bit_length() - 1}"
        )
    found = escape(" ".join(words))
    if "pattern" in schema:
        found += Markup(", <code>{}</code>").format(schema["pattern"])
    if schema.get("default") not in (None, [], ""):
        found += Markup(", else <code>{}</code>").format(json.dumps(schema["default"]))
    return found


def _curl(operation: dict[str, Any], base: str) -> str:
    path = operation["path"].replace("{digest}", "0x" + 64 * "0")
    if operation["method"] == "get":
        return f"curl -i '{base}{path}'"
    return (
        f"curl -i '{base}{path}?wait=5' \\\n"
        "  -H 'Content-Type: application/json' --data-binary @messages.json"
    )


_ENVIRONMENT = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
_ENVIRONMENT.filters |= {
    "curl": _curl,
    "pretty": lambda value: json.dumps(value, indent=2),
    "prose": _prose,
    "shape": _shape,
}
_TEMPLATE = _ENVIRONMENT.from_string((_HERE / "page.html").read_text(encoding="utf-8"))
