// A part with several views: each under a bar with its name, one of them enlarged where somebody wants it, and each
// marked by itself where its image is bad. Every part begins with all of them side by side: a verdict is about all.
import { act, on } from "./acts.js";
import { $, announce } from "./page.js";
import { config, say } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
let entry = null; // what is on screen

const barred = (one) => one?.layer?.querySelectorAll(".cell") ?? [];
const viewsOf = (one) => one.review.items.map(({ view }) => view);
const nextView = (one, view) => viewsOf(one)[viewsOf(one).indexOf(view) + 1] ?? null;
const badViewsOf = (one) => (one.badViews ??= new Set());

/** The view that is enlarged, or null. */
export const enlarged = () => entry?.layer?.dataset.big ?? null;

/** Where no view can be judged the part is a bad image, and has no label. */
export const areAllBad = (one) => badViewsOf(one).size === one.images.length && one.images.length > 1;

/** What a verdict says of views: of a bad image that alone, of the others what `findings` say. */
export function withBadViews(one, findings) {
  const bad = badViewsOf(one);
  return [...findings.filter(({ view }) => !bad.has(view)), ...[...bad].map((view) => ({ view, bad_image: true }))];
}

function icon(name) {
  const [svg, use] = ["svg", "use"].map((tag) => document.createElementNS(SVG, tag));
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

function button(className, name, words, action, does) {
  const [one, text, cap] = ["button", "span", "kbd"].map((tag) => document.createElement(tag));
  [one.type, one.className, text.textContent] = ["button", className, words];
  [cap.className, cap.dataset.cap, cap.textContent] = ["key", action, config.keys[action]?.[0]?.toUpperCase() ?? ""];
  one.append(icon(name), text, cap);
  one.setAttribute("aria-pressed", "false");
  one.addEventListener("click", does);
  return one;
}

/** Under its bar each frame gets what is left of its cell. */
function dress(one, layer) {
  if (one.images.length < 2) return false;
  layer.querySelectorAll(".frame").forEach((frame, place) => {
    const view = one.review.items[place].view;
    const [cell, bar] = [document.createElement("div"), document.createElement("div")];
    [cell.className, cell.dataset.view, bar.className] = ["cell", view, "view-bar"];
    bar.append(
      button("view-name", "full", view, "view", () => enlarge(enlarged() === view ? null : view)),
      button("view-bad", "bad-image", say("bad_image"), "bad_view", () => toggleBad(view)),
    );
    frame.replaceWith(cell);
    cell.append(bar, frame);
    frame.addEventListener("click", () => { if (enlarged() && enlarged() !== view) enlarge(view); });
  });
  layer.style.setProperty("--others", String(one.images.length - 1));
  paint(one, layer);
  return false; // others may have something to add
}

function paint(one, layer = one.layer) {
  const big = layer?.dataset.big;
  const onKey = nextView(one, big ?? null) ?? big;
  for (const cell of layer?.querySelectorAll(".cell") ?? []) {
    const { view } = cell.dataset;
    const isBad = badViewsOf(one).has(view);
    cell.classList.toggle("big", view === big);
    cell.classList.toggle("bad", isBad);
    const [name, bad] = cell.querySelectorAll(".view-bar button");
    name.setAttribute("aria-pressed", String(view === big));
    name.setAttribute("aria-label", say(view === big ? "all_views" : "enlarge_view", { view }));
    bad.setAttribute("aria-pressed", String(isBad));
    bad.setAttribute("aria-label", say("bad_view", { view }));
    name.querySelector(".key").hidden = view !== onKey; // the key is printed where it leads
    bad.querySelector(".key").hidden = view !== big;
  }
}

function enlarge(view) {
  if (view === null) delete entry.layer.dataset.big;
  else entry.layer.dataset.big = view;
  paint(entry);
  announce(view === null ? say("all_views_said") : say("enlarged_said", { view }));
  $("shot").dispatchEvent(new Event("framed"));
}

function toggleBad(view) {
  const bad = badViewsOf(entry);
  if (!bad.delete(view)) bad.add(view);
  paint(entry);
  announce(say(bad.has(view) ? "bad_view_said" : "good_view_said", { view }));
}

/** The next view, and after the last one all of them. */
function next() {
  if (!barred(entry).length) return act("tell", say("one_view"));
  return enlarge(nextView(entry, enlarged()));
}

function markBad() {
  if (!barred(entry).length) act("tell", say("one_view_bad"));
  else if (!enlarged()) act("tell", say("enlarge_first"));
  else toggleBad(enlarged());
}

function shown(now) {
  if (now !== entry && entry?.layer) {
    delete entry.layer.dataset.big;
    paint(entry);
  }
  entry = now ?? null;
  return false;
}

export function startViews() {
  on("dress", dress);
  on("shown", shown);
  on("view", next);
  on("bad_view", markBad);
  // A touched button does not keep the focus: Enter then still means "as suggested".
  $("shot").addEventListener("mousedown", (event) => { if (event.target.closest(".view-bar button")) event.preventDefault(); });
}
