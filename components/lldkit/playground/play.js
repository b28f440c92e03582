// The page asks for a trace, shows its SVG, and covers what comes after the moment that the reader has chosen.
const byId = (id) => document.getElementById(id);
const [nav, form, picture, play, time, moment, status] =
  ["components", "controls", "picture", "play", "time", "moment", "status"].map(byId);
const SVG = "http://www.w3.org/2000/svg";
const SHOW_SECONDS = 12; // how long the whole picture plays
let scenes = {}, name = "", trace = null, playing = null, asked = 0;

const round = (value) => Number(value.toPrecision(4)).toLocaleString("en");
const query = () => new URLSearchParams(location.search);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// What the address says: ?component=NAME&parameter=value#moment
function parameters() {
  const values = {};
  for (const field of form.elements) {
    if (!field.name) continue;
    const value = field.type === "checkbox" ? String(field.checked) : field.value;
    if (value !== field.dataset.default) values[field.name] = value;
  }
  return new URLSearchParams({ component: name, ...values });
}

function input(control, value) {
  const base = { name: control.name, "data-default": control.default };
  if (control.kind === "choice") {
    const made = element("select", base, ...control.choices.map((choice) => element("option", {}, choice)));
    made.value = value;
    return made;
  }
  if (control.kind === "switch") {
    const made = element("input", { ...base, type: "checkbox" });
    made.checked = value === "true";
    return made;
  }
  if (control.kind === "text") return element("input", { ...base, type: "text", value, placeholder: "none" });
  const [min, max] = control.bounds;
  return element("input", { ...base, type: "range", min, max, step: control.step, value });
}

function showControls() {
  const given = query();
  form.replaceChildren(...scenes[name].map((control) => {
    const field = input(control, given.get(control.name) ?? control.default);
    const shown = element("output", {}, control.kind === "slider" ? field.value : "");
    if (control.kind === "slider") field.addEventListener("input", () => { shown.value = field.value; });
    return element("label", {}, control.name.replaceAll("_", " ") + " ", shown, field);
  }));
}

function choose(component) {
  name = component;
  for (const link of nav.children) {
    if (link.dataset.name === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  showControls();
}

async function load() {
  const mine = ++asked;
  picture.classList.add("stale");
  const reply = await fetch(`trace?${parameters()}`);
  const body = reply.ok ? await reply.json() : await reply.text();
  if (mine !== asked) return; // a later question is on its way
  picture.classList.remove("stale");
  status.classList.toggle("refused", !reply.ok);
  if (!reply.ok) {
    status.textContent = body.replace(/^400 Bad Request: /, "").trim();
    return;
  }
  trace = body;
  picture.replaceChildren(document.importNode(new DOMParser().parseFromString(trace.svg, "image/svg+xml").documentElement, true));
  const [start, end] = trace.x;
  Object.assign(time, { min: start, max: end });
  const frozen = parseFloat(location.hash.slice(1));
  show(Number.isFinite(frozen) ? Math.min(end, Math.max(start, frozen)) : end);
}

// The value of a line at x, as the chart draws it.
function height(points, x, step) {
  const after = points.findIndex((point) => point[0] > x);
  if (after === 0 || !points.length) return null;
  const [x0, y0] = points[(after < 0 ? points.length : after) - 1];
  if (after < 0) return x > x0 ? null : y0;
  const [x1, y1] = points[after];
  return step || x1 === x0 ? y0 : y0 + (y1 - y0) * (x - x0) / (x1 - x0);
}

function says(mark, x) {
  if (mark.kind === "line") {
    const y = height(mark.points, x, mark.step);
    return y === null || !mark.name ? null : `${mark.name} ${round(y)}`;
  }
  if (mark.kind === "ticks" && mark.name) return `${mark.name}: ${mark.at.filter((at) => at <= x).length} so far`;
  if (mark.kind === "band" && mark.start <= x && x < mark.end) return mark.name || null;
  return null;
}

function describe(x) {
  if (x >= trace.x[1]) return `${trace.title}. ${trace.description}`;
  const parts = trace.panels.flatMap((panel) => {
    const told = [...new Set(panel.marks.map((mark) => says(mark, x)).filter(Boolean))];
    return told.length ? [`${panel.label ? `${panel.label}: ` : ""}${told.slice(0, 8).join(", ")}`] : [];
  });
  return `At ${round(x)} ${trace.x_label}. ${parts.join(". ")}.`;
}

function show(x, tell = true) {
  time.value = x;
  moment.value = `${round(x)} ${trace.x_label.split(",")[0]}`;
  const svg = picture.querySelector("svg"), [start, end] = trace.x;
  svg.querySelectorAll(".future, .cursor").forEach((old) => old.remove());
  if (x < end) {
    picture.scrollLeft = picture.scrollWidth * (x - start) / (end - start) - picture.clientWidth / 2; // where it is narrow
    for (const [left, top, right, bottom] of trace.areas) {
      const at = left + (right - left) * (x - start) / (end - start);
      svg.append(shape("rect", { class: "future", x: at, y: top, width: right - at + 2, height: bottom - top + 1 }),
        shape("line", { class: "cursor", x1: at, x2: at, y1: top, y2: bottom }));
    }
  }
  if (tell && !status.classList.contains("refused")) status.textContent = describe(x);
}

function pause() {
  if (playing) cancelAnimationFrame(playing);
  playing = null;
  play.textContent = "Play";
  play.setAttribute("aria-pressed", "false");
}

function freeze(x) {
  pause();
  show(x);
  history.replaceState(null, "", `?${parameters()}${x < trace.x[1] ? `#${Number(x.toPrecision(4))}` : ""}`);
}

play.addEventListener("click", () => {
  if (!trace) return;
  if (playing) return freeze(Number(time.value));
  const [start, end] = trace.x;
  let x = Number(time.value) >= end ? start : Number(time.value), before = performance.now(), told = -Infinity;
  play.textContent = "Pause";
  play.setAttribute("aria-pressed", "true");
  const frame = (now) => {
    x += (end - start) * (now - before) / 1000 / SHOW_SECONDS;
    before = now;
    if (x >= end) return freeze(end);
    show(x, now - told > 1000); // a listener is told once a second
    if (now - told > 1000) told = now;
    playing = requestAnimationFrame(frame);
  };
  playing = requestAnimationFrame(frame);
});

time.addEventListener("input", () => trace && freeze(Number(time.value)));
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => {
  pause();
  history.replaceState(null, "", `?${parameters()}${location.hash}`);
  load();
});
addEventListener("hashchange", () => trace && load());
addEventListener("popstate", () => start());

function start() {
  const wanted = query().get("component");
  choose(wanted in scenes ? wanted : Object.keys(scenes)[0]);
  return load();
}

scenes = await (await fetch("scenes")).json();
nav.replaceChildren(...Object.keys(scenes).map((each) =>
  element("a", { href: `?component=${encodeURIComponent(each)}`, "data-name": each }, each.replaceAll("_", " ").replace("/", ": "))));
await start();
