// How the image is looked at: zoom, place, brightness, contrast, inverted, pixels. It stays from image to image.
// Everything is a custom property of #shot, which every layer inherits: what comes next is prepared as it will be seen.
import { act, on } from "./acts.js";
import { $ } from "./page.js";
import { config, say } from "./words.js";

const KEY = `reviewapp.view.${config.model.slug}`;
const STEPS = [1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
const USUAL = 8; // as far as one gets into an image that fits a screen or two
const LIGHT = { least: 0.4, most: 2.5, step: 0.1 };
const PAN_STEP = 0.1;
const AS_IT_IS = { zoom: 1, x: 0, y: 0, brightness: 1, contrast: 1, invert: false, pixels: false };
const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

let state = { ...AS_IT_IS, ...remembered() };
let most = USUAL;

function remembered() {
  try { return JSON.parse(sessionStorage.getItem(KEY)) ?? {}; } catch { return {}; } // then it begins as it is
}

export const zoom = () => state.zoom;

/** How far one may get into what is on screen, at least as far as usual. */
export function reach(factor) {
  most = clamp(STEPS.find((one) => one >= factor) ?? STEPS.at(-1), USUAL, STEPS.at(-1));
  if (state.zoom > most) zoomTo(most);
}

/** What was changed of the image's look: stored with the verdict. */
export function lookOfImage() {
  return Object.fromEntries(Object.entries(state).filter(([name, value]) => value !== AS_IT_IS[name]));
}

function set(change) {
  state = { ...state, ...change };
  const rim = (state.zoom - 1) / 2; // as a share of the frame: the image's edge stays at the frame's
  [state.x, state.y] = [clamp(state.x, -rim, rim), clamp(state.y, -rim, rim)];
  try { sessionStorage.setItem(KEY, JSON.stringify(state)); } catch { /* it stays as long as the page */ }
  apply();
}

function apply() {
  const { style, dataset } = $("shot");
  style.setProperty("--zoom", String(state.zoom));
  style.setProperty("--x", `${state.x * 100}%`);
  style.setProperty("--y", `${state.y * 100}%`);
  const { brightness, contrast, invert } = state;
  const filters = [brightness !== 1 && `brightness(${brightness})`, contrast !== 1 && `contrast(${contrast})`, invert && "invert(1)"];
  style.setProperty("--look", filters.filter(Boolean).join(" ") || "none");
  dataset.pixels = state.pixels ? "sharp" : "smooth";
  dataset.zoomed = String(state.zoom > 1);
  for (const [name, value] of [["invert", invert], ["pixels", state.pixels]])
    for (const button of document.querySelectorAll(`[data-act=${name}]`)) button.setAttribute("aria-pressed", String(value));
  $("shot").dispatchEvent(new Event(state.zoom > 1 ? "closer" : "framed"));
}

/** `at` is the point that stays where it is, as a share of the frame from its middle. */
function zoomTo(factor, at = [0, 0]) {
  const next = clamp(factor, STEPS[0], most);
  const ratio = next / state.zoom;
  set({ zoom: next, x: at[0] - (at[0] - state.x) * ratio, y: at[1] - (at[1] - state.y) * ratio });
}

function step(way) {
  const next = way > 0 ? STEPS.find((one) => one > state.zoom + 0.01) : STEPS.findLast((one) => one < state.zoom - 0.01);
  zoomTo(next ?? state.zoom);
}

function light(name, way) {
  const value = Math.round((state[name] + way * LIGHT.step) * 10) / 10;
  set({ [name]: clamp(value, LIGHT.least, LIGHT.most) });
}

function pan(x, y) {
  if (state.zoom <= 1) return false;
  set({ x: state.x + x * PAN_STEP * state.zoom, y: state.y + y * PAN_STEP * state.zoom });
  return true;
}

// ---------- fingers, mouse, wheel ----------

const down = new Map();

function frameOf(event) {
  const frame = event.target.closest?.(".frame");
  return frame?.closest("[data-big] .cell:not(.big)") ? undefined : frame?.getBoundingClientRect(); // beside the enlarged view
}

function within(box, x, y) { return [(x - box.left) / box.width - 0.5, (y - box.top) / box.height - 0.5]; }

function onDown(event) {
  const box = frameOf(event);
  if (!box || event.button > 0) return;
  down.set(event.pointerId, { x: event.clientX, y: event.clientY, box });
}

function onMove(event) {
  const before = down.get(event.pointerId);
  if (!before) return;
  const now = { x: event.clientX, y: event.clientY, box: before.box };
  if (down.size === 1 && state.zoom > 1) {
    set({ x: state.x + (now.x - before.x) / now.box.width, y: state.y + (now.y - before.y) / now.box.height });
  } else if (down.size === 2) {
    const [, other] = [...down.entries()].find(([id]) => id !== event.pointerId);
    const spread = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
    zoomTo(state.zoom * (spread(now) / spread(before)), within(now.box, (now.x + other.x) / 2, (now.y + other.y) / 2));
  }
  down.set(event.pointerId, now);
}

function onWheel(event) {
  const box = frameOf(event);
  if (!box) return;
  event.preventDefault();
  zoomTo(state.zoom * Math.exp(-event.deltaY / 400), within(box, event.clientX, event.clientY));
}

async function fullScreen() {
  if (document.fullscreenElement) return document.exitFullscreen();
  return document.documentElement.requestFullscreen?.().catch(() => act("tell", say("no_full_screen")));
}

export function startView() {
  const shot = $("shot");
  shot.addEventListener("pointerdown", onDown);
  addEventListener("pointermove", onMove, { passive: true });
  for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, (event) => down.delete(event.pointerId));
  shot.addEventListener("wheel", onWheel, { passive: false });
  const acts = {
    zoom_in: () => step(1), zoom_out: () => step(-1), fit: () => set({ zoom: 1, x: 0, y: 0 }), pan,
    brighter: () => light("brightness", 1), darker: () => light("brightness", -1),
    contrast_more: () => light("contrast", 1), contrast_less: () => light("contrast", -1),
    invert: () => set({ invert: !state.invert }), pixels: () => set({ pixels: !state.pixels }), full: fullScreen,
    hide: () => document.body.toggleAttribute("data-hide", true), unhide: () => document.body.removeAttribute("data-hide"),
  };
  for (const [name, does] of Object.entries(acts)) on(name, does);
  apply();
}
