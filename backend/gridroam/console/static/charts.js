// Values of a chart where one points, or with the arrow keys.
export function pointAt(chart) {
  const { width, columns, points } = JSON.parse(chart.dataset.chart);
  const svg = chart.querySelector(".drawing");
  const cursor = chart.querySelector(".cursor");
  const tip = chart.querySelector(".tip");
  const said = chart.querySelector("[data-said]");
  let current = -1;

  function show(index, speak) {
    if (index < 0 || index >= points.length) return;
    current = index;
    const [x, wide, name, ...values] = points[index];
    const middle = x + wide / 2;
    cursor.setAttribute("transform", `translate(${middle} 0)`);
    tip.replaceChildren(heading(name), list(columns, values));
    tip.classList.toggle("at-left", middle > width / 2);
    tip.classList.toggle("at-right", middle <= width / 2);
    tip.hidden = false;
    chart.classList.add("pointed");
    if (speak) said.textContent = `${name}: ${columns.map((c, i) => `${c} ${values[i]}`).join(", ")}`;
  }

  function hide() {
    tip.hidden = true;
    chart.classList.remove("pointed");
  }

  function nearest(event) {
    const box = svg.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * width;
    let best = 0;
    let least = Infinity;
    points.forEach(([x, wide], index) => {
      const away = Math.abs(x + wide / 2 - place);
      if (away < least) [best, least] = [index, away];
    });
    return best;
  }

  svg.addEventListener("pointermove", (event) => show(nearest(event), false));
  svg.addEventListener("pointerdown", (event) => show(nearest(event), false));
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const last = points.length - 1;
    const to = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") hide();
    if (to === undefined) return;
    event.preventDefault();
    show(Math.min(Math.max(to, 0), last), true);
  });
}

function heading(text) {
  const made = document.createElement("strong");
  made.textContent = text;
  return made;
}

function list(names, values) {
  const made = document.createElement("dl");
  names.forEach((name, index) => {
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    term.textContent = name;
    value.textContent = values[index];
    made.append(term, value);
  });
  return made;
}
