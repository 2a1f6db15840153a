// A case: look, decide, say why, settle. The case is leased while it is open, and the next one follows by itself.
import { act, listenToButtons, on } from "./acts.js";
import { post, postAndLeave, uuid } from "./api.js";
import { Entry } from "./image.js";
import { listenToKeys, useKeys } from "./keys.js";
import { watchForLarge } from "./large.js";
import { regionsOf, startOverlay } from "./overlay.js";
import { $, announce, use, write } from "./page.js";
import { Gate } from "./paint.js";
import { showMessage } from "./signs.js";
import { present } from "./stage.js";
import { lookOfImage, startView, zoom } from "./view.js";
import { areAllBad, startViews, withBadViews } from "./views.js";
import { drawVoices, lineOf } from "./voices.js";
import { config, inside, say, timeOf } from "./words.js";

const AFTER = `reviewapp.settled.${config.model.slug}`; // what the next page says about the one before
const LEASE_MS = config.policy.lease_seconds * 1000;
const id = uuid(); // of the decision: pressed twice, it is stored once
const about = (url) => config.urls[url].replace("{id}", config.case);

let entry = null;
let chosen = null; // { kind, label, name }
let phase = "blind";
let isHeld = false;
let isSending = false;
const voices = (config.voices ?? []).map(({ letter, findings }, place) => ({ who: letter, line: lineOf(place), views: findings }));
const taken = new Set(); // off the image
const gate = new Gate({ minViewMs: config.policy.min_view_ms, changed: showGate });

function showGate() {
  const isReady = gate.isOpen && chosen !== null && isHeld && !isSending;
  document.body.toggleAttribute("data-wait", !gate.isOpen);
  $("settle").setAttribute("aria-disabled", String(!isReady));
}

function tell(text, { plain = false, icon = "note" } = {}) {
  use($("notice"), icon);
  $("notice").hidden = false;
  $("notice").classList.toggle("plain", plain);
  write($("notice").querySelector("[data-words]"), text);
  announce(text);
}

function choose(kind, label = null) {
  const name = label ? config.labels.find((one) => one.slug === label).name : null;
  chosen = { kind, label, name };
  for (const button of document.querySelectorAll("[data-label]")) button.setAttribute("aria-pressed", String(button.dataset.label === label));
  for (const button of document.querySelectorAll("[data-kind]")) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
  write($("settle-words"), kind === "label" ? say("settle_as", { name: inside(name) }) : say(`settle_${kind}`));
  showGate();
}

let flashing = 0;
function flash() {
  if (!chosen) write($("settle-words"), say("choose_first"));
  $("wait").classList.toggle("flash", !gate.isOpen);
  clearTimeout(flashing);
  flashing = setTimeout(() => $("wait").classList.remove("flash"), 1200);
}

async function settle() {
  const moment = gate.moment();
  const isBroken = entry?.fault && chosen?.kind !== "bad_image";
  if (!moment || !chosen || !isHeld || isSending || isBroken) return flash();
  if (chosen.kind === "label" && areAllBad(entry)) return tell(say("all_views_bad"));
  isSending = true;
  showGate();
  const { kind, label, name } = chosen;
  const shown = { image: entry.fault ?? "painted", zoom: zoom(), look: lookOfImage(), prediction: phase === "shown" };
  const body = { client_id: id, review: config.case, kind, label, phase, surface: "adjudication", note: $("why-text").value.trim(), findings: withBadViews(entry, []), ...moment, shown };
  try {
    await post(config.urls.verdicts, body);
    const { part } = entry.review;
    const text = kind === "unsure" ? say("left_open", { part }) : say("settled_as", { part, name: inside(name ?? say("bad_image")) });
    try { sessionStorage.setItem(AFTER, JSON.stringify({ text, review: kind === "unsure" ? null : config.case })); } catch { /* then nothing is said */ }
    isHeld = false;
    location.assign(config.urls.next);
  } catch (error) {
    isSending = false;
    showGate();
    if (error.kind === "session") return location.assign(config.urls.login);
    tell(error.kind === "refused" ? say("not_settled", { message: error.message }) : say("not_settled_offline"));
  }
}

/** What each person drew, and what the model did once it is shown. */
function draw() {
  if (entry?.layer) drawVoices(entry.layer, entry.review, regionsOf(entry).sizes, voices.filter(({ who }) => !taken.has(who)));
}

function toggleVoice(button) {
  const { voice } = button.dataset;
  if (!taken.delete(voice)) taken.add(voice);
  button.setAttribute("aria-pressed", String(!taken.has(voice)));
  draw();
}

function inWords({ prediction }) {
  const { name, version, confidence } = prediction;
  if (confidence === null) return say("the_model_said", { name: inside(name), version });
  return say("the_model_said_sure", { name: inside(name), version, n: Math.min(confidence < 1 ? 99 : 100, Math.round(confidence * 100)) });
}

/** Before the decision: it is written down, and the verdict says so. */
async function reveal() {
  try {
    const told = await post(about("reveal"));
    write($("model-said"), inWords(told));
    voices.push({ who: say("voice_model"), line: "model", views: told.prediction.views });
    draw();
    if (!entry || phase === "blind") phase = "shown";
  } catch (error) {
    write($("model-said"), error.message);
  }
  $("show-prediction").hidden = true;
}

async function take() {
  try {
    const { review } = await post(about("take"));
    [isHeld, phase] = [true, review.phase];
    if (!entry) await show(review);
  } catch (error) {
    isHeld = false;
    if (error.kind === "session") return location.assign(config.urls.login);
    if (error.kind !== "refused") return showMessage(["shot"], "offline", say("no_answer_short"), say("late_why"), { canTryAgain: true });
    if (error.code === "on_pause") return showMessage(["shot"], "clock", say("paused", { at: timeOf(error.fields.since) }), say("paused_why"), { canTryAgain: true });
    const isTaken = error.code === "lease_lost";
    showMessage(["shot"], "lock", say(isTaken ? "with_colleague" : "case_closed"), isTaken ? say("with_colleague_why") : error.message);
  }
  showGate();
}

async function show(review) {
  entry = new Entry(review);
  await entry.ready;
  if (entry.fault === "late") {
    entry = null;
    return showMessage(["shot"], "offline", say("loading"), say("late_why"), { canTryAgain: true });
  }
  $("message").hidden = !entry.fault;
  $("shot").hidden = Boolean(entry.fault);
  if (entry.fault) showMessage(["shot"], "bad-image", say("broken"), say(entry.fault === "missing" ? "missing_why" : "broken_why"));
  else {
    act("shown", entry);
    present(entry, []);
    draw();
  }
  await gate.start();
}

function beat() {
  if (!document.hidden && isHeld) post(about("take")).catch((error) => { if (error.kind === "refused") { isHeld = false; showGate(); tell(say("lease_lost"), { icon: "clock" }); } });
}

/** What came of the case before this one, and on request what the model had said of it. */
function tellBefore() {
  let before = null;
  try { before = JSON.parse(sessionStorage.getItem(AFTER)); sessionStorage.removeItem(AFTER); } catch { return; }
  if (!before) return;
  tell(before.text, { plain: true, icon: "ok" });
  if (!before.review) return;
  const link = $("notice").querySelector("[data-link]");
  [link.hidden, link.href, link.role] = [false, "#", "button"];
  write(link, say("show_what_it_said"));
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    link.hidden = true;
    try { tell(`${before.text} ${inWords(await post(config.urls.reveal.replace("{id}", before.review)))}`, { plain: true, icon: "ok" }); } catch (error) { tell(error.message); }
  });
}

function start() {
  listenToButtons();
  tellBefore();
  document.body.dataset.state = config.case ? "judge" : "empty";
  if (!config.case) return;
  on("label", (slug) => choose("label", slug));
  on("unsure", () => choose("unsure"));
  on("bad_image", () => choose("bad_image"));
  on("suggested", () => { settle(); });
  on("reveal", () => { reveal(); });
  on("note", () => $("why-text").focus());
  on("again", () => { take(); });
  on("tell", (text) => tell(text, { plain: true }));
  document.body.dataset.overlay = "box";
  startView();
  watchForLarge();
  startViews();
  startOverlay();
  for (const button of document.querySelectorAll("[data-voice]")) button.addEventListener("click", () => toggleVoice(button));
  useKeys(config.labels);
  listenToKeys();
  for (const button of document.querySelectorAll("[data-label]")) button.addEventListener("click", () => act("label", button.dataset.label));
  document.addEventListener("mousedown", (event) => { if (event.target.closest(".beside button, .s-foot button")) event.preventDefault(); });
  $("shot").addEventListener("closer", () => entry?.sharpen());
  $("why-text").addEventListener("keydown", (event) => {
    if (event.key === "Escape") $("why-text").blur();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { $("why-text").blur(); settle(); }
  });
  addEventListener("pagehide", () => { if (isHeld) postAndLeave(config.urls.release, { ids: [config.case] }); });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  setInterval(beat, Math.max(2000, LEASE_MS / 3));
  take().then(() => { if (config.has_looked) reveal(); });
}

start();
