"""How nodes say that a request was too much for them, each in its own words.

There is no standard: of the error codes only -32005 (EIP-1474, "limit exceeded") means nothing
else. What is listed here are the texts of geth, reth, Erigon, Nethermind, Besu and the large
providers for logs over too many blocks, too many results, too large answers and too long work.
"""

import re
from collections.abc import Mapping
from typing import Any

LIMIT_EXCEEDED = -32005
RESPONSE_TOO_LARGE = -32003
"""geth's, for an answer that its limit cuts off."""
METHOD_NOT_FOUND = -32601

_TOO_MUCH = re.compile(
    r"query returned more than|more than \d+ (?:results|logs)|(?:max|too many) results"
    r"|block range|blocks? range|range (?:is )?too|max(?:imum)? (?:block |rpc )?range"
    r"|limited to (?:a |an )?[\d,]+|max range|too large|too big|too wide|too many"
    r"|size exceeded|exceed(?:s|ed)?\b.*(?:limit|max|range|size|capacity)"
    r"|limit exceeded|time(?:d)? ?out|deadline exceeded|reduce the",
    re.IGNORECASE,
)
_TOO_OFTEN = re.compile(
    r"rate.?limit|too many requests|request count exceeded|requests per|throttle", re.IGNORECASE
)


def too_often(error: Mapping[str, Any]) -> bool:
    """The node would answer later: wait, and ask the same again."""
    return bool(_TOO_OFTEN.search(str(error.get("message", ""))))


def too_much(error: Mapping[str, Any]) -> bool:
    """The node would answer less at a time: ask for half."""
    if error.get("code") in (LIMIT_EXCEEDED, RESPONSE_TOO_LARGE):
        return True
    return bool(_TOO_MUCH.search(str(error.get("message", ""))))
