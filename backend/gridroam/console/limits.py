"""No form is larger than its page needs, whatever its sender declares: counted while it arrives."""

from contextlib import suppress

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
        form = _Form(_UPLOAD if scope["path"] in _UPLOADS else _FORM, receive, send)
        with suppress(_TooLargeError):
            await self._app(scope, form.receive, form.send)
        if form.is_too_large and not form.is_answered:
            response = PlainTextResponse("The form is too large.", 413, {"Connection": "close"})
            await response(scope, receive, send)


class _Form:
    """What a form's reader says of its being cut off does not reach the sender."""

    def __init__(self, most: int, receive: Receive, send: Send) -> None:
        self._most, self._receive, self._send = most, receive, send
        self._seen = 0
        self.is_too_large = self.is_answered = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._most:
            self.is_too_large = True
            raise _TooLargeError
        return message

    async def send(self, message: Message) -> None:
        if self.is_too_large and not self.is_answered:
            return
        self.is_answered = True
        await self._send(message)


class _TooLargeError(Exception):
    pass
