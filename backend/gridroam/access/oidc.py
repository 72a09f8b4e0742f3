"""Sign-in by OpenID Connect: authorization code with PKCE (RFC 7636), state and nonce.

What the provider says of a person is turned into a participant and a role by rules that the
console's operator writes down; who matches none is not let in.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gridroam.access.identity import Identity, Role
from gridroam.access.problems import SignInError
from gridroam.errors import BrokenFileError, InvalidInputError

_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
"""None that a client's own secret could forge, and not `none`."""
_LEEWAY = 60
_SCOPE = "openid profile email"


@dataclass(frozen=True, slots=True)
class Rule:
    """Whose `claim` is `value`, or has it in its list, signs in for `participant` as `role`. An
    address counts only where the provider has verified it (OpenID Connect Core 1.0, section 5.1):
    else whoever can have an account there could call himself by another's."""

    claim: str
    value: str
    participant: int
    role: Role

    def matches(self, claims: Mapping[str, Any]) -> bool:
        if self.claim == "email" and claims.get("email_verified") is not True:
            return False
        found = claims.get(self.claim)
        return self.value in found if isinstance(found, list) else found == self.value


def read_rules(path: Path) -> tuple[Rule, ...]:
    """A JSON list of objects with the fields of a rule. Raises `BrokenFileError`."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return tuple(
            Rule(str(r["claim"]), str(r["value"]), int(r["participant"]), Role(r["role"]))
            for r in _list(rows)
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BrokenFileError(
            f"{path} has no rules for sign-in ({error}).", "See docs/access.md for the form."
        ) from error


@dataclass(frozen=True, slots=True)
class Asked:
    """What has to come back; kept on the server while the browser is at the provider."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Self:
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    def pack(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def unpack(cls, text: str) -> "Asked | None":
        try:
            values = json.loads(text)
            return cls(values["state"], values["nonce"], values["verifier"])
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True, slots=True)
class _Endpoints:
    issuer: str
    authorization: str
    token: str
    keys: str


class Provider:
    """An OpenID provider, found by its issuer's address (OpenID Connect Discovery 1.0)."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        callback: str,
        rules: tuple[Rule, ...],
    ) -> None:
        if urlsplit(issuer).scheme != "https" and not _is_local(issuer):
            raise InvalidInputError("The OpenID provider's address has to begin with https://.")
        self._issuer = issuer
        self._client_id, self._client_secret = client_id, client_secret
        self._callback = callback
        self._rules = rules
        self._http = httpx.Client(timeout=10, follow_redirects=False)
        self._endpoints: _Endpoints | None = None

    @property
    def form_target(self) -> str:
        """The origin that a form's redirect may lead to."""
        parts = urlsplit(self._discover().authorization)
        return f"{parts.scheme}://{parts.netloc}"

    def authorization_url(self, asked: Asked) -> str:
        """Where the browser goes to sign in."""
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._callback,
            "scope": _SCOPE,
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": create_s256_code_challenge(asked.verifier),
            "code_challenge_method": "S256",
        }
        endpoint = self._discover().authorization
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def identity(self, asked: Asked | None, answer: Mapping[str, str]) -> Identity:
        """Who came back from the provider. Raises `SignInError`."""
        if asked is None or not secrets.compare_digest(
            answer.get("state", "").encode(), asked.state.encode()
        ):
            raise SignInError("wrong-state", "Nobody was sent to the provider from this browser.")
        if answer.get("iss", self._discover().issuer) != self._discover().issuer:  # RFC 9207
            raise SignInError("provider", "The answer is another provider's.")
        if "code" not in answer:
            raise SignInError("provider", "The provider did not sign you in.")
        claims = self._claims(self._token(answer["code"], asked.verifier), asked.nonce)
        for rule in self._rules:
            if rule.matches(claims):
                subject = f"{claims['iss']}#{claims['sub']}"
                return Identity(rule.participant, subject, rule.role, "openid")
        raise SignInError("no-rule", "Nothing here says for whom you may sign in.")

    def close(self) -> None:
        self._http.close()

    # ---------------------------------------------------------------------------------- Internal

    def _discover(self) -> _Endpoints:
        if self._endpoints is None:
            found = self._get(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self._issuer:
                raise SignInError("provider", "The provider calls itself by another name.")
            self._endpoints = _Endpoints(
                self._issuer,
                *(
                    self._endpoint(found, name)
                    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
                ),
            )
        return self._endpoints

    def _endpoint(self, found: Mapping[str, Any], name: str) -> str:
        """As safe as the provider's own address: the client's secret goes there."""
        endpoint = str(found.get(name, ""))
        if urlsplit(endpoint).scheme != "https" and not _is_local(endpoint):
            raise SignInError("provider", f"The provider gives no safe {name}.")
        return endpoint

    def _token(self, code: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        auth = httpx.Auth()  # none
        if self._client_secret:
            who, secret = (quote(s, safe="") for s in (self._client_id, self._client_secret))
            auth = httpx.BasicAuth(who, secret)
        try:
            response = self._http.post(self._discover().token, data=form, auth=auth)
            token = response.json().get("id_token") if response.status_code == 200 else None
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            raise SignInError("provider", "The provider cannot be reached.") from error
        if not isinstance(token, str):
            raise SignInError("provider", "The provider gave no identity.")
        return token

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        try:
            keys = KeySet.import_key_set(self._get(self._discover().keys))  # type: ignore[arg-type]
            decoded = jwt.decode(token, keys, algorithms=_ALGORITHMS)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self._client_id},
                },
                {"nonce": nonce, "client_id": self._client_id},
            )
            claims.validate(leeway=_LEEWAY)
        except (JoseError, ValueError) as error:
            raise SignInError("bad-token", "The provider's identity does not hold.") from error
        return dict(claims)

    def _get(self, url: str) -> dict[str, Any]:
        try:
            response = self._http.get(url).raise_for_status()
            found = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise SignInError("provider", "The provider cannot be reached.") from error
        if not isinstance(found, dict):
            raise SignInError("provider", "The provider answers something else.")
        return found


def _list(rows: Any) -> list[Any]:
    if not isinstance(rows, list):
        raise TypeError("it is no list")
    return rows


def _is_local(issuer: str) -> bool:
    return urlsplit(issuer).hostname in ("127.0.0.1", "localhost", "::1")
