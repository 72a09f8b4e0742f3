"""JSON-RPC for those who read a whole chain: many requests at once, within the node's limits.

What a node cannot take at once is asked in halves, what it cannot take now later; so it works with
any node, only slower. Lean enough to be started in every process: it needs no web3.
"""

import json
import time
from collections.abc import Sequence
from typing import Any

import requests
from pydantic_core import from_json
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError

from gridroam.chain import limits
from gridroam.chain.node import public
from gridroam.errors import ChainError, InvalidInputError, NodeUnreachableError

AT_ONCE = 100
"""Requests in one batch, at most."""
PATIENCE = 6
"""Attempts at what the node refuses for now; the pauses between them double."""
_PAUSE = 0.25
_LATER = (429, 502, 503, 504)
_TOO_LARGE = 413

Call = tuple[str, list[Any]]


class RefusedError(ChainError):
    """The node's answer to one request is an error; `error` is what it says."""

    code = "refused"

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        said = f"{error.get('message', error)} (code {error.get('code')})"
        super().__init__(f"The node does not answer {method}: {said}.")
        self.error = error

    @property
    def too_much(self) -> bool:
        return limits.too_much(self.error)


class Rpc:
    """One node. For one thread at a time."""

    def __init__(self, url: str, *, timeout: float = 60.0, at_once: int = AT_ONCE) -> None:
        if not url.startswith(("http://", "https://")):
            raise InvalidInputError(
                f"{public(url)} is no RPC address.", "It starts with http:// or https://."
            )
        self.url = url
        self._timeout = timeout
        self._at_once = at_once
        self._session = requests.Session()
        self._session.headers["Content-Type"] = "application/json"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=4))

    def one(self, method: str, *params: Any) -> Any:
        """The result; raises `RefusedError`."""
        return self.many([(method, list(params))])[0]

    def many(self, calls: Sequence[Call]) -> list[Any]:
        """The results in the order of the calls; raises `RefusedError` if one cannot be had."""
        results: list[Any] = []
        while len(results) < len(calls):
            some = calls[len(results) : len(results) + self._at_once]
            results += self._some(some)
        return results

    # ---------------------------------------------------------------------------------- Internal

    def _some(self, calls: Sequence[Call]) -> list[Any]:
        """The results of the first of them at least."""
        pause = _PAUSE
        for _ in range(PATIENCE):
            answers = self._post(calls)
            if answers is None or len(answers) != len(calls):
                if len(calls) > 1:
                    return self._fewer(calls)
            else:
                good = _leading_results(answers)
                if good or not calls:
                    return good
                error = answers[0]["error"]
                if not limits.too_often(error):
                    if len(calls) > 1 and limits.too_much(error):
                        return self._fewer(calls)
                    raise RefusedError(calls[0][0], error)
            time.sleep(pause)
            pause *= 2
        raise NodeUnreachableError(
            f"The node at {public(self.url)} does not answer {calls[0][0]} in time.",
            "It limits what it answers, or has too much to do: wait, or ask another one.",
        )

    def _fewer(self, calls: Sequence[Call]) -> list[Any]:
        self._at_once = max(1, len(calls) // 2)
        return self._some(calls[: self._at_once])

    def _post(self, calls: Sequence[Call]) -> list[dict[str, Any]] | None:
        """The answers in order; `None` if it was too much at once, or the node is busy."""
        body: Any = [
            {"jsonrpc": "2.0", "id": i, "method": method, "params": params}
            for i, (method, params) in enumerate(calls)
        ]
        if len(calls) == 1:
            body = body[0]
        try:
            response = self._session.post(
                self.url, data=json.dumps(body), timeout=self._timeout, stream=True
            )
            # at once, where `content` would read some kilobytes at a time
            content = response.raw.read(decode_content=True)
        except (requests.Timeout, ReadTimeoutError):
            return None if len(calls) > 1 else _refused("timed out")
        except (requests.RequestException, HTTPError) as error:
            raise self._unreachable("does not answer") from error
        return self._read(response.status_code, content, len(calls))

    def _read(self, status: int, content: bytes, count: int) -> list[dict[str, Any]] | None:
        if status == _TOO_LARGE and count == 1:
            return _refused("too large")
        if status in (*_LATER, _TOO_LARGE):
            return None
        try:
            answer = from_json(content)  # three times as quick as json's
        except ValueError as error:
            if status >= 400:
                what = f"answered with HTTP status {status}"
                raise self._unreachable(what) from error
            raise self._unreachable("answers, but is no Ethereum node") from error
        if isinstance(answer, dict):
            if count > 1 and "error" in answer and not limits.too_often(answer["error"]):
                return None  # it takes no batches, or none of this size
            answer = [answer]
        if not all(isinstance(one, dict) and {"result", "error"} & set(one) for one in answer):
            raise self._unreachable("answers, but is no Ethereum node")
        by_id = {one.get("id"): one for one in answer}
        if len(by_id) == count and set(by_id) == set(range(count)):
            return [by_id[i] for i in range(count)]
        return answer if count == 1 else None

    def _unreachable(self, what: str) -> NodeUnreachableError:
        return NodeUnreachableError(
            f"The node at {public(self.url)} {what}.", "Check that it runs, and its RPC address."
        )


def _refused(what: str) -> list[dict[str, Any]]:
    return [{"error": {"code": limits.LIMIT_EXCEEDED, "message": what}}]


def _leading_results(answers: list[dict[str, Any]]) -> list[Any]:
    """Those before the first error."""
    good: list[Any] = []
    for answer in answers:
        if answer.get("error"):
            break
        good.append(answer.get("result"))
    return good
