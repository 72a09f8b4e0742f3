// Tables that are shown whole are sorted here; those in pages are sorted by the server.
export function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (head.querySelector("button")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, heads, column));
  });
}

function sort(table, heads, column) {
  const up = heads[column].getAttribute("aria-sort") === "descending";
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", up ? "ascending" : "descending");
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => {
    const [x, y] = [a.cells[column], b.cells[column]];
    if (!x || !y) return 0;
    const order =
      x.dataset.value !== undefined && y.dataset.value !== undefined
        ? compare(BigInt(x.dataset.value), BigInt(y.dataset.value))
        : collator.compare(x.textContent.trim(), y.textContent.trim());
    return up ? order : -order;
  });
  table.tBodies[0].append(...rows);
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
