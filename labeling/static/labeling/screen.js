// Puts things on the page. Text goes in as text, never as markup; nothing here decides anything.
import { $, announce, use, write } from "./page.js";
import { present } from "./stage.js";
import { count, left, rules, say } from "./words.js";

const body = document.body;

const MESSAGES = {
  loading: ["run", "loading", "loading_why"],
  late: ["offline", "loading", "late_why"],
  unreadable: ["bad-image", "broken", "broken_why"],
  missing: ["bad-image", "broken", "missing_why"],
  empty: ["ok", "empty", "empty_why"],
  offline: ["offline", "cut_off", "cut_off_why"],
  session: ["lock", "ended", "ended_why"],
  refused: ["lock", "refused", null],
  paused: ["clock", "paused", "paused_why"],
};
const BROKEN = ["unreadable", "missing"];

/** `state`: judge, or a key of MESSAGES. `detail` replaces the explanation, `values` stand in the title. */
export function showState(state, detail = null, values = {}) {
  const wasSame = body.dataset.state === state;
  body.dataset.state = state;
  const hasPart = state === "judge" || ["loading", "late", ...BROKEN].includes(state);
  for (const id of ["judge", "unsure", "bad-image", "more"]) $(id).hidden = !hasPart;
  $("recent").hidden = hasPart;
  $("shot").hidden = state !== "judge";
  $("message").hidden = state === "judge";
  $("again").hidden = !BROKEN.includes(state);
  $("unskip").hidden = true;
  $("sign-in").hidden = state !== "session";
  $("resume").hidden = state !== "paused";
  if (state === "judge") return;
  const [icon, title, why] = MESSAGES[state];
  use($("message"), icon);
  $("message").querySelector("svg").classList.toggle("spin", state === "loading");
  write($("message").querySelector("h2"), say(title, values));
  write($("message").querySelector("p"), detail ?? (why ? say(why) : ""));
  if (!wasSame && state !== "loading") announce(`${say(title, values)}. ${detail ?? (why ? say(why) : "")}`);
}

/** Image, facts and suggestion appear in the same frame: never the one part's image with the other's words. */
export function showReview(entry, ahead) {
  present(entry, ahead);
  showFacts(entry.review);
  showPrediction(entry.review);
}

function showFacts(review) {
  write($("source"), review.source || "\u00a0");
  for (const [id, text] of [["part", review.part], ["lot", review.lot || "–"], ["taken", review.site_time]]) {
    write($(id), text);
    $(id).title = text;
  }
  $("taken").dateTime = review.captured_at;
  const rows = Object.entries(review.metadata).map(([name, value]) => {
    const row = document.createElement("div");
    row.append(document.createElement("dt"), document.createElement("dd"));
    row.firstChild.textContent = name;
    row.lastChild.textContent = typeof value === "object" ? JSON.stringify(value) : String(value);
    return row;
  });
  $("metadata").replaceChildren(...rows);
  $("metadata").hidden = rows.length === 0;
}

function showPrediction(review) {
  const said = review.blind ? null : review.prediction;
  const [what, why] = said ? [said.name, say("by_version", { version: said.version })] : withoutPrediction(review);
  write($("what"), what);
  $("what").title = what;
  write($("why"), why);
  $("hidden-icon").toggleAttribute("hidden", what !== say("hidden"));
  const share = said?.confidence ?? null;
  const percent = share === null ? null : share < 1 ? Math.min(99, Math.round(share * 100)) : 100;
  write($("percent"), percent === null ? "" : say("percent", { n: percent }));
  $("conf").toggleAttribute("hidden", percent === null);
  $("conf").querySelector(".fill").setAttribute("width", String(Math.round(256 * (share ?? 0))));
  $("conf").setAttribute("aria-label", percent === null ? "" : say("confidence", { n: percent }));
  write($("it-is"), say(said && $("suggested") ? "or_it_is" : "it_is"));
  if (!$("suggested")) return;
  $("suggested").hidden = false;
  $("suggested").classList.toggle("kept-free", !said || !rules(review).policy.allow_suggestion);
  write($("suggested-name"), said?.name ?? "");
}

function withoutPrediction(review) {
  if (review.reason === "first_labels") return [say("first_labels"), say("first_labels_why")];
  if (review.blind) return [say("hidden"), say(review.reason === "adjudication" ? "second_opinion" : "hidden_why")];
  return [say("no_prediction"), say("no_prediction_why")];
}

/** While it is not open nothing counts, and the buttons show it. On a broken image only "Bad image" is open. */
export function showGate(isOpen, broken) {
  body.toggleAttribute("data-wait", !isOpen || broken);
  for (const button of document.querySelectorAll("[data-say], #suggested"))
    button.setAttribute("aria-disabled", String(!isOpen || (broken && button.id !== "bad-image")));
  write($("wait"), say(broken ? "only_bad_image" : "wait"));
}

/** Nothing waits but what this person skipped. */
export function offerSkipped(n) {
  $("unskip").hidden = n === 0;
  if (n) write($("message").querySelector("p"), count("skipped_why", n));
}

/** The last image is gone and the next is not there yet. */
export function showNothing() {
  body.dataset.state = "fetching";
  $("shot").hidden = true;
  $("message").hidden = true;
  $("recent").hidden = true;
  for (const id of ["judge", "unsure", "bad-image", "more"]) $(id).hidden = false;
}

let flashing = 0;
export function flashWait() {
  $("wait").classList.remove("flash");
  void $("wait").offsetWidth; // starts the flash again
  $("wait").classList.add("flash");
  clearTimeout(flashing);
  flashing = setTimeout(() => $("wait").classList.remove("flash"), 1200);
}

export function showDeadline(review) {
  const rest = review?.deadline ? left(review.deadline) : null;
  $("due").hidden = review?.mode !== "blocking" || !review.deadline;
  $("due").classList.toggle("late", rest === null || /^[01]:\d\d$/.test(rest));
  write($("due").querySelector("span"), rest === null ? say("overdue") : say("due", { left: rest }));
}
