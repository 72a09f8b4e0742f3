// What a page can do beyond links and forms. Everything works without it, only less comfortably.
import { pointAt } from "./charts.js";
import { followLive } from "./live.js";
import { makeSortable } from "./tables.js";
import { offerWallet } from "./wallet.js";

document.documentElement.classList.remove("no-script");

const YEAR = 365 * 86400;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) {
  document.cookie = `gr_browser_zone=${zone}; path=/console; max-age=${YEAR}; samesite=lax`;
}

function openMenu() {
  const button = document.querySelector(".menu-button");
  const side = document.querySelector(".side");
  button?.addEventListener("click", () => {
    const open = side.classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
}

// Selects and boxes act at once; the button stays for those who type.
function actAtOnce(root) {
  for (const form of root.querySelectorAll("form[data-auto], form[data-prefer]")) {
    for (const field of form.querySelectorAll("select, input[type=checkbox], input[type=date]")) {
      field.addEventListener("change", () => form.requestSubmit());
    }
  }
  for (const form of root.querySelectorAll("form[data-auto]")) {
    form.addEventListener("formdata", ({ formData }) => {
      for (const [name, value] of [...formData]) {
        if (value === "") formData.delete(name);
      }
    });
  }
}

// A command is copied whole; where the browser does not allow it, it can be selected.
function copyCommands(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    const text = button.parentElement.querySelector("code").textContent;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.classList.add("done");
    });
  }
}

export function enliven(root) {
  copyCommands(root);
  for (const chart of root.querySelectorAll("[data-chart]")) pointAt(chart);
  for (const table of root.querySelectorAll("table[data-sortable]")) makeSortable(table);
}

openMenu();
actAtOnce(document);
enliven(document);
offerWallet(document);
if (document.querySelector("[data-live]")) followLive(enliven);
