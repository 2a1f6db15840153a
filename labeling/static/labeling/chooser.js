// The list of all labels: for those without a button of their own, and to change what was said. Filtered by typing.
import { $, write } from "./page.js";
import { say } from "./words.js";

const plain = (text) => text.toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
let answer = null; // of the dialog that is open

function close(value) {
  const told = answer;
  answer = null;
  if ($("choose").open) $("choose").close();
  told?.(value);
}

function button({ name, hotkey = "", value }) {
  const one = document.createElement("button");
  [one.type, one.className] = ["button", "lab"];
  one.dataset.name = plain(name);
  if (hotkey) {
    const cap = document.createElement("kbd");
    cap.className = "key";
    cap.textContent = hotkey;
    one.append(cap);
  }
  const words = document.createElement("span");
  words.textContent = name;
  one.append(words);
  one.addEventListener("click", () => close(value));
  return one;
}

function filter() {
  const wanted = plain($("choose-filter").value.trim());
  const rows = [...$("choose-list").children];
  for (const row of rows) row.hidden = !row.dataset.name.includes(wanted);
  $("choose-none").hidden = rows.some((row) => !row.hidden);
}

/** `choices`: [{ name, hotkey?, value }]; `picture`: what is shown above them. Resolves with the value, or null when nothing was chosen. */
export function choose({ title, choices, picture = null }) {
  close(null);
  write($("choose-title"), title);
  $("choose-list").replaceChildren(...choices.map(button));
  $("choose-picture").replaceChildren(...(picture ? [picture] : []));
  $("choose").classList.toggle("with-picture", picture !== null);
  $("choose-filter").value = "";
  filter();
  $("choose").showModal();
  // With gloves on a keyboard on the screen would only be in the way, until somebody asks for it.
  (document.documentElement.dataset.mode === "glove" ? $("choose") : $("choose-filter")).focus();
  return new Promise((told) => { answer = told; });
}

export const choicesOf = (labels) => labels.map((one) => ({ name: one.name, hotkey: one.hotkey, value: { kind: "label", label: one.slug, name: one.name } }));

/** What else a part may be called. */
export const otherwise = () => ["unsure", "bad_image"].map((kind) => ({ name: say(kind), value: { kind, label: null, name: say(kind) } }));

export function startChooser() {
  $("choose-filter").addEventListener("input", filter);
  $("choose-filter").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const left = [...$("choose-list").children].filter((row) => !row.hidden);
    if (left.length === 1) left[0].click(); // with more than one left it is not said which
  });
  $("choose").addEventListener("close", () => close(null));
}
