"""What /docs and /openapi.json say beyond the shapes: prose, examples, problem documents."""

import json
from typing import Any

from eth_utils.crypto import keccak
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gridroam import messages
from gridroam.http import stream
from gridroam.http.documentation import Responses, add_schemas, problems
from gridroam.http.problems import MEDIA_TYPE
from gridroam.messages import Domain, EnergyReport, Message, OpenSession, sign
from gridroam.relay.problems import KINDS
from gridroam.relay.schemas import AnswersOut, MessagesIn, RefusalOut, message_json

HOME = "Gridroam relay. Its API is described at /docs, its state at /v1/status.\n"

DESCRIPTION = """
Takes signed messages of charging stations and brings them to the ledger. The relay can forge
nothing: a message is EIP-712 typed data with the station's signature, and the ledger decides.

A message is answered when it is durably stored. Then it is `stored`, later `sent` in a
transaction, and then decided: `cleared` (an opening), `settled` (a report) or `rejected` with the
ledger's reason. Its `step` is `final` when its block cannot vanish any more. What the ledger would
reject is `refused` at once and not stored. **Send again whatever was not answered**: a message
settles once, however often it is sent.

Every error is a problem document (RFC 9457, `application/problem+json`) with a stable `code`, a
`detail` (what is wrong), a `hint` (what to do) and, where there is one, the `field`. Of an error
with status 429 or 503 nothing is wrong with the request: send it again, in order, after the seconds
of `Retry-After`.

## The first message

A vehicle plugs in: the station sends an opening and waits until it is cleared. While energy flows,
and at the end, it sends reports, each with both meter registers now and at every quarter hour
strictly since its last reading. Energy is in Wh, time in UTC seconds, and the registers are the
meter's own, cumulative ones. Session numbers of a station grow; reports of a session are 1, 2, 3.

1. Take `chainId` and `ledger` from `/v1/status`: they are the domain that the signature is for.

2. Sign the message as EIP-712 typed data with the station's key. This is the opening of the example
below, as a wallet library's `signTypedData` takes it:

```json
{typed_data}
```

Its digest is `{digest}`. Signed with the key `{key}` (the example's, of no station) it has to give

```
{signature}
```

If yours gives the same, your signatures are right. In a report's typed data `boundaries` is one
byte string: for each quarter hour the import and the export register, 6 bytes each, big-endian.

3. `POST` it to `/v1/messages?wait=5` and look at the answer's `status`: `cleared` lets energy flow.

4. Keep what was not answered on disk, and send it again, in order: the same message, not a new one.
"""


_STORED: Responses = {
    200: {"description": "Every message is decided or refused.", "model": AnswersOut},
    202: {"description": "All are stored; some are under way."},
}
_NOT_OF_A_DELIVERY = frozenset(
    {
        "malformed-http",
        "method-not-allowed",
        "missing-key",
        "no-more-connections",
        "not-found",
        "not-ready",
        "too-many-connections",
        "too-many-streams",
        "unknown-message",
        "wrong-cursor",
        "wrong-key",
    }
)
SEND = _STORED | problems(*(code for code in KINDS if code not in _NOT_OF_A_DELIVERY))
for _status in (403, 409, 422, 429):
    SEND[_status]["content"][MEDIA_TYPE]["schema"]["$ref"] = "#/components/schemas/RefusalOut"
ASK = problems("unknown-message", "wrong-type", "wrong-format", "out-of-range", "store-failing")
_OF_LISTS = ("missing-key", "wrong-key", "not-found", "wrong-type", "out-of-range", "wrong-cursor")
LIST = problems(*_OF_LISTS, "store-failing")
OUTCOMES = LIST
STREAM: Responses = problems(*_OF_LISTS, "too-many-streams", "store-failing") | {
    200: {
        "description": "Events, until the client or the relay ends it.",
        "content": {
            stream.MEDIA_TYPE: {
                "schema": {"type": "string"},
                "example": "id: b3V0Y29tZXM6Nzo5\nevent: cleared\n"
                'data: {"kind":"open","station":1,"session":4,"status":"cleared","block":812}\n\n',
            }
        },
    }
}
STATUS = problems("store-failing")
PLAIN: Responses = {}
READY = problems("not-ready")
METRICS = problems("missing-key", "wrong-key", "not-found")
OPERATOR = problems("missing-key", "wrong-key", "not-found", "store-failing")
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
                description=_description(domain),
                routes=app.routes,
            )
            add_schemas(document, MessagesIn, RefusalOut)
            body = document["paths"]["/v1/messages"]["post"]["requestBody"]
            body["content"]["application/json"]["examples"] = _examples(domain)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


_KEY = keccak(text="an example key")
_OPENING = OpenSession(1, 1, keccak(text="an example vehicle"), 1_764_000_000, 120_000, 3_000)
_REPORT = EnergyReport(
    1, 1, 1, 1_764_001_200, 127_300, 3_000, last=True, boundaries=((125_500, 3_000),)
)


def _description(domain: Domain) -> str:
    """With what a station's developer checks signatures by, for this very ledger."""
    found = {
        "typed_data": json.dumps(messages.typed_data(domain, _OPENING), indent=2),
        "digest": "0x" + messages.digest(domain, _OPENING).hex(),
        "key": "0x" + _KEY.hex(),
        "signature": "0x" + sign(domain, _OPENING, _KEY).signature.hex(),
    }
    text = DESCRIPTION
    for name, value in found.items():
        text = text.replace("{" + name + "}", value)
    return text


def _examples(domain: Domain) -> dict[str, Any]:
    def request(*signed: Message) -> dict[str, Any]:
        return {
            "domain": {"chainId": domain.chain_id, "verifyingContract": domain.ledger},
            "messages": [message_json(sign(domain, message, _KEY)) for message in signed],
        }

    return {
        "opening": {"summary": "A vehicle plugged in", "value": request(_OPENING)},
        "session": {"summary": "A whole session at once", "value": request(_OPENING, _REPORT)},
    }
