// Signs in with a wallet in the browser (EIP-1193), where there is one.
export function offerWallet(root) {
  const wallet = window.ethereum;
  const button = root.querySelector("[data-wallet-button]");
  if (wallet && button) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const [account] = await wallet.request({ method: "eth_requestAccounts" });
      const form = button.form;
      form.elements.account.value = account;
      window.sessionStorage.setItem("sign", account);
      form.requestSubmit();
    });
  }
  const asked = root.querySelector("[data-wallet-message]");
  const account = window.sessionStorage.getItem("sign");
  if (wallet && asked && account) {
    window.sessionStorage.removeItem("sign");
    sign(wallet, asked, account);
  }
}

async function sign(wallet, form, account) {
  const text = new TextEncoder().encode(form.elements.message.value);
  const hex = `0x${[...text].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  form.elements.signature.value = await wallet.request({
    method: "personal_sign",
    params: [hex, account],
  });
  form.requestSubmit();
}
