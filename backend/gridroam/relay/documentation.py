"""What /docs and /openapi.json say beyond the shapes: prose, examples, problem documents."""

from typing import Any

from eth_utils.crypto import keccak
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gridroam.messages import Domain, EnergyReport, Message, OpenSession, sign
from gridroam.relay.problems import KINDS, MEDIA_TYPE
from gridroam.relay.schemas import AnswersOut, MessagesIn, ProblemOut, message_json

HOME = "Gridroam relay. Its API is described at /docs, its state at /v1/status.\n"

DESCRIPTION = """
Takes signed messages of charging stations and brings them to the ledger. The relay can forge
nothing: a message is EIP-712 typed data with the station's signature, and the ledger decides.

A message is answered when it is durably stored. Then it is `stored`, later `sent` in a
transaction, and finally `cleared` (an opening), `settled` (a report) or `rejected` with the
ledger's reason. What the ledger would reject is `refused` at once and not stored. **Send again
whatever was not answered**: a message settles once, however often it is sent.

Every error is a problem document (RFC 9457, `application/problem+json`) with a stable `code`, a
`detail` (what is wrong), a `hint` (what to do) and, where there is one, the `field`.
"""


def _problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Responses of these problems, by HTTP status."""
    by_status: dict[int | str, list[str]] = {}
    for code in codes:
        by_status.setdefault(KINDS[code].status, []).append(f"`{code}`: {KINDS[code].title}.")
    schema = {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}
    return {
        status: {"description": "\n\n".join(texts), "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, texts in by_status.items()
    }


_STORED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Every message is final.", "model": AnswersOut},
    202: {"description": "All are stored; some are under way."},
}
SEND = _STORED | _problems(
    *(code for code in KINDS if code not in ("not-found", "unknown-message", "not-ready"))
)
ASK = _problems("unknown-message", "wrong-format", "out-of-range", "store-failing")
READY = _problems("not-ready")
SEND_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/MessagesIn"}}},
    }
}


def complete(app: FastAPI, domain: Domain) -> None:
    """Adds to the OpenAPI document what FastAPI cannot see: the body of a delivery and problems."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for model in (MessagesIn, ProblemOut):
                shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas |= shape.pop("$defs", {}) | {model.__name__: shape}
            body = document["paths"]["/v1/messages"]["post"]["requestBody"]
            body["content"]["application/json"]["examples"] = _examples(domain)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _examples(domain: Domain) -> dict[str, Any]:
    key = keccak(text="an example key")
    opening = OpenSession(1, 1, keccak(text="an example vehicle"), 1_764_000_000, 120_000, 3_000)
    report = EnergyReport(
        1, 1, 1, 1_764_001_200, 127_300, 3_000, last=True, boundaries=((125_500, 3_000),)
    )

    def request(*messages: Message) -> dict[str, Any]:
        return {
            "domain": {"chainId": domain.chain_id, "verifyingContract": domain.ledger},
            "messages": [message_json(sign(domain, message, key)) for message in messages],
        }

    return {
        "opening": {"summary": "A vehicle plugged in", "value": request(opening)},
        "session": {"summary": "A whole session at once", "value": request(opening, report)},
    }
