"""Reads the body of a request: no more than its limit, no longer than its time, and together with
all other bodies no more than the memory that is set aside for them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from fastapi import Request

from gridroam.http.limits import Share
from gridroam.http.problems import Problem, ProblemError

_DISCARD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """`most` in bytes, `seconds` from the request's head to the body's end."""

    most: int
    seconds: float


async def read_json_body(request: Request, limits: BodyLimits, share: Share) -> bytes:
    """The bytes, which count against `share` until that ends. Keeps to the limits whatever the
    client declared; raises `ProblemError`."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind.lower() != "application/json":
        raise ProblemError(Problem("wrong-media-type", f"The body is declared as {kind[:80]}."))
    stream = request.stream()
    try:
        async with asyncio.timeout(limits.seconds):
            return await _read(stream, limits.most, share)
    except TimeoutError:
        detail = f"The body did not arrive within {limits.seconds:g} s."
        raise ProblemError(Problem("body-too-slow", detail)) from None


async def _read(stream: AsyncIterator[bytes], most: int, share: Share) -> bytes:
    body = bytearray()
    async for chunk in stream:
        if len(body) + len(chunk) > most:
            await _discard(stream, most)
            raise ProblemError(Problem("body-too-large", f"The body has more than {most} bytes."))
        if not share.grow(len(chunk)):
            detail = "The bodies of all requests together are too much for now."
            raise ProblemError(Problem("too-many-bytes", detail, retry_after=1))
        body += chunk
    return bytes(body)


async def _discard(stream: AsyncIterator[bytes], most: int) -> None:
    """Some of what is still coming: who is cut off while sending does not see the answer."""
    discarded = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            async for chunk in stream:
                discarded += len(chunk)
                if discarded > most:
                    return
