// A note for the next verdict: written in the rail, sent with what is said next, then gone.
import { on } from "./acts.js";
import { $, announce, write } from "./page.js";
import { say } from "./words.js";

let text = "";

function show(isOpen) {
  $("remark").hidden = !isOpen && !text;
  for (const button of document.querySelectorAll("[data-act=note]")) button.setAttribute("aria-pressed", String(Boolean(text)));
  write($("remark-state"), say(text ? "note_goes" : "note_hint"));
}

function close() {
  text = $("remark-text").value.trim();
  $("remark-text").blur();
  show(false);
  if (text) announce(say("note_goes"));
}

/** The note, which belongs to this verdict and to no other. */
export function takeNote() {
  const note = $("remark-text").value.trim();
  forgetNote();
  return note;
}

export function forgetNote() {
  text = "";
  $("remark-text").value = "";
  show(false);
}

export function startNote() {
  on("note", () => {
    show(true);
    $("remark-text").focus();
  });
  $("remark-text").addEventListener("input", () => {
    text = $("remark-text").value.trim();
    show(true);
  });
  $("remark-text").addEventListener("keydown", (event) => {
    if (event.key === "Escape") $("remark-text").value = text = "";
    if (event.key !== "Escape" && !(event.key === "Enter" && !event.shiftKey)) return;
    event.preventDefault();
    close();
  });
}
