"""No form is larger than its page needs, whatever its sender declares: counted while it arrives."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_UPLOAD, _FORM = 33 * 1024 * 1024, 3 * 1024 * 1024
_UPLOADS = frozenset({"/console/vehicles"})


class FormLimit:
    """A whole layer, because a form is read before any page sees it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self._app(scope, receive, send)
            return
        most = _UPLOAD if scope["path"] in _UPLOADS else _FORM
        seen, started = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise _TooLargeError
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except _TooLargeError:
            if started:
                raise
            response = PlainTextResponse("The form is too large.", 413, {"Connection": "close"})
            await response(scope, receive, send)


class _TooLargeError(Exception):
    pass
