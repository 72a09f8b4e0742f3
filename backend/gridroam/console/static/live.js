// Follows the chain: when the index moved, the page is asked for again and its live parts change.
const QUIET = 300;

export function followLive(enliven) {
  const source = new EventSource("/console/live");
  let waiting = 0;
  source.addEventListener("block", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => refresh(enliven), QUIET);
  });
  source.addEventListener("end", () => {
    source.close();
    window.location.reload();
  });
  window.addEventListener("pagehide", () => source.close());
}

async function refresh(enliven) {
  if (document.hidden) {
    document.addEventListener("visibilitychange", () => refresh(enliven), { once: true });
    return;
  }
  const response = await fetch(window.location.href, { headers: { "X-Live": "1" } });
  if (response.status === 401) window.location.reload();
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live][id]")) {
    const other = fresh.getElementById(part.id);
    // what somebody is using stays as it is
    if (!other || other.innerHTML === part.dataset.was || part.contains(document.activeElement)) continue;
    const was = other.innerHTML;
    if (part.dataset.was === undefined && part.textContent === other.textContent) {
      part.dataset.was = was;
      continue;
    }
    part.replaceChildren(...other.childNodes);
    part.dataset.was = was;
    part.classList.remove("swapped");
    window.requestAnimationFrame(() => part.classList.add("swapped"));
    enliven(part);
  }
}
