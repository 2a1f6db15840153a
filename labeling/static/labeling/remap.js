// One's own keys: a press on "Change" waits for the next key. The server keeps them and refuses a key that is taken.
import { send } from "./api.js";
import { useKeys } from "./keys.js";
import { $, announce, write } from "./page.js";
import { config, say } from "./words.js";

const MINUS = "\u2212";
let waiting = null; // the row whose key is pressed next

const capOf = (key) => (key === "-" ? MINUS : key.length > 1 ? key[0].toUpperCase() + key.slice(1) : key.toUpperCase());

function tell(words, isBad = false) {
  write($("keys-said"), words);
  $("keys-said").classList.toggle("bad", isBad);
  if (words && !isBad) announce(words);
}

function wait(row) {
  waiting?.removeAttribute("data-waits");
  waiting = row;
  row?.setAttribute("data-waits", "");
  if (row) tell(say("key_press", { name: row.querySelector(".key-name").textContent }));
}

/** Every cap on the page shows what holds. */
function show({ own, actions, labels }) {
  config.own_keys = own;
  for (const model of [config, ...Object.values(config.models ?? {})]) {
    model.keys = actions;
    for (const label of model.labels) if (label.slug in labels) label.hotkey = capOf(labels[label.slug]);
  }
  useKeys(undefined, actions);
  for (const cap of document.querySelectorAll("[data-cap], [data-key-of] .key:first-child")) {
    const name = cap.dataset.cap ?? cap.closest("[data-key-of]").dataset.keyOf;
    const slug = name.split("label:")[1];
    const key = slug === undefined ? actions[name]?.[0] : labels[slug];
    write(cap, key ? capOf(key) : "");
    cap.hidden = !key;
  }
}

async function save(keys, words) {
  try {
    show(await send("PUT", config.urls.keys, { keys }));
    tell(words);
  } catch (error) {
    tell(error.kind === "refused" ? error.message : say("keys_late"), true);
  }
}

function onKeyDown(event) {
  if (!waiting) return;
  if (["Tab", "Shift", "Control", "Alt", "AltGraph", "Meta"].includes(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  const row = waiting;
  wait(null);
  if (event.key === "Escape") return tell("");
  const [key, name] = [event.key.toLowerCase(), row.querySelector(".key-name").textContent];
  save({ ...config.own_keys, [row.dataset.keyOf]: key }, say("key_is", { name, key: capOf(key) }));
}

export function startRemap() {
  for (const button of document.querySelectorAll("[data-remap]"))
    button.setAttribute("aria-label", say("change_key", { name: button.closest("li").querySelector(".key-name").textContent }));
  $("keys").addEventListener("keydown", onKeyDown, { capture: true });
  $("keys").addEventListener("click", (event) => {
    const button = event.target.closest("[data-remap]");
    wait(button ? button.closest("[data-key-of]") : null);
  });
  $("keys-usual").addEventListener("click", () => save({}, say("keys_usual")));
  $("keys").addEventListener("close", () => { wait(null); tell(""); });
}
