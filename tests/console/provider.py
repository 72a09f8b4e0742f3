"""A small OpenID provider, run as a process of its own: authorization code with PKCE, a client's
secret, signed identity tokens. Some of its people come with a token that a client must not take.

    python provider.py PORT CLIENT_ID CLIENT_SECRET
"""

import secrets
import sys
import time
from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

PEOPLE: dict[str, dict[str, Any]] = {
    "clerk": {"groups": ["north-clerks", "canteen"]},
    "auditor": {"email": "auditor@example.org", "email_verified": True},
    "impostor": {"email": "auditor@example.org", "email_verified": False},
    "namesake": {"email": "auditor@example.org"},
    "nobody": {"groups": ["canteen"]},
    "replayed": {"groups": ["north-clerks"], "nonce": "another"},
    "elsewhere": {"groups": ["north-clerks"], "aud": "another-client"},
    "late": {"groups": ["north-clerks"], "exp": int(time.time()) - 3600},
    "stranger": {"groups": ["north-clerks"], "iss": "https://elsewhere.example"},
    "forged": {"groups": ["north-clerks"]},
    "unsigned": {"groups": ["north-clerks"]},
}


def icon(_: Request) -> Response:
    return Response(status_code=204)


def main(port: int, client: str, secret: str) -> None:
    issuer = f"http://127.0.0.1:{port}"
    key, other = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))
    codes: dict[str, dict[str, str]] = {}

    def discovery(_: Request) -> Response:
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": issuer + "/authorize",
                "token_endpoint": issuer + "/token",
                "jwks_uri": issuer + "/keys",
            }
        )

    def keys(_: Request) -> Response:
        return JSONResponse(KeySet([key]).as_dict(private=False))

    def authorize(request: Request) -> Response:
        query = request.query_params
        fits = (
            query.get("client_id") == client
            and query.get("response_type") == "code"
            and query.get("code_challenge_method") == "S256"
            and "openid" in query.get("scope", "").split()
            and query.get("redirect_uri", "").endswith("/console/sign-in/openid/callback")
            and all(query.get(name) for name in ("state", "nonce", "code_challenge"))
        )
        if not fits:
            return HTMLResponse("<h1>wrong request</h1>", 400)
        links = [
            f'<p><a href="/approve?{urlencode({**query, "who": who})}">{who}</a></p>'
            for who in (*PEOPLE, "refused")
        ]
        return HTMLResponse("<h1>Who are you?</h1>" + "".join(links))

    def approve(request: Request) -> Response:
        query = dict(request.query_params)
        if query["who"] == "refused":
            answer = {"error": "access_denied", "state": query["state"]}
        else:
            code = secrets.token_urlsafe(16)
            codes[code] = query
            answer = {"code": code, "state": query["state"], "iss": issuer}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}", 303)

    async def token(request: Request) -> Response:
        form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        asked = codes.pop(form.get("code", ""), None)
        challenge = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or scheme != "Basic"
            or b64decode(given).decode() != f"{quote(client, safe='')}:{quote(secret, safe='')}"
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        who, now = asked["who"], int(time.time())
        claims = {
            "iss": issuer,
            "sub": f"id-of-{who}",
            "aud": client,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **PEOPLE[who],
        }
        signing = other if who == "forged" else key
        made = jwt.encode({"alg": "RS256", "kid": "one"}, claims, signing)
        if who == "unsigned":
            made = (
                urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
                + "."
                + made.split(".")[1]
                + "."
            )
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": made})

    routes = [
        Route("/favicon.ico", icon),
        Route("/.well-known/openid-configuration", discovery),
        Route("/keys", keys),
        Route("/authorize", authorize),
        Route("/approve", approve),
        Route("/token", token, methods=["POST"]),
    ]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
