// The grid: claim a page of tiles, take the odd ones out, say of the rest what was predicted. Each tile is a verdict of its own.
import { post, postAndLeave, uuid } from "./api.js";
import { load } from "./image.js";
import { Line } from "./line.js";
import { $, write } from "./page.js";
import { showCounts, showMessage } from "./signs.js";
import { startTab } from "./tabs.js";
import { Tile } from "./tile.js";
import { Outbox } from "./verdict.js";
import { config, count, inside, say, timeOf } from "./words.js";

const N_KEY = "reviewapp.tiles";
const LEASE_MS = config.policy.lease_seconds * 1000;
const LEAVE_AFTER_MS = 3000; // for what is unsent: the station takes it over
const ROW = { ArrowLeft: -1, ArrowRight: 1 };

let n = remembered();
let tiles = [];
let label = null; // { slug, name } of this page
let ahead = null; // the page after this one, claimed and its images on the way: { asked, page }
let last = null; // the page before: { tiles, label, said: [client ids] }
let today = 0;
let isBusy = false;
let isGoing = false; // to the station, with what was taken out
const outbox = new Outbox({ sent: () => line.reached(), refused, changed: () => line?.show() });
const line = new Line({ outbox, nReady: () => tiles.filter((tile) => tile.isIn).length, back: () => outbox.flush() });
const observer = new IntersectionObserver(
  (seen) => { for (const one of seen) tileOf(one.target)?.see(one.intersectionRatio); },
  { root: null, threshold: [0, 0.5, 0.9, 1] },
);

function remembered() {
  try { return Number(localStorage.getItem(N_KEY)) || 12; } catch { return 12; }
}

function remember() {
  try { localStorage.setItem(N_KEY, String(n)); } catch { /* then it holds as long as the page */ }
}

const tileOf = (button) => tiles.find((tile) => tile.button === button);
const HIDDEN = ["tiles", "judge"]; // while a message stands
const rest = () => tiles.filter((tile) => tile.isIn);
const unseen = () => rest().filter((tile) => !tile.isSeen);

function refused(parcel, error) {
  line.tell("refused", "note", say("not_stored", { name: inside(parcel.about.spoken.name), part: parcel.about.spoken.part, message: error.message }));
  line.reached();
}

function changed() {
  const [nIn, nOut] = [rest().length, tiles.length - rest().length];
  const isReady = !isBusy && tiles.length > 0 && unseen().length === 0;
  document.body.toggleAttribute("data-wait", !isReady);
  $("rest").setAttribute("aria-disabled", String(!isReady));
  write($("rest-words"), count("rest", nIn).replace("{name}", inside(label?.name ?? "")));
  write($("out-words"), count("out", nOut));
}

/** How sure the model is of those on the page. */
function inRange() {
  const known = tiles.map((tile) => tile.percent).filter((one) => one !== null);
  const values = { n: tiles.length, name: inside(label.name), low: Math.min(...known), high: Math.max(...known) };
  if (tiles.length === 1) return say("range_one", values);
  if (!known.length) return say("range_plain", values);
  return say(values.low === values.high ? "range_same" : "range_many", values);
}

/** The tiles have their places at once; each image comes when it is decoded, and is looked at from then on. */
function show(next, of) {
  observer.disconnect();
  [tiles, label] = [next, of];
  tiles.forEach((tile, place) => {
    tile.draw(place, tiles.length);
    tile.ready.then(() => {
      if (tiles !== next) return;
      tile.draw(place, tiles.length);
      observer.observe(tile.button);
    });
  });
  $("tiles").replaceChildren(...tiles.map((tile) => tile.button));
  $("tiles").dataset.n = String(n);
  $("tiles").scrollTop = 0;
  [$("tiles").hidden, $("judge").hidden, $("message").hidden] = [false, false, true];
  document.body.dataset.state = "judge";
  write($("what"), label.name);
  write($("why"), inRange());
  tiles[0]?.button.focus({ preventScroll: true });
  isBusy = false;
  changed();
}

function showClasses(classes) {
  const options = classes.map(({ slug, name, n: many }) => new Option(say("class_of", { name, n: many }), slug));
  if (label && !classes.some((one) => one.slug === label.slug)) options.unshift(new Option(label.name, label.slug));
  $("class").replaceChildren(...options);
  if (label) $("class").value = label.slug;
}

/** One page from the server: leased, and its images asked for. `onScreen`: what it must not hold. */
async function ask(slug, onScreen) {
  const unsent = outbox.reviews();
  const answer = await post(config.urls.claim, { n, label: slug, holding: [...onScreen, ...unsent] });
  line.reached();
  const page = { label: answer.label, classes: answer.classes, tiles: answer.reviews.map((review) => new Tile(review, changed)) };
  return { ...page, today: answer.n_mine_today + unsent.length, n: answer.classes.reduce((sum, one) => sum + one.n, 0) };
}

function open(page) {
  today = page.today;
  showCounts(today, page.n);
  show(page.tiles, page.label);
  showClasses(page.classes);
  lookAhead();
}

/** Once the images of this page are there the next one is claimed, so that it comes in the frame of the key. */
function lookAhead() {
  const [here, slug] = [tiles, label.slug];
  const mine = { page: null, asked: null };
  mine.asked = Promise.all(here.map((tile) => tile.ready)).then(async () => {
    if (ahead !== mine) return;
    mine.page = await ask(slug, here.map((tile) => tile.review.id));
    if (ahead !== mine) giveBack(mine.page);
  }).catch((error) => line.failed(error));
  ahead = mine;
}

function giveBack(page) {
  for (const tile of page?.tiles ?? []) tile.forget();
  return release((page?.tiles ?? []).map((tile) => tile.review.id));
}

/** Another page is wanted than the one that waits. */
function dropAhead() {
  const { page } = ahead ?? {};
  ahead = null;
  return giveBack(page);
}

async function turn() {
  isBusy = true;
  const slug = label.slug;
  changed();
  await ahead?.asked;
  const page = ahead?.page;
  ahead = null;
  if (!page?.tiles.length) return claim(slug);
  open({ ...page, today, n: page.n });
}

async function claim(slug = null) {
  isBusy = true;
  try {
    const page = await ask(slug, []);
    if (!page.tiles.length && slug && page.classes.some((one) => one.slug !== slug)) return claim();
    if (page.tiles.length) return open(page);
    [tiles, today] = [[], page.today];
    showCounts(today, page.n);
    showMessage(HIDDEN, "ok", say("grid_empty"), say("grid_empty_why"));
  } catch (error) {
    if (error.code === "on_pause") return showMessage(HIDDEN, "clock", say("paused", { at: timeOf(error.fields.since) }), say("paused_why"), { canTryAgain: true });
    if (error.kind === "refused") return showMessage(HIDDEN, "lock", say("refused"), error.message);
    line.failed(error);
    showMessage(HIDDEN, "offline", say("cut_off"), say("cut_off_why"), { canTryAgain: true });
  } finally {
    isBusy = false;
    changed();
  }
}

/** Those that were not on screen yet are brought there, and shown. */
function flash() {
  const missed = unseen();
  for (const tile of missed) tile.button.classList.add("missed");
  missed[0]?.button.scrollIntoView({ block: "nearest" });
  if (missed.length) line.tell("unseen", "note", count("unseen", missed.length), { plain: true });
  $("wait").classList.add("flash");
  setTimeout(() => {
    $("wait").classList.remove("flash");
    for (const tile of missed) tile.button.classList.remove("missed");
  }, 1200);
}

function sayRest() {
  if (isBusy || isGoing || !tiles.length) return;
  if (unseen().length) return flash();
  const said = rest().map((tile, place) => {
    const { review } = tile;
    const moment = tile.moment();
    const shown = { items: review.items.map((item) => item.tile_url?.split("?")[0] ?? null), suggestion: review.prediction, place, of: tiles.length };
    const body = { review: review.id, kind: "label", label: label.slug, phase: review.phase, surface: "grid", ...moment, note: "", shown };
    const spoken = { review: review.id, part: review.part, kind: "label", label: label.slug, name: label.name, phase: review.phase, ...moment, can_undo: true };
    return outbox.verdict(body, { review, spoken }).id;
  });
  for (const tile of last?.tiles ?? []) tile.forget();
  last = { tiles, label, said };
  today += said.length;
  showUndo();
  if (rest().length < tiles.length) return goToStation();
  turn();
}

function showUndo() {
  $("undo").setAttribute("aria-disabled", String(!last?.said.length));
  write($("undo-what"), last?.said.length ? count("said", last.said.length).replace("{name}", inside(last.label.name)) : say("undo_nothing"));
}

/** What was taken out stays leased, so the station hands it to this person first. */
async function goToStation() {
  isGoing = true;
  await Promise.race([Promise.all([outbox.flush(), dropAhead()]), new Promise((done) => setTimeout(done, LEAVE_AFTER_MS))]);
  outbox.isLeaving = true;
  location.assign(config.urls.station);
}

async function undo() {
  if (isBusy || isGoing || !last?.said.length) return;
  isBusy = true;
  const { said, tiles: before, label: of } = last;
  let message = "";
  let nUndone = 0;
  const back = new Map();
  await outbox.flush();
  for (const id of said) {
    try {
      const { review } = await post(config.urls.undo.replace("{id}", id), { client_id: uuid() });
      nUndone += 1;
      if (review) back.set(review.id, review);
    } catch (error) {
      if (error.kind !== "refused") line.failed(error);
      message = error.message;
    }
  }
  release(tiles.map((tile) => tile.review.id));
  dropAhead();
  last = null;
  showUndo();
  const what = count("said", nUndone).replace("{name}", inside(of.name));
  line.tell("undone", "undo", message ? say("page_part_undone", { n: nUndone, of: said.length, message }) : say("page_undone", { what }), { plain: true });
  today = Math.max(0, today - nUndone);
  show(before.filter((tile) => tile.isOut || back.has(tile.review.id)), of);
  lookAhead();
}

async function release(ids) {
  if (ids.length) await post(config.urls.release, { ids }).catch((error) => console.warn("not given back:", error));
}

async function again(slug = label?.slug ?? null) {
  if (isBusy) return;
  release(tiles.map((tile) => tile.review.id));
  dropAhead();
  await claim(slug);
}

// ---------- look closer ----------

async function closer(tile) {
  if (!tile || tile.fault || $("closer").open) return;
  write($("closer-part"), say("part", { part: tile.review.part }));
  $("closer-out").onclick = () => { tile.toggle(); $("closer").close(); };
  $("closer-views").replaceChildren();
  $("closer").showModal();
  const images = await Promise.all(tile.review.items.map((item) => load(item))).catch(() => null);
  if (!images) return $("closer").close();
  images.forEach((image, place) => { image.alt = say("alt", { part: tile.review.part, view: tile.review.items[place].view }); });
  $("closer-views").replaceChildren(...images);
  $("closer").addEventListener("close", () => { for (const image of images) URL.revokeObjectURL(image.src); tile.button.focus(); }, { once: true });
}

// ---------- keys ----------

function move(key, from) {
  const columns = getComputedStyle($("tiles")).gridTemplateColumns.split(" ").length;
  const step = ROW[key] ?? (key === "ArrowUp" ? -columns : columns);
  const next = tiles[Math.max(0, tiles.indexOf(from)) + (from ? step : 0)];
  next?.button.focus();
}

function onKeyDown(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.target.closest("input, textarea, select")) return;
  const isCloser = $("closer").open;
  const tile = tileOf(document.activeElement);
  const acts = {
    Enter: () => (tile || !event.target.closest("button, a, summary")) && sayRest,
    Escape: () => goToStation, z: () => undo, Backspace: () => undo, "+": () => () => closer(tile), "=": () => () => closer(tile),
  };
  if (isCloser) {
    if (["+", "=", "-"].includes(event.key)) $("closer").close();
    return;
  }
  if (event.key.startsWith("Arrow")) {
    event.preventDefault();
    return move(event.key, tile);
  }
  const does = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key]?.();
  if (!does) return;
  event.preventDefault();
  if (!event.repeat) does();
}

async function beat() {
  if (document.hidden) return;
  for (const tile of [...tiles, ...(ahead?.page?.tiles ?? [])]) {
    await post(config.urls.heartbeat.replace("{id}", tile.review.id)).catch((error) => {
      if (error.kind !== "refused") return line.failed(error);
      tile.fault ??= "lost"; // with a colleague now, or closed
      tile.isOut = true;
      if (!tiles.includes(tile) && ahead?.page) ahead.page.tiles = ahead.page.tiles.filter((one) => one !== tile);
      tile.mark();
      changed();
    });
  }
}

function leave() {
  const spoken = outbox.reviews();
  const ids = tiles.filter((tile) => !isGoing || tile.isIn).map((tile) => tile.review.id).filter((id) => !spoken.includes(id));
  const next = (ahead?.page?.tiles ?? []).map((tile) => tile.review.id);
  const free = isGoing && last?.tiles === tiles ? next : [...ids, ...next];
  if (free.length) postAndLeave(config.urls.release, { ids: free });
}

async function start() {
  await startTab();
  await outbox.open();
  for (const button of document.querySelectorAll("[data-tiles]")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.tiles) === n));
    button.addEventListener("click", () => {
      n = Number(button.dataset.tiles);
      remember();
      for (const other of document.querySelectorAll("[data-tiles]")) other.setAttribute("aria-pressed", String(other === button));
      again();
    });
  }
  $("tiles").addEventListener("click", (event) => tileOf(event.target.closest(".tile"))?.toggle());
  $("tiles").addEventListener("dblclick", (event) => closer(tileOf(event.target.closest(".tile"))));
  $("rest").addEventListener("click", sayRest);
  $("undo").addEventListener("click", undo);
  $("back").addEventListener("click", (event) => { event.preventDefault(); goToStation(); });
  $("class").addEventListener("change", () => again($("class").value));
  $("again").addEventListener("click", () => claim(label?.slug ?? null));
  $("closer-close").addEventListener("click", () => $("closer").close());
  document.addEventListener("keydown", onKeyDown);
  document.addEventListener("mousedown", (event) => { if (event.target.closest(".beside button, .s-foot button")) event.preventDefault(); });
  document.addEventListener("visibilitychange", () => {
    observer.disconnect();
    for (const tile of tiles) {
      if (document.hidden) tile.see(0);
      else observer.observe(tile.button);
    }
  });
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  setInterval(() => line.show(), 1000);
  setInterval(beat, Math.max(2000, LEASE_MS / 3));
  showUndo();
  if (outbox.parcels.length) outbox.flush();
  await claim(new URLSearchParams(location.search).get("label"));
}

start();
