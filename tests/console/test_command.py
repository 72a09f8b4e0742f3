"""`gridroam console` and `gridroam sign-in` as somebody runs them."""

import json
from pathlib import Path

import httpx
import pytest
from eth_account import Account
from scene import NORTH, Scene
from typer.testing import CliRunner
from visiting import client, csrf_of

from gridroam.cli import app, sign_in
from gridroam.customers.keys import KeyInFile
from gridroam.demo.console_process import ConsoleProcess


def test_console__beside_the_demo__knows_names_and_cars(shop: Scene) -> None:
    with ConsoleProcess(shop.stage, port=0) as console:
        assert console.url.endswith("/console")
        html = httpx.get(console.url, follow_redirects=True).text
        assert NORTH in html
        assert "/console/sign-in/devnet" in html
        chain = httpx.get(console.url.removesuffix("/console") + "/v1/chain/participants")
        assert chain.status_code == 200, "the query API is served by the same process"


def test_new_key__is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert CliRunner().invoke(app, ["console", "--new-key", str(path)]).exit_code == 0
    assert len(KeyInFile(path).read()) == 32


def test_sign_in__keystore__signs_what_the_console_asks(shop: Scene, tmp_path: Path) -> None:
    account = shop.stage.market.participants[NORTH].account
    (tmp_path / "keystore.json").write_text(
        json.dumps(Account.encrypt(account.key, "secret", kdf="pbkdf2", iterations=1))
    )
    (tmp_path / "password").write_text("secret\n")
    options = [f"--keystore={tmp_path}/keystore.json", f"--password-file={tmp_path}/password"]
    with client(shop.url) as http:
        token = csrf_of(http.get("/console/sign-in").text)
        form = {"csrf": token, "account": account.address}
        html = http.post("/console/sign-in/message", data=form).text
        text = html.partition("readonly>")[2].partition("</textarea>")[0]
        done = CliRunner().invoke(sign_in.app, options, input=text)
        assert done.exit_code == 0, done.output
        signature = done.output.strip().splitlines()[-1]
        answer = http.post("/console/sign-in/wallet", data={"csrf": token, "signature": signature})
        assert answer.status_code == 303
        assert NORTH in http.get("/console").text


@pytest.mark.parametrize("text", ["", "Pay 100 EUR", "\x19\x01" + "x" * 64])
def test_sign_in__something_else__is_never_signed(tmp_path: Path, text: str) -> None:
    done = CliRunner().invoke(sign_in.app, [f"--keystore={tmp_path}/none"], input=text)
    assert done.exit_code != 0
    assert "0x" not in done.output
