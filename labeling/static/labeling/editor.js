// The list of a part's regions beside the image, and what can be done with each: by key, by mouse, by touch.
// While it is open no key says what the part is.
import { on } from "./acts.js";
import { Drawing } from "./drawing.js";
import { meaning } from "./keys.js";
import { labelName, nameOf, redraw, regionsOf } from "./overlay.js";
import { $, announce, write } from "./page.js";
import { rules, say } from "./words.js";
import { zoom } from "./view.js";
import { enlarged } from "./views.js";

const ARROWS = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] };
const PASSES = new Set(["zoom_in", "zoom_out", "fit", "brighter", "darker", "contrast_more", "contrast_less", "invert", "pixels", "hide", "full", "view"]);
const STEPS_ACROSS = 400; // an arrow key moves by so small a part of the image
const MIDDLE = 0.2; // of the image: a box that is placed by a key

let entry = null; // what is on screen
let isOpen = false;
let brush = null; // the label of what is drawn next
let again = null; // the region that is being drawn anew
const drawing = new Drawing({ regions: () => (isOpen ? regions() : null), done: drawn, chosen: choose, moved: refresh });

const regions = () => entry && regionsOf(entry);
const labels = () => rules(entry.review).labels;

function open() {
  if (!entry?.images.length) return;
  isOpen = true;
  brush = entry.review.prediction?.label ?? null;
  if (!labels().some((one) => one.slug === brush && one.is_defect)) brush = labels().find((one) => one.is_defect)?.slug ?? labels()[0]?.slug;
  document.body.toggleAttribute("data-regions", true);
  $("regions").hidden = false;
  regions().choose(regions().list.length ? 0 : null);
  $("region-labels").replaceChildren(...labels().filter((one) => one.is_defect).map(labelButton));
  refresh();
  ($("region-list").querySelector("button") ?? $("region-box")).focus({ preventScroll: true });
}

function close() {
  if (!isOpen) return;
  isOpen = false;
  drawing.begin(null);
  document.body.removeAttribute("data-regions");
  if ($("regions").contains(document.activeElement)) document.activeElement.blur(); // Enter means "as suggested" again
  $("regions").hidden = true;
  if (entry) {
    regions().choose(null);
    redraw(entry);
  }
}

// ---------- what is shown ----------

function refresh() {
  const had = document.activeElement?.closest("#region-list [data-at]") !== null;
  redraw(entry);
  $("region-list").replaceChildren(...regions().list.map(row));
  $("region-none").hidden = regions().list.length > 0;
  if (had) $("region-list").querySelector("[aria-pressed=true]")?.focus({ preventScroll: true });
  const { current } = regions();
  write($("region-remove-word"), say(current?.origin === "removed" ? "region_put_back" : "region_remove"));
  for (const id of ["region-remove", "region-again"]) $(id).setAttribute("aria-disabled", String(!current));
  $("region-undo").setAttribute("aria-disabled", String(!regions().isEdited));
  const label = current?.label ?? brush;
  for (const button of document.querySelectorAll("[data-region-label]")) {
    button.setAttribute("aria-pressed", String(button.dataset.regionLabel === label));
  }
  hint();
}

/** The defects of the part's own model: a station may show several models' parts. */
function labelButton({ slug, name, hotkey }) {
  const [button, words] = [document.createElement("button"), document.createElement("span")];
  [button.type, button.className, button.dataset.regionLabel, words.textContent] = ["button", "btn", slug, name];
  button.append(words);
  if (hotkey) {
    const cap = document.createElement("kbd");
    [cap.className, cap.textContent] = ["key", hotkey];
    button.append(cap);
  }
  button.addEventListener("click", () => relabel(slug));
  return button;
}

function row(one, at) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  const state = document.createElement("span");
  [button.type, button.className, button.dataset.at] = ["button", "region-row", at];
  button.setAttribute("aria-pressed", String(at === regions().chosen));
  state.className = "small";
  state.textContent = say(`region_${one.origin}`);
  button.append(`${at + 1} ${nameOf(entry.review, one)}`, state);
  button.addEventListener("click", () => choose(at));
  button.addEventListener("focus", () => { if (regions().chosen !== at) choose(at); });
  item.append(button);
  return item;
}

function hint() {
  const words = drawing.kind === "polygon" ? "region_hint_polygon" : drawing.kind === "box" ? "region_hint_box" : "region_hint";
  write($("region-hint"), say(words));
  for (const kind of ["box", "polygon"]) $(`region-${kind}`).setAttribute("aria-pressed", String(drawing.kind === kind));
}

function tell(key) {
  const { current } = regions();
  announce(say(key, { name: current ? labelName(entry.review, current.label) : "" }));
}

// ---------- what can be done ----------

function choose(at) {
  regions().choose(at);
  refresh();
}

function draw(kind, at = null) {
  again = at;
  drawing.begin(drawing.kind === kind ? null : kind);
  hint();
}

function drawn(view, shape) {
  const isThere = again !== null && regions().list[again]?.view === view ? regions().place(again, shape) : regions().add(view, shape, brush);
  again = null;
  if (isThere) tell("region_added_said");
  refresh();
}

/** By key alone: a box in the middle, which the arrows then move. */
function inTheMiddle() {
  const view = enlarged() ?? entry.review.items[0].view;
  const [width, height] = regions().sizes.get(view);
  drawing.begin(null);
  const side = [width * MIDDLE, height * MIDDLE];
  drawn(view, { box: [(width - side[0]) / 2, (height - side[1]) / 2, ...side] });
  $("region-list").querySelector("[aria-pressed=true]")?.focus({ preventScroll: true });
}

function remove() {
  const { chosen, current } = regions();
  if (!current) return;
  tell(current.origin === "removed" ? "region_kept_said" : "region_removed_said");
  regions().remove(chosen);
  refresh();
}

function relabel(slug) {
  if (!slug) return;
  brush = slug;
  if (regions().current) regions().relabel(regions().chosen, slug);
  refresh();
}

function undo() {
  if (drawing.kind) drawing.begin(null);
  else if (regions().undo()) announce(say("region_undone"));
  refresh();
}

function nudge(way, event) {
  const { chosen, current } = regions();
  if (!current) return;
  const step = Math.max(1, Math.round(regions().sizes.get(current.view)[0] / STEPS_ACROSS / zoom()));
  regions().nudge(chosen, way.map((one) => one * step), event.shiftKey);
  refresh();
}

// ---------- keys: before the station's own ----------

function onKey(event) {
  if (!isOpen || event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  const isPress = (key === " " || (key === "enter" && !drawing.kind)) && event.target.closest?.("button, a, summary");
  if (key === "tab" || isPress) return event.stopImmediatePropagation();
  const meant = meaning(key);
  if (meant && PASSES.has(meant.name)) return;
  event.stopImmediatePropagation();
  event.preventDefault();
  if (key in ARROWS) return nudge(ARROWS[key], event);
  if (event.repeat) return;
  if (key === "escape") return drawing.kind ? undo() : close();
  if (key === "enter") return drawing.kind === "box" ? inTheMiddle() : drawing.kind ? drawing.finish() : close();
  if (key === "delete" || key === "backspace") return remove();
  if (meant?.slug) return relabel(meant.slug);
  const does = { undo, regions: close }[meant?.name] ?? { b: () => draw("box"), p: () => draw("polygon") }[key];
  does?.();
}

export function startEditor() {
  document.addEventListener("keydown", onKey, { capture: true });
  on("regions", () => (isOpen ? close() : open()));
  on("shown", (now) => {
    if (now !== entry) close();
    entry = now;
    return false;
  });
  const clicks = {
    "region-box": () => draw("box"), "region-polygon": () => draw("polygon"), "region-remove": remove, "region-undo": undo,
    "region-again": () => regions().current && draw(regions().current.polygon ? "polygon" : "box", regions().chosen),
    "region-done": close,
  };
  for (const [id, does] of Object.entries(clicks)) $(id).addEventListener("click", does);
}
