"""/docs: whole, without scripts or anything from elsewhere, and with vectors that are right."""

import json
import re
from html import unescape

import pytest
from eth_account import Account
from serving import http

from gridroam.messages import Domain
from gridroam.relay import documentation

pytestmark = pytest.mark.chain

DOMAIN = Domain(31337, "0x" + 40 * "a")


def test_page__has_every_operation_and_shape_and_nothing_from_elsewhere(relay_url: str) -> None:
    reply = http.get(f"{relay_url}/docs")
    document = http.get(f"{relay_url}/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f'<b class="{method}">{method.upper()}</b> {path}</h2>' in reply.text
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in reply.text
    targets = set(re.findall(r'href="#([^"]+)"', reply.text))
    assert targets <= set(re.findall(r'id="([^"]+)"', reply.text))
    assert "<script" not in reply.text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', reply.text)
    assert reply.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha")


def test_document__names_no_problem_without_telling_what_to_do(relay_url: str) -> None:
    document = http.get(f"{relay_url}/openapi.json").json()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)
                    assert answer["description"].startswith("`"), (path, status)
                if status in ("429", "503"):
                    assert "Retry-After" in answer["headers"]


def test_vectors__are_what_another_library_signs() -> None:
    text = documentation._description(DOMAIN)
    typed = json.loads(text.partition("```json\n")[2].partition("```")[0])
    key = unescape(re.findall(r"with the key `(0x[0-9a-f]{64})`", text)[0])
    signed = Account.sign_typed_data(key, full_message=typed)
    assert f"Its digest is `0x{signed.message_hash.hex()}`" in text
    assert "0x" + signed.signature.hex() in text
    assert typed["domain"]["verifyingContract"] == DOMAIN.ledger
