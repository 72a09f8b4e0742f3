"""Who may use an operator's endpoints: who has an API key, or, where no keys are set, who speaks
from the machine itself and through no proxy. With a port of their own they are nowhere else.
"""

from fastapi import Request

from gridroam.http.keys import ApiKeys
from gridroam.http.limits import client_key
from gridroam.http.problems import Problem, ProblemError

_LOOPBACK = frozenset({"127.0.0.1", "::1", ""})
_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Operator:
    """`port`: the only one that answers to operators, if there is one."""

    def __init__(self, keys: ApiKeys, port: int | None = None) -> None:
        self._keys = keys
        self._port = port

    def check(self, request: Request) -> None:
        """Raises `ProblemError` for everybody else."""
        if self._port is not None and _port(request) != self._port:
            detail = f"There is no {request.method} {request.url.path}."
            raise ProblemError(Problem("not-found", detail))
        if self._keys:
            self._check_key(request)
        elif not _is_local(request):
            detail = "This is for the operator: from the machine itself, or with a key."
            raise ProblemError(Problem("missing-key", detail))

    def is_one(self, request: Request) -> bool:
        """Whether `check` would pass."""
        try:
            self.check(request)
        except ProblemError:
            return False
        return True

    def _check_key(self, request: Request) -> None:
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key:
            raise ProblemError(Problem("missing-key", "The request has no Bearer key."))
        if self._keys.owner(key.strip()) is None:
            raise ProblemError(Problem("wrong-key", "Nobody has this key."))


def _port(request: Request) -> int | None:
    server = request.scope.get("server")
    return server[1] if server else None


def _is_local(request: Request) -> bool:
    """A proxy on this machine is no reason to trust whoever is behind it."""
    host = request.client.host if request.client else ""
    through_proxy = any(name in request.headers for name in _OF_PROXIES)
    return client_key(host) in _LOOPBACK and not through_proxy
