// The signs around the image: counts, the chip in the head, the notice, undo and the last verdicts.
import { $, announce, use, write } from "./page.js";
import { config, inside, say } from "./words.js";

export function showCounts(nToday, nWaiting) {
  write($("today"), say("today", { n: nToday }));
  write($("waiting"), nWaiting > 0 ? say("waiting", { n: nWaiting }) : say("waiting_none"));
}

/** The chip in the head: `icon`, words, and whether something is held up. */
export function showLine(icon, words, isHeld) {
  use($("line"), icon);
  write($("line").querySelector("span"), words);
  $("line").classList.toggle("held", isHeld);
}

/** The exact count, for whoever watches the page by machine: the words wait a moment, so that they do not flicker. */
export function showUnsent(n) {
  $("line").dataset.unsent = String(n);
}

let announced = null;
/** The one notice, said aloud once per `kind`; null takes it away. */
export function showNotice(notice) {
  if (notice && notice.kind !== announced) announce(notice.text);
  announced = notice?.kind ?? null;
  $("notice").hidden = notice === null;
  if (notice === null) return;
  use($("notice"), notice.icon);
  $("notice").classList.toggle("plain", Boolean(notice.plain));
  write($("notice").querySelector("[data-words]"), notice.text);
  const link = $("notice").querySelector("[data-link]");
  link.hidden = !notice.link;
  write(link, notice.link ?? "");
  link.href = config.urls.login;
}

export function showUndo(last, when) {
  $("undo").setAttribute("aria-disabled", String(!last));
  write($("undo-what"), last ? inside(last.name) : say("undo_nothing"));
  write($("undo-ago"), last ? say("undo_ago", { ago: when }) : "");
}

export function showRecent(spoken, change) {
  const rows = spoken.map((one) => {
    const row = document.createElement("li");
    const text = document.createElement("div");
    const under = document.createElement("span");
    text.append(one.name, document.createElement("br"), under);
    under.textContent = `${say("part", { part: one.part })} · ${new Date(one.said_at).toLocaleTimeString(document.documentElement.lang, { hour12: false })}`;
    row.append(text);
    if (one.can_undo) {
      const button = document.createElement("button");
      button.className = "btn btn-quiet";
      button.type = "button";
      button.textContent = say("change_short");
      button.setAttribute("aria-label", say("change", { name: inside(one.name), part: one.part }));
      button.addEventListener("click", () => change(one));
      row.append(button);
    }
    return row;
  });
  $("recent").querySelector("ul").replaceChildren(...rows);
}

