"""Signing in and out: by a wallet's signature, by OpenID Connect, and on a devnet by a button."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from gridroam.access import wallet
from gridroam.access.identity import Identity, Role
from gridroam.access.log import Action
from gridroam.access.oidc import Asked
from gridroam.access.problems import ForbiddenError, SignInError
from gridroam.access.sessions import Session
from gridroam.console.render import page
from gridroam.console.route import SIGN_IN, PageRoute, own_path, redirect
from gridroam.console.viewer import viewer_of
from gridroam.console.visit import (
    Visit,
    clear_session,
    name_of,
    set_session,
)

router = APIRouter(route_class=PageRoute)
Text = Annotated[str, Form(max_length=10_000)]


@router.get("/sign-in")
def sign_in(request: Request) -> Response:
    visit = Visit.of(request)
    next_path = own_path(request.query_params.get("next"))
    if visit.viewer.identity is not None:
        return redirect(next_path)
    return _page(visit, next_path)


def _page(visit: Visit, next_path: str, status: int = 200, **values: object) -> Response:
    """With a session of its own for the form, before anybody signed in."""
    console = visit.console
    fresh = None
    if visit.viewer.session is None:
        fresh = console.sessions.start()
        visit = Visit(console, visit.request, viewer_of(visit.request, fresh))
    participants = []
    if console.devnet_sign_in:
        with console.index.snapshot() as now:
            participants = [(p, name_of(console, p)) for p in now.participants().items]
    shown = {"error": "", "message": "", "account": ""} | values
    form_target = console.provider.form_target if console.provider else ""
    response = page(
        visit,
        "sign_in.html",
        status,
        form_target,
        next_path=next_path,
        participants=participants,
        roles=list(Role),
        **shown,
    )
    if fresh:
        set_session(response, console, fresh)
    return response


@router.post("/sign-in/message")
def message(
    request: Request,
    account: Text,
    csrf: Text = "",
    next_path: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """The text that the wallet has to sign."""
    visit, session = _checked(request, csrf)
    console = visit.console
    try:
        challenge = wallet.Challenge.new(account.strip(), console.now())
    except SignInError as error:
        return _page(visit, own_path(next_path), error.status, error=error.code, account=account)
    console.sessions.ask(session, challenge.pack())
    return _page(visit, own_path(next_path), message=challenge.message(console.site))


@router.post("/sign-in/wallet")
def by_wallet(
    request: Request,
    signature: Text,
    csrf: Text = "",
    next_path: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """Whoever holds a company's account administers its console."""
    visit, session = _checked(request, csrf)
    console = visit.console
    challenge = wallet.Challenge.unpack(console.sessions.asked(session))
    try:
        participant, account = wallet.verify(
            console.site, console.ledger, challenge, signature, console.now()
        )
    except SignInError as error:
        return _page(visit, own_path(next_path), error.status, error=error.code)
    identity = Identity(participant, account, Role.ADMIN, "wallet")
    return _signed_in(visit, session, identity, own_path(next_path))


@router.post("/sign-in/devnet")
def on_devnet(
    request: Request,
    participant: Annotated[int, Form()],
    csrf: Text = "",
    role: Annotated[Role, Form()] = Role.ADMIN,
    next_path: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """As anybody. The node is asked again which chain it is on."""
    visit, session = _checked(request, csrf)
    console = visit.console
    if not console.devnet_sign_in or console.ledger.w3.eth.chain_id != console.site.chain_id:
        raise ForbiddenError("That is for devnets.", "Sign in with your wallet.")
    with console.index.snapshot() as now:
        known = now.participant(participant)
    if known is None:
        raise SignInError("no-participant", f"There is no participant {participant}.")
    identity = Identity(participant, f"devnet:{role.value}", role, "devnet")
    return _signed_in(visit, session, identity, own_path(next_path))


@router.post("/sign-in/openid")
def to_provider(request: Request, csrf: Text = "") -> Response:
    visit, session = _checked(request, csrf)
    provider = visit.console.provider
    if provider is None:
        raise ForbiddenError("No OpenID provider is configured.", "Sign in with your wallet.")
    asked = Asked.new()
    visit.console.sessions.ask(session, asked.pack())
    return redirect(provider.authorization_url(asked))


@router.get("/sign-in/openid/callback")
def from_provider(request: Request) -> Response:
    visit = Visit.of(request)
    console, session = visit.console, visit.viewer.session
    if console.provider is None or session is None:
        return redirect(SIGN_IN)
    asked = Asked.unpack(console.sessions.asked(session))
    try:
        identity = console.provider.identity(asked, dict(request.query_params))
    except SignInError as error:
        return _page(visit, "/console", error.status, error=error.code)
    return _signed_in(visit, session, identity, "/console")


@router.post("/sign-out")
def sign_out(request: Request, csrf: Text = "") -> Response:
    visit, session = _checked(request, csrf)
    visit.console.sessions.end(session)
    if session.identity:
        visit.console.log.note(session.identity, Action.SIGN_OUT)
    response = redirect(SIGN_IN)
    clear_session(response, visit.console)
    return response


def _checked(request: Request, csrf: str) -> tuple[Visit, Session]:
    """Raises `ForgedFormError`, `NotSignedInError`."""
    visit = Visit.of(request)
    return visit, visit.check_token(csrf)


def _signed_in(visit: Visit, before: Session, identity: Identity, where: str) -> Response:
    session = visit.console.sessions.sign_in(before, identity)
    visit.console.log.note(identity, Action.SIGN_IN, [identity.method])
    response = redirect(where)
    set_session(response, visit.console, session)
    return response
