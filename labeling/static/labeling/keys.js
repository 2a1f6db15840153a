// One key per verdict. Keys act while no field has the focus and no dialog is open; a held key speaks once.
// Which key does what is the person's own: the server says it (labeling/keymap.py), the caps on the buttons show it.
import { act } from "./acts.js";
import { config } from "./words.js";

const FIELDS = "input, textarea, select, [contenteditable]";
const PRESSED_BY_KEY = "button, a, summary";
const HELD_GOES_ON = new Set(["zoom_in", "zoom_out", "brighter", "darker", "contrast_more", "contrast_less"]);
const ARROWS = { arrowleft: [1, 0], arrowright: [-1, 0], arrowup: [0, 1], arrowdown: [0, -1] };
const SAYS = new Set(["suggested", "unsure", "bad_image", "undo", "skip"]);

let byKey = new Map();
let inUse = [];

/** `labels` are those of the part on screen: [{ slug, hotkey }]; without them those that were. */
export function useKeys(labels = inUse, keys = config.keys) {
  inUse = labels;
  const own = Object.entries(keys).flatMap(([name, caps]) => caps.map((cap) => [cap, { name }]));
  const of = labels.filter((one) => one.hotkey).map((one) => [one.hotkey.toLowerCase(), { name: "label", slug: one.slug }]);
  byKey = new Map([...own, ...of]);
}

/** What a key stands for: { name, slug? }, or nothing. */
export const meaning = (key) => byKey.get(key);

function isElsewhere(event) {
  const isChord = (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState("AltGraph");
  return isChord || event.isComposing || event.target.closest?.(FIELDS) || document.querySelector("dialog[open]");
}

function onKeyDown(event) {
  if (isElsewhere(event)) return;
  const key = event.key.toLowerCase();
  if ((key === "enter" || key === " ") && event.target.closest(PRESSED_BY_KEY)) {
    if (event.repeat) event.preventDefault(); // the button in focus is pressed once
    return;
  }
  if (key in ARROWS && act("pan", ...ARROWS[key])) event.preventDefault();
  const meant = byKey.get(key);
  if (!meant) return;
  event.preventDefault();
  if (event.repeat && !HELD_GOES_ON.has(meant.name)) {
    if (meant.slug || SAYS.has(meant.name)) act("ignored");
    return;
  }
  act(meant.name, ...(meant.slug ? [meant.slug] : []));
}

export function listenToKeys() {
  document.addEventListener("keydown", onKeyDown);
  document.addEventListener("keyup", (event) => {
    if (byKey.get(event.key.toLowerCase())?.name === "hide") act("unhide");
  });
  addEventListener("blur", () => act("unhide"));
}
