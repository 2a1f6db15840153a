// The station: claim, show, judge, send, next. Each rule lives in its own module; this one wires them.
import { listenToKeys } from "./keys.js";
import { Line } from "./line.js";
import { $ } from "./page.js";
import { Gate } from "./paint.js";
import { Queue } from "./queue.js";
import { flashWait, showDeadline, showGate, showNothing, showReview, showState } from "./screen.js";
import { showCounts, showRecent, showUndo } from "./signs.js";
import { Spoken } from "./spoken.js";
import { openKeys, setZoom, startTools, zoom } from "./tools.js";
import { Outbox } from "./verdict.js";
import { ago, config, inside, say } from "./words.js";

const LOADING_SHOWS_AFTER_MS = 300;
const POLL_MS = 5000;
const LEASE_MS = config.policy.lease_seconds * 1000;
const nameOf = new Map(config.labels.map((label) => [label.slug, label.name]));

const outbox = new Outbox({ sent, refused, changed: () => line?.show() });
const queue = new Queue({ spoken: () => outbox.reviews() });
const spoken = new Spoken({ outbox });
const line = new Line({ outbox, nReady: () => queue.entries.filter((one) => one.images.length).length, back: catchUp });
const isBroken = () => ["unreadable", "missing"].includes(shown?.fault);
const gate = new Gate({ minViewMs: config.policy.min_view_ms, changed: (isOpen) => showGate(isOpen, isBroken()) });
let shown = null; // the entry on screen
let closed = null; // why this person has no queue here any more
let hasAnswer = false;
let counts = { today: 0, open: 0 };
let activeAt = Date.now();
let undoing = false;

async function show() {
  const entry = queue.current;
  if (entry && entry === shown) return;
  shown = entry;
  gate.close();
  if (!entry) return showEmpty();
  const isThere = entry.images.length || entry.fault;
  if (!isThere) showNothing();
  const slow = setTimeout(() => entry === shown && showState("loading"), LOADING_SHOWS_AFTER_MS);
  await entry.ready;
  clearTimeout(slow);
  if (entry !== shown) return;
  if (entry.fault === "late") {
    showState("late");
    line.failed(entry.error);
    return;
  }
  setZoom("fit");
  showReview(entry);
  showDeadline(entry.review);
  showState(isBroken() ? entry.fault : "judge");
  await gate.start();
}

function showEmpty() {
  showDeadline(null);
  if (closed) return showState("refused", closed);
  if (line.trouble === "session" || line.trouble === "other_person") return showState("session");
  if (line.trouble) return showState("offline");
  return showState(hasAnswer ? "empty" : "loading");
}

/** Say what the part is. Only while the image has been on screen long enough; on a broken one only "bad image". */
function judge(kind, slug = null) {
  const entry = shown;
  if (!entry) return;
  const moment = entry === queue.current ? gate.moment() : null;
  if (!moment || (isBroken() && kind !== "bad_image")) return flashWait();
  const { review } = entry;
  const name = kind === "label" ? nameOf.get(slug) : say(kind);
  const body = { review: review.id, kind, label: slug, phase: review.phase, ...moment, note: "", shown: onScreen(entry) };
  queue.shift();
  const about = { review, spoken: { review: review.id, part: review.part, kind, label: slug, name, said_at: moment.said_at, can_undo: true } };
  spoken.add(outbox.verdict(body, about), entry);
  count(1);
  line.forgetNote();
  line.show();
  refreshSpoken();
  show();
}

/** What the person saw while speaking: stored with the verdict. */
function onScreen({ review, fault }) {
  return {
    items: review.items.map((item) => item.url?.split("?")[0] ?? null),
    image: fault ?? "painted",
    blind: review.blind,
    suggestion: review.blind ? null : review.prediction,
    zoom: zoom(),
    window: [innerWidth, innerHeight],
    mode: document.documentElement.dataset.mode,
  };
}

function takeSuggestion() {
  const said = shown?.review.blind ? null : shown?.review.prediction;
  if (!config.policy.allow_suggestion || !said || !nameOf.has(said.label)) return;
  judge("label", said.label);
}

async function undo(one) {
  if (!one || undoing) return;
  undoing = true;
  const values = { name: inside(one.name), part: one.part };
  try {
    const entry = await spoken.undo(one);
    count(-1);
    line.tell("undone", "undo", say(entry ? "undone" : "undone_away", values), { plain: true });
    if (entry) queue.putFirst(entry);
    show();
  } catch (error) {
    line.failed(error);
    const text = error.kind === "offline" ? say("not_undone_offline", values) : say("not_undone", { message: error.message });
    line.tell("not_undone", "undo", text);
  } finally {
    undoing = false;
    refreshSpoken();
  }
}

function sent(parcel, answer) {
  if (answer.lease_lost && answer.message) line.tell("lease", "clock", answer.message);
  line.reached();
  topUp();
}

function refused(parcel, error) {
  const values = { name: inside(parcel.about.spoken.name), part: parcel.about.spoken.part, message: error.message };
  if (parcel.type === "verdict") spoken.remove(parcel.id);
  line.tell("refused", "note", say(parcel.type === "verdict" ? "not_stored" : "not_undone", values));
  line.reached();
  topUp();
}

async function topUp() {
  if (document.hidden) return;
  try {
    const answer = await queue.topUp();
    const n = outbox.reviews().length;
    counts = { today: answer.n_mine_today + n, open: Math.max(0, answer.n_open - n) };
    [hasAnswer, closed] = [true, null];
    spoken.merge(answer.recent);
    line.reached();
  } catch (error) {
    if (error.kind === "refused") closed = error.message;
    else line.failed(error);
  }
  showCounts(counts.today, counts.open);
  refreshSpoken();
  show();
}

/** Leases are prolonged while somebody is there; who is away for longer than a lease gives the parts to others. */
async function beat() {
  if (document.hidden || Date.now() - activeAt > LEASE_MS || !queue.current) return;
  try {
    const isLost = await queue.beat();
    line.reached();
    if (!isLost || shown?.told) return;
    await topUp(); // it may still be free, then it is leased again
    if (!shown?.lost) return;
    shown.told = true;
    line.tell("lease", "clock", say("lease_lost"));
  } catch (error) {
    line.failed(error);
  }
}

function poll() {
  if (outbox.parcels.length) outbox.flush();
  if (queue.entries.length < 3 || line.trouble) topUp();
  for (const entry of queue.entries) {
    if (entry.fault !== "late") continue;
    entry.load().then(() => {
      if (entry !== shown || entry.fault === "late") return;
      shown = null;
      show();
    });
  }
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
  showUndo(last, last && ago(Date.now() - Date.parse(last.said_at)));
  if (!$("recent").hidden || !queue.current) showRecent(spoken.list, undo);
}

function onActivity() {
  const wasAway = Date.now() - activeAt > LEASE_MS;
  activeAt = Date.now();
  if (wasAway) beat();
}

const acts = {
  suggested: takeSuggestion, unsure: () => judge("unsure"), bad_image: () => judge("bad_image"), undo: () => undo(spoken.last),
  keys: openKeys, in: () => setZoom("in"), out: () => setZoom("out"), fit: () => setZoom("fit"),
};

function start() {
  startTools();
  $("shot").addEventListener("closer", () => shown?.sharpen());
  listenToKeys({ labels: config.labels, act: (name) => acts[name](), label: (slug) => judge("label", slug) });
  for (const button of document.querySelectorAll("[data-label]"))
    button.addEventListener("click", () => judge("label", button.dataset.label));
  for (const [id, name] of [["suggested", "suggested"], ["unsure", "unsure"], ["bad-image", "bad_image"], ["undo", "undo"]])
    $(id)?.addEventListener("click", () => acts[name]());
  $("again").addEventListener("click", () => { shown?.load(); shown = null; show(); });
  $("sign-in").href = config.urls.login;
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) addEventListener(kind, onActivity, { passive: true });
  for (const kind of ["online", "focus"]) addEventListener(kind, poll);
  addEventListener("offline", () => line.show());
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { poll(); beat(); } });
  addEventListener("pagehide", () => queue.release());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  setInterval(() => { refreshSpoken(); showDeadline(shown?.review); line.show(); }, 1000);
  setInterval(poll, POLL_MS);
  setInterval(beat, Math.max(2000, LEASE_MS / 3));
  outbox.flush();
  topUp();
}

start();
