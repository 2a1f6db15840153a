// What lies on the image: boxes, the heat map, or nothing. The choice stays from image to image.
import { on } from "./acts.js";
import { config } from "./words.js";

const KEY = `reviewapp.overlay.${config.model?.slug ?? ""}`;
const MODES = ["box", "heat", "off"];
const STRENGTHS = 3;

function remembered() {
  try { return sessionStorage.getItem(KEY)?.split(" ") ?? []; } catch { return []; } // then boxes are shown
}

export const overlay = () => document.body.dataset.overlay;

function set(mode, strength) {
  Object.assign(document.body.dataset, { overlay: mode, heat: String(strength) });
  for (const name of MODES)
    for (const button of document.querySelectorAll(`[data-act=overlay_${name}]`)) button.setAttribute("aria-pressed", String(name === mode));
  try { sessionStorage.setItem(KEY, `${mode} ${strength}`); } catch { /* it stays as long as the page */ }
  if (mode === "heat") fetchMaps(document);
}

/** A heat map is only asked for once somebody wants to see one. */
function fetchMaps(holder) {
  for (const image of holder.querySelectorAll("img.heat[data-src]")) {
    image.src = image.dataset.src;
    image.removeAttribute("data-src");
  }
}

function dress(entry, layer) {
  const maps = new Map((entry.review.blind ? [] : entry.review.prediction?.views ?? []).map((one) => [one.view, one.heatmap_url]));
  for (const plate of layer.querySelectorAll(".plate")) {
    const url = maps.get(plate.dataset.view);
    if (!url) continue;
    const image = document.createElement("img");
    [image.className, image.alt, image.dataset.src, image.draggable] = ["heat", "", url, false];
    plate.prepend(image);
  }
  if (overlay() === "heat") fetchMaps(layer);
  return false;
}

/** Without anything to show the buttons say so; in a blind review there never is. */
function shown(entry) {
  const views = entry && !entry.review.blind ? entry.review.prediction?.views ?? [] : [];
  const has = { box: views.some((one) => one.regions.length), heat: views.some((one) => one.heatmap_url), off: true };
  for (const name of MODES)
    for (const button of document.querySelectorAll(`[data-act=overlay_${name}]`)) button.setAttribute("aria-disabled", String(!has[name]));
  return false;
}

export function startHeat() {
  const [mode, strength] = remembered();
  set(MODES.includes(mode) ? mode : "box", Number(strength) || 2);
  on("dress", dress);
  on("shown", shown);
  on("overlay_box", () => set("box", document.body.dataset.heat));
  on("overlay_off", () => set("off", document.body.dataset.heat));
  on("overlay_heat", () => set("heat", overlay() === "heat" ? (Number(document.body.dataset.heat) % STRENGTHS) + 1 : document.body.dataset.heat));
}
