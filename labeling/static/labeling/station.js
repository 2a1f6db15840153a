// The station: claim, show, judge, send, next. Each rule lives in its own module; this one wires them.
import { act, listenToButtons, on } from "./acts.js";
import { Away } from "./away.js";
import { startChanges } from "./changes.js";
import { choicesOf, choose, otherwise, startChooser } from "./chooser.js";
import { now } from "./clock.js";
import { startEditor } from "./editor.js";
import { overlay, startHeat } from "./heat.js";
import { startGolden } from "./golden.js";
import { listenToKeys, useKeys } from "./keys.js";
import { Line } from "./line.js";
import { askToSignIn, startLogin } from "./login.js";
import { useRulesOf } from "./models.js";
import { startNote, takeNote } from "./note.js";
import { watchForLarge } from "./large.js";
import { regionsOf, startOverlay } from "./overlay.js";
import { $ } from "./page.js";
import { Gate } from "./paint.js";
import { startPeople } from "./people.js";
import { Queue } from "./queue.js";
import { startReveals } from "./reveal.js";
import { flashWait, offerSkipped, showDeadline, showGate, showNothing, showReview, showState } from "./screen.js";
import { showCounts, showRecent, showUndo } from "./signs.js";
import { Spoken } from "./spoken.js";
import { startTab } from "./tabs.js";
import { startTools } from "./tools.js";
import { Outbox } from "./verdict.js";
import { lookOfImage, startView, zoom } from "./view.js";
import { areAllBad, enlarged, startViews, withBadViews } from "./views.js";
import { ago, config, inside, rules, say } from "./words.js";

const LOADING_SHOWS_AFTER_MS = 300;
const POLL_MS = 5000;
const LEASE_MS = config.policy.lease_seconds * 1000;
const FEW = 3; // parts left of the buffer: the poll asks too

const outbox = new Outbox({ sent, refused, changed: () => line?.show() });
const queue = new Queue({ spoken: () => outbox.reviews() });
const spoken = new Spoken({ outbox });
const line = new Line({ outbox, nReady: () => queue.entries.filter((one) => one.images.length).length, back: catchUp });
const isBroken = () => ["unreadable", "missing"].includes(shown?.fault);
const gate = new Gate({ minViewMs: config.policy.min_view_ms, changed: (isOpen) => showGate(isOpen, isBroken()) });
const away = new Away({ outbox, queue, line, changed: () => { show(); if (!away.since) topUp(); } });
let shown = null; // the entry on screen
let closed = null; // why this person has no queue here any more
let hasAnswer = false;
let counts = { today: 0, open: 0 };
let activeAt = performance.now();
let nextTopUp = 0;

/** What is first in the queue goes on screen: at once, in the same frame, if its images are decoded. */
function show() {
  const entry = queue.current;
  if (entry && entry === shown) return;
  shown = entry;
  act("shown", entry);
  gate.close();
  if (!entry) showEmpty();
  else if (entry.images.length) showImages(entry);
  else waitFor(entry);
}

function showImages(entry) {
  useRulesOf(entry.review, gate);
  showReview(entry, queue.ahead);
  showDeadline(entry.review);
  showState("judge");
  if (zoom() > 1) entry.sharpen();
  gate.start();
}

async function waitFor(entry) {
  if (!entry.fault) showNothing();
  const slow = setTimeout(() => entry === shown && showState("loading"), LOADING_SHOWS_AFTER_MS);
  await entry.ready;
  clearTimeout(slow);
  if (entry !== shown) return;
  if (entry.images.length) return showImages(entry);
  showState(entry.fault);
  if (entry.fault === "late") return line.failed(entry.error);
  useRulesOf(entry.review, gate);
  showReview(entry, queue.ahead);
  showDeadline(entry.review);
  gate.start();
}

function showEmpty() {
  showDeadline(null);
  if (closed) return showState("refused", closed);
  if (away.since) return showState("paused", null, away.values);
  if (line.trouble === "session" || line.trouble === "other_person") return showState("session");
  if (line.trouble) return showState("offline");
  showState(hasAnswer ? "empty" : "loading");
  if (hasAnswer) offerSkipped(queue.skipped.length);
}

/** Say what the part is. Only while the image has been on screen long enough; on a broken one only "bad image". */
function judge(kind, slug = null) {
  const entry = shown;
  if (!entry) return;
  const moment = entry === queue.current ? gate.moment() : null;
  if (!moment || (isBroken() && kind !== "bad_image")) return flashWait();
  if (kind === "label" && areAllBad(entry)) return act("tell", say("all_views_bad"));
  const { review } = entry;
  const name = kind === "label" ? nameOf(review, slug) : say(kind);
  const { phase, part } = review;
  const body = { review: review.id, kind, label: slug, phase, surface: "station", ...moment, note: takeNote(), findings: findings(entry, kind, slug), shown: onScreen(entry) };
  const said = { review: review.id, model: review.model, part, kind, label: slug, name, phase, ...moment, can_undo: true };
  queue.shift();
  show();
  spoken.add(outbox.verdict(body, { review, spoken: said }), entry);
  count(1);
  line.forgetNote();
  line.show();
  refreshSpoken();
}

const nameOf = (review, slug) => rules(review).labels.find((label) => label.slug === slug)?.name ?? slug;

/** Regions are spoken of when they are on screen, or were changed; views where one is a bad image. */
const findings = (entry, kind, slug) => withBadViews(entry, kind === "label" ? regionsOf(entry).findings(kind, slug, overlay() === "box") : []);

/** What the person saw while speaking: stored with the verdict. */
function onScreen({ review, fault }) {
  return {
    items: review.items.map((item) => item.url?.split("?")[0] ?? null),
    image: fault ?? "painted",
    blind: review.blind,
    suggestion: review.blind ? null : review.prediction,
    zoom: zoom(),
    look: lookOfImage(),
    overlay: overlay(),
    enlarged: enlarged(),
    window: [innerWidth, innerHeight],
    mode: document.documentElement.dataset.mode,
  };
}

function takeSuggestion() {
  const said = shown?.review.blind ? null : shown?.review.prediction;
  const { policy, labels } = rules(shown?.review);
  if (!policy.allow_suggestion || !said || !labels.some((label) => label.slug === said.label)) return;
  judge("label", said.label);
}

async function other() {
  const entry = shown;
  if (!entry || !gate.moment()) return flashWait();
  const said = await choose({ title: say("other_title"), choices: [...choicesOf(rules(entry.review).labels), ...otherwise()] });
  if (said && entry === shown) judge(said.kind, said.label);
}

function skip() {
  if (!shown || shown !== queue.current) return;
  const { part } = queue.skip().review;
  show();
  line.tell("skipped", "skip", say("skipped", { part }), { plain: true });
  topUp();
}

function unskip() {
  queue.forgetSkipped();
  topUp();
}

function sent(parcel, answer) {
  if (answer.lease_lost && answer.message) line.tell("lease", "clock", answer.message);
  if (parcel.type === "verdict") act("after", parcel, answer); // whoever has something to say to the answer
  line.reached();
  topUpSoon();
}

function refused(parcel, error) {
  const values = { name: inside(parcel.about.spoken.name), part: parcel.about.spoken.part, message: error.message };
  if (parcel.type === "verdict") spoken.remove(parcel.id);
  line.tell("refused", "note", say(parcel.type === "verdict" ? "not_stored" : "not_undone", values));
  line.reached();
  topUpSoon();
}

function topUpSoon() {
  clearTimeout(nextTopUp);
  if (queue.pause) nextTopUp = setTimeout(topUp, queue.pause);
  else topUp();
}

async function topUp() {
  if (document.hidden) return;
  try {
    await queue.topUp();
    [hasAnswer, closed] = [true, null];
    if (away.since) await away.told(null); // it was ended elsewhere
    line.reached();
    tellAnew();
  } catch (error) {
    if (error.code === "on_pause") {
      await away.told(error.fields.since);
      tellAnew();
    } else if (error.kind === "refused") closed = error.message;
    else failed(error);
  }
  showCounts(counts.today, counts.open);
  refreshSpoken();
  show();
}

async function tellAnew() {
  try {
    const told = await queue.tellAnew();
    if (!told) return;
    const n = outbox.reviews().length;
    counts = { today: told.n_mine_today + n, open: Math.max(0, told.n_open - n) };
    spoken.merge(told.recent);
  } catch (error) {
    failed(error);
  }
  showCounts(counts.today, counts.open);
  refreshSpoken();
}

function failed(error) {
  line.failed(error);
  if (error.kind === "session") askToSignIn();
}

/** Leases are prolonged while somebody is there; who is away for longer than a lease gives the parts to others. */
async function beat() {
  if (document.hidden || performance.now() - activeAt > LEASE_MS || !queue.current) return;
  try {
    const isLost = await queue.beat();
    line.reached();
    if (!isLost || shown?.told) return;
    await topUp(); // it may still be free, then it is leased again
    if (!shown?.lost) return;
    shown.told = true;
    line.tell("lease", "clock", say("lease_lost"));
  } catch (error) {
    failed(error);
  }
}

async function poll() {
  spoken.recall(await outbox.adopt()); // of a tab that was closed with verdicts unsent
  if (outbox.parcels.length) outbox.flush();
  if (queue.entries.length < FEW || line.trouble) topUp();
  for (const entry of queue.entries) {
    if (entry.fault !== "late") continue;
    entry.load().then(() => entry === shown && entry.fault !== "late" && showAgain());
  }
}

function showAgain() {
  shown = null;
  show();
}

function catchUp() {
  queueMicrotask(poll);
}

function count(n) {
  counts = { today: Math.max(0, counts.today + n), open: Math.max(0, counts.open - n) };
  showCounts(counts.today, counts.open);
}

function refreshSpoken() {
  const { last } = spoken;
  showUndo(last, last && ago(now() - Date.parse(last.said_at)));
  if (!queue.current || $("last").open) showRecent(spoken.list);
}

function onActivity() {
  const wasAway = performance.now() - activeAt > LEASE_MS;
  activeAt = performance.now();
  if (wasAway) beat();
}

/** Another's sign-in: what is unsent stays here under its author's name, and the page is the other's from now on. */
function leave() {
  outbox.isLeaving = true;
  location.reload();
}

/** Seldom, and never without a connection: its script comes when it is asked for. */
async function challenge(one) {
  try {
    const { open } = await import("./doubts.js");
    open(one, { line, refresh: refreshSpoken });
  } catch {
    line.tell("challenged", "offline", say("challenge_not_now"));
  }
}

function addActs() {
  on("label", (slug) => judge("label", slug));
  on("unsure", () => judge("unsure"));
  on("bad_image", () => judge("bad_image"));
  on("suggested", takeSuggestion);
  on("other", other);
  on("skip", skip);
  on("unskip", unskip);
  on("ignored", flashWait);
  on("tell", (text) => line.tell("told", "note", text, { plain: true }));
  on("again", () => { shown?.load(); showAgain(); });
  on("sign_in", () => askToSignIn({ again: true }));
  on("last", () => refreshSpoken());
  on("challenge", (one) => { challenge(one); });
}

function listen() {
  for (const button of document.querySelectorAll("[data-label]"))
    button.addEventListener("click", () => act("label", button.dataset.label));
  $("shot").addEventListener("closer", () => shown?.sharpen());
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) addEventListener(kind, onActivity, { passive: true });
  for (const kind of ["online", "focus"]) addEventListener(kind, poll);
  addEventListener("offline", () => line.show());
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { poll(); beat(); } });
  addEventListener("pagehide", () => queue.release());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  setInterval(() => { refreshSpoken(); showDeadline(shown?.review); line.show(); }, 1000);
  setInterval(poll, POLL_MS);
  setInterval(beat, Math.max(2000, LEASE_MS / 3));
}

async function start() {
  addActs();
  startView();
  watchForLarge();
  startViews();
  startHeat();
  startOverlay(); // after it, so that it is asked first: maps lie on its plates
  startEditor();
  startNote();
  startChooser();
  startReveals({ spoken, outbox, line, refresh: refreshSpoken });
  startChanges({ spoken, outbox, queue, show, count, line, refresh: refreshSpoken });
  startLogin({ back: catchUp, leave });
  startPeople({ outbox });
  startTools();
  startGolden();
  useKeys(config.labels);
  listenToKeys();
  listenToButtons();
  await startTab();
  spoken.recall(await outbox.open());
  listen();
  if (outbox.parcels.length) outbox.flush();
  topUp();
}

start();
