"""Signing in by wallet, sessions, forms, and what a devnet's button may never do."""

from datetime import UTC, datetime

import httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from scene import NORTH, SOUTH, Scene, settings_for
from visiting import client, csrf_of, enter

from gridroam.access.identity import Identity, Role
from gridroam.access.problems import SignInError
from gridroam.access.sessions import Sessions
from gridroam.access.wallet import Challenge, Site, verify
from gridroam.chain.ledger import Ledger
from gridroam.console.context import Console
from gridroam.devnet.members import Market
from gridroam.errors import InvalidInputError
from gridroam.store.access import AccessStore
from gridroam.store.console import ConsoleStore

NOW = 1_800_000_000


def signed(account: LocalAccount, text: str) -> str:
    return "0x" + account.sign_message(encode_defunct(text=text)).signature.hex()


# -------------------------------------------------------------------------------------- the message


@pytest.fixture
def site(ledger: Ledger) -> Site:
    return Site("https://gridroam.example", ledger.domain.chain_id)


@pytest.fixture
def account(market: Market) -> LocalAccount:
    return market.participants["Supplier North"].account


def test_message__is_written__as_eip_4361_says(site: Site) -> None:
    challenge = Challenge("0x90F79bf6EB2c4f870365E785982E1f101E93b906", "n0nce12345", NOW)
    assert challenge.message(site) == (
        "gridroam.example wants you to sign in with your Ethereum account:\n"
        "0x90F79bf6EB2c4f870365E785982E1f101E93b906\n"
        "\n"
        "Sign in to Gridroam. This costs nothing and moves nothing.\n"
        "\n"
        "URI: https://gridroam.example\n"
        "Version: 1\n"
        "Chain ID: 31337\n"
        "Nonce: n0nce12345\n"
        "Issued At: 2027-01-15T08:00:00Z\n"
        "Expiration Time: 2027-01-15T08:05:00Z"
    )


def test_verify__participants_account__gives_its_number(
    site: Site, ledger: Ledger, market: Market, account: LocalAccount
) -> None:
    challenge = Challenge.new(account.address.lower(), NOW)
    found = verify(site, ledger, challenge, signed(account, challenge.message(site)), NOW + 60)
    assert found == (market.participants["Supplier North"].number, account.address)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"origin": "https://gridroam.example.evil"}, "bad-signature"),
        ({"origin": "http://gridroam.example"}, "bad-signature"),
        ({"chain_id": 1}, "bad-signature"),
        ({"nonce": "another-nonce-of-24-chars"}, "bad-signature"),
        ({"issued": NOW - 1}, "bad-signature"),
    ],
)
def test_verify__signed_for_something_else__is_refused(
    site: Site, ledger: Ledger, account: LocalAccount, changed: dict[str, object], code: str
) -> None:
    challenge = Challenge.new(account.address, NOW)
    other = Challenge(
        challenge.address,
        str(changed.get("nonce", challenge.nonce)),
        int(str(changed.get("issued", NOW))),
    )
    elsewhere = Site(
        str(changed.get("origin", site.origin)), int(str(changed.get("chain_id", site.chain_id)))
    )
    with pytest.raises(SignInError) as caught:
        verify(site, ledger, challenge, signed(account, other.message(elsewhere)), NOW)
    assert caught.value.code == code


@pytest.mark.parametrize("late", [-1, 300, 10_000])
def test_verify__too_late_or_early__is_refused(
    site: Site, ledger: Ledger, account: LocalAccount, late: int
) -> None:
    challenge = Challenge.new(account.address, NOW)
    with pytest.raises(SignInError) as caught:
        verify(site, ledger, challenge, signed(account, challenge.message(site)), NOW + late)
    assert caught.value.code == "expired"


@pytest.mark.parametrize("signature", ["", "0x", "zz", "0x" + "00" * 65, "0x" + "11" * 9000])
def test_verify__no_signature__is_refused(
    site: Site, ledger: Ledger, account: LocalAccount, signature: str
) -> None:
    with pytest.raises(SignInError) as caught:
        verify(site, ledger, Challenge.new(account.address, NOW), signature, NOW)
    assert caught.value.code == "bad-signature"


def test_verify__anothers_signature_or_account__is_refused(
    site: Site, ledger: Ledger, account: LocalAccount
) -> None:
    stranger = Account.create()
    challenge = Challenge.new(account.address, NOW)
    with pytest.raises(SignInError) as caught:
        verify(site, ledger, challenge, signed(stranger, challenge.message(site)), NOW)
    assert caught.value.code == "bad-signature"
    own = Challenge.new(stranger.address, NOW)
    with pytest.raises(SignInError) as caught:
        verify(site, ledger, own, signed(stranger, own.message(site)), NOW)
    assert caught.value.code == "no-participant"


def test_verify__contract_wallet__is_asked(
    site: Site, ledger: Ledger, account: LocalAccount
) -> None:
    """Code at the account's address that answers ERC-1271's magic value, or anything else."""
    challenge = Challenge.new(account.address, NOW)

    def set_code(answer: str) -> None:
        # PUSH32 answer, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN
        code = "0x7f" + answer.ljust(64, "0") + "60005260206000f3"
        ledger.w3.provider.make_request("anvil_setCode", [account.address, code])

    set_code("1626ba7e")
    assert verify(site, ledger, challenge, "0x", NOW)[1] == account.address
    set_code("ffffffff")
    with pytest.raises(SignInError):
        verify(site, ledger, challenge, "0x", NOW)
    ledger.w3.provider.make_request("anvil_setCode", [account.address, "0x"])


# ----------------------------------------------------------------------------------------- sessions


@pytest.fixture
def clock() -> list[int]:
    return [NOW]


@pytest.fixture
def sessions(tmp_path: object, clock: list[int]) -> Sessions:
    store = ConsoleStore.open(tmp_path / "console.db")  # type: ignore[operator]
    return Sessions(AccessStore(store), lambda: clock[0], idle=1800, absolute=36_000)


CLERK = Identity(1, "somebody", Role.CLERK, "wallet")


def test_session__token__is_not_in_the_database(sessions: Sessions, tmp_path: object) -> None:
    session = sessions.start(CLERK)
    assert session.token.encode() not in (tmp_path / "console.db").read_bytes()  # type: ignore[operator]
    found = sessions.find(session.token)
    assert found is not None
    assert found.identity == CLERK


def test_session__signing_in__voids_the_one_before(sessions: Sessions) -> None:
    before = sessions.start()
    after = sessions.sign_in(before, CLERK)
    assert after.token != before.token
    assert after.csrf != before.csrf
    assert sessions.find(before.token) is None


def test_session__idle__ends(sessions: Sessions, clock: list[int]) -> None:
    token = sessions.start(CLERK).token
    for _ in range(4):
        clock[0] += 1_700
        assert sessions.find(token)
    clock[0] += 1_800
    assert sessions.find(token) is None


def test_session__asked_for_by_a_page_alone__is_not_kept_alive(
    sessions: Sessions, clock: list[int]
) -> None:
    token = sessions.start(CLERK).token
    clock[0] += 1_700
    assert sessions.find(token, touch=False)
    clock[0] += 200
    assert sessions.find(token) is None


def test_session__too_old__ends_however_busy(sessions: Sessions, clock: list[int]) -> None:
    token = sessions.start(CLERK).token
    while clock[0] < NOW + 35_000:
        clock[0] += 1_000
        assert sessions.find(token)
    clock[0] = NOW + 36_000
    assert sessions.find(token) is None


def test_asked__twice__is_empty(sessions: Sessions) -> None:
    session = sessions.start()
    sessions.ask(session, "nonce")
    assert sessions.asked(session) == "nonce"
    assert sessions.asked(session) == ""


# ----------------------------------------------------------------------------------- over the wire


def test_wallet__signs_the_text__is_in(shop: Scene, stranger: httpx.Client) -> None:
    account = shop.stage.market.participants[NORTH].account
    token = csrf_of(stranger.get("/console/sign-in?next=/console/payments").text)
    form = {"csrf": token, "account": account.address, "next": "/console/payments"}
    html = stranger.post("/console/sign-in/message", data=form).text
    text = html.partition("readonly>")[2].partition("</textarea>")[0]
    assert f"URI: {shop.url}\n" in text
    form = {"csrf": token, "signature": signed(account, text), "next": "/console/payments"}
    before = stranger.cookies["gr_session"]
    answer = stranger.post("/console/sign-in/wallet", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/payments"
    assert stranger.cookies["gr_session"] != before
    assert NORTH in stranger.get("/console").text
    again = stranger.post("/console/sign-in/wallet", data=form)
    assert again.status_code in (400, 403), "a signature is good once"


def test_cookie__of_a_session__is_out_of_reach(shop: Scene, stranger: httpx.Client) -> None:
    said = stranger.get("/console/sign-in").headers["set-cookie"]
    assert "HttpOnly" in said
    assert "SameSite=lax" in said
    assert "Path=/" in said


def test_sign_in__other_sites_next__stays_here(shop: Scene, stranger: httpx.Client) -> None:
    for wanted in ("https://evil.example", "//evil.example", "/console\\@evil", "/docs"):
        token = csrf_of(stranger.get("/console/sign-in", params={"next": wanted}).text)
        form = {"csrf": token, "participant": shop.number(NORTH), "next": wanted}
        answer = stranger.post("/console/sign-in/devnet", data=form)
        assert answer.headers["location"] == "/console"
        stranger.cookies.clear()


POSTS = (
    "/console/sign-in/message",
    "/console/sign-in/wallet",
    "/console/sign-in/devnet",
    "/console/sign-in/openid",
    "/console/sign-out",
    "/console/vehicles",
    "/console/vehicles/0x" + "11" * 32 + "/forget",
)


@pytest.mark.parametrize("path", POSTS)
def test_form__without_its_token__is_refused(supplier: httpx.Client, path: str) -> None:
    fields = {"account": "0x", "signature": "0x", "participant": "1"}
    files = {"file": ("a.csv", b"contract_id", "text/csv")} if path.endswith("vehicles") else None
    for token in ("", "0" * 64):
        answer = supplier.post(path, data={**fields, "csrf": token}, files=files)
        assert answer.status_code == 403, path
    assert supplier.get("/console").status_code == 200, "still signed in"


def test_form__with_anothers_token__is_refused(shop: Scene, supplier: httpx.Client) -> None:
    with client(shop.url) as other:
        enter(other, shop.number(SOUTH))
        token = csrf_of(other.get("/console").text)
    assert supplier.post("/console/sign-out", data={"csrf": token}).status_code == 403


def test_sign_out__afterwards__cookie_is_worth_nothing(supplier: httpx.Client) -> None:
    cookie = supplier.cookies["gr_session"]
    token = csrf_of(supplier.get("/console").text)
    assert supplier.post("/console/sign-out", data={"csrf": token}).status_code == 303
    supplier.cookies.set("gr_session", cookie)
    assert supplier.get("/console").status_code == 303


# --------------------------------------------------------------------------------------- the devnet


@pytest.mark.parametrize(
    "origin", ["https://gridroam.example", "http://10.0.0.7:8701", "http://localhost.evil:80"]
)
def test_devnet_sign_in__not_on_this_machine__does_not_start(
    shop: Scene, tmp_path: object, origin: str
) -> None:
    chosen = settings_for(tmp_path, origin=origin)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="devnet"):
        Console.open(chosen, shop.url, shop.stage.ledger, shop.console.index, "")


def test_devnet_sign_in__another_chain__does_not_start(shop: Scene, tmp_path: object) -> None:
    real = shop.stage.ledger
    other = Ledger(real.w3, real.address, real.registry_address, real.vault_address, 1)
    with pytest.raises(InvalidInputError, match="devnet"):
        Console.open(settings_for(tmp_path), shop.url, other, shop.console.index, shop.url)  # type: ignore[arg-type]


def test_challenge__time__is_utc() -> None:
    assert datetime.fromtimestamp(NOW, UTC).isoformat() == "2027-01-15T08:00:00+00:00"


def test_live__session_ends__stream_says_so_and_ends(supplier: httpx.Client, shop: Scene) -> None:
    token = csrf_of(supplier.get("/console").text)
    with supplier.stream("GET", "/console/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == (
            "no-store",
            "nosniff",
        )
        lines = answer.iter_lines()
        assert next(lines).startswith("retry: ")
        shop.stage.anvil.rpc("evm_mine")
        assert "event: block" in [next(lines) for _ in range(4)]
        assert supplier.post("/console/sign-out", data={"csrf": token}).status_code == 303
        shop.stage.anvil.rpc("evm_mine")
        assert "event: end" in list(lines)


def test_live__nobody_signed_in__sent_to_sign_in(stranger: httpx.Client) -> None:
    assert stranger.get("/console/live").status_code == 303
