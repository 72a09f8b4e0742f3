"""Sessions on the server. A browser holds a random token in a cookie, the database its hash; a new
one is given at every sign-in, so that a token from before it is worth nothing. A session ends when
it is idle for too long, when it is too old, or by signing out."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from gridroam.access.identity import Identity, Role
from gridroam.access.problems import ForgedFormError
from gridroam.store.access import AccessStore, SessionRow

IDLE, ABSOLUTE = 30 * 60, 10 * 3600
"""Seconds."""
_TOUCH_EVERY = 30
_CLEAN_EVERY = 600


@dataclass(frozen=True, slots=True)
class Session:
    """`token` is the cookie's value; `identity` is `None` before somebody signed in."""

    token: str
    identity: Identity | None
    until: int

    @property
    def csrf(self) -> str:
        """What our own forms carry; follows from the token, which no other site can read."""
        return hmac.digest(self.token.encode(), b"form", "sha256").hex()

    def check_form(self, given: str | None) -> None:
        """Raises `ForgedFormError`."""
        if not given or not hmac.compare_digest(given.encode(), self.csrf.encode()):
            raise ForgedFormError(
                "The form did not come from this console, or is too old.", "Load the page again."
            )


class Sessions:
    def __init__(
        self,
        store: AccessStore,
        now: Callable[[], int],
        *,
        idle: int = IDLE,
        absolute: int = ABSOLUTE,
    ) -> None:
        self._store = store
        self._now = now
        self._idle, self._absolute = idle, absolute
        self._cleaned = 0

    def start(self, identity: Identity | None = None, pending: str = "") -> Session:
        self._clean()
        token, now = secrets.token_urlsafe(32), self._now()
        who = identity
        row = SessionRow(
            created=now,
            seen=now,
            participant=who.participant if who else None,
            subject=who.subject if who else None,
            role=who.role.value if who else None,
            method=who.method if who else None,
            pending=pending,
        )
        self._store.add_session(_hash(token), row)
        return Session(token, identity, now + self._idle)

    def find(self, token: str | None, *, touch: bool = True) -> Session | None:
        """`None` if there is none, or its time is over. `touch`: somebody was there."""
        row = self._store.session(_hash(token)) if token else None
        if row is None or token is None:
            return None
        now, until = self._now(), min(row.seen + self._idle, row.created + self._absolute)
        if now >= until:
            self._store.end(_hash(token))
            return None
        if touch and now - row.seen >= _TOUCH_EVERY:
            self._store.touch(_hash(token), now)
        return Session(token, _identity(row), until)

    def sign_in(self, before: Session, identity: Identity) -> Session:
        """A new token; the one from before is void."""
        self._store.end(_hash(before.token))
        return self.start(identity)

    def end(self, session: Session) -> None:
        self._store.end(_hash(session.token))

    def ask(self, session: Session, pending: str) -> None:
        self._store.set_pending(_hash(session.token), pending)

    def asked(self, session: Session) -> str:
        """What `ask` was given last; only once."""
        return self._store.take_pending(_hash(session.token))

    def _clean(self) -> None:
        now = self._now()
        if now - self._cleaned >= _CLEAN_EVERY:
            self._cleaned = now
            self._store.end_older(now - self._idle, now - self._absolute)


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _identity(row: SessionRow) -> Identity | None:
    if row.participant is None or row.role is None:
        return None
    return Identity(row.participant, row.subject or "", Role(row.role), row.method or "")
