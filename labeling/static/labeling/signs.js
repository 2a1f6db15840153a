// The signs around the image: counts, the chip in the head, the notice, undo and the last verdicts.
import { act } from "./acts.js";
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

/** A message in the stage's place, in which the elements `hidden` stood. */
export function showMessage(hidden, icon, title, why, { canTryAgain = false } = {}) {
  for (const id of hidden) $(id).hidden = true;
  $("message").hidden = false;
  use($("message"), icon);
  write($("message").querySelector("h2"), title);
  write($("message").querySelector("p"), why);
  $("again").hidden = !canTryAgain;
  announce(`${title}. ${why}`);
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
  link.dataset.act = "sign_in";
  write(link, notice.link ?? "");
  link.href = config.urls.login; // with a click the dialog over the page opens instead
}

export function showUndo(last, when) {
  $("undo").setAttribute("aria-disabled", String(!last));
  write($("undo-what"), last ? inside(last.name) : say("undo_nothing"));
  write($("undo-ago"), last ? say("undo_ago", { ago: when }) : "");
}

/** The last verdicts, wherever they are listed. A row's button says `edit` or `challenge`. */
export function showRecent(spoken) {
  const rows = JSON.stringify(spoken.map((one) => [one.client_id, one.name, one.can_undo, one.can_challenge, one.case]));
  for (const list of document.querySelectorAll("[data-recent]")) {
    if (drawn.get(list) === rows) continue; // a button that has the focus stays where it is
    drawn.set(list, rows);
    list.replaceChildren(...spoken.map(rowOf));
  }
  for (const none of document.querySelectorAll("[data-recent-none]")) none.hidden = spoken.length > 0;
}

const drawn = new WeakMap(); // the rows that stand in each list
const TO_DO = { edit: ["change_short", "change"], challenge: ["challenge_short", "challenge"] };

function rowOf(one) {
  const [row, text, under] = [document.createElement("li"), document.createElement("div"), document.createElement("span")];
  text.append(one.name, document.createElement("br"), under);
  const time = new Date(one.said_at).toLocaleTimeString(document.documentElement.lang, { hour12: false });
  under.textContent = `${say("part", { part: one.part })} · ${time}`;
  row.append(text);
  if (one.case) text.append(decided(one.case));
  const what = one.can_undo ? "edit" : one.can_challenge ? "challenge" : null;
  if (!what) return row;
  const button = document.createElement("button");
  const [short, long] = TO_DO[what];
  [button.className, button.type, button.textContent] = ["btn btn-quiet", "button", say(short)];
  button.setAttribute("aria-label", say(long, { name: inside(one.name), part: one.part }));
  button.addEventListener("click", () => act(what, one));
  row.append(button);
  return row;
}

/** What a colleague decided about it and why, or that it waits. */
function decided({ state, settled_as: name, why }) {
  const line = document.createElement("p");
  const key = state === "waiting" ? "case_waits" : why ? "case_settled_why" : "case_settled";
  line.textContent = say(key, { name: inside(name ?? ""), why });
  return line;
}
