// What is on screen and what comes next: leased, their images decoded and laid out.
import { post, postAndLeave } from "./api.js";
import { Entry } from "./image.js";
import { holdParts, oneAtATime, partsElsewhere } from "./tabs.js";
import { config } from "./words.js";

const WANTED = 1 + config.policy.buffer;
const AT_LEAST_MISSING = 2; // who judges fast is asked for two at a time
const PAUSE_MS = 250;
const PAINT_MS = 50; // for the first image to be painted
const PATIENCE_MS = 1000;
const TOLD_ANEW_MS = 2000; // counts and the last verdicts: between, the page counts by itself
const MOST_SKIPPED = 100;
const SKIPPED = `reviewapp.skipped.${config.person}.${config.model.slug}`;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function remembered() {
  try { return JSON.parse(sessionStorage.getItem(SKIPPED)) ?? []; } catch { return []; } // then nothing was skipped
}

export class Queue {
  entries = []; // the first one is on screen
  skipped = remembered(); // held back from this person for this session; they stay in the sample
  #asking = null;
  #toldAt = -Infinity;

  /** `spoken()` names the reviews whose verdict the server may not have yet: they are not wanted again. */
  constructor({ spoken }) {
    this.spoken = spoken;
  }

  get current() { return this.entries[0] ?? null; }
  get ahead() { return this.entries.slice(1); }
  #held() { return this.entries.filter((entry) => !entry.lost).map((entry) => entry.id); }
  get missing() { return WANTED - this.#held().length; }

  /** Milliseconds until it is worth asking again. */
  get pause() { return this.missing >= AT_LEAST_MISSING ? 0 : PAUSE_MS; }

  /** Resolves when no answer is under way. */
  get asked() { return Promise.resolve(this.#asking).catch(() => {}); }

  /** Ask for as many as are missing. One request at a time; who asks meanwhile gets the same answer. */
  topUp() {
    this.#asking ??= oneAtATime(() => this.#claim()).finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async #claim() {
    const elsewhere = await partsElsewhere();
    const holding = [...new Set([...this.#held(), ...this.spoken(), ...elsewhere, ...this.skipped])];
    const answer = await post(config.urls.claim, { n: Math.max(0, this.missing), holding, with: [] });
    for (const review of answer.reviews) this.#add(review);
    await this.#tell();
    return answer;
  }

  /** Counts and the last verdicts, when they are due; the next image never waits for them. */
  async tellAnew() {
    if (performance.now() - this.#toldAt < TOLD_ANEW_MS) return null;
    this.#toldAt = performance.now();
    return post(config.urls.claim, { n: 0, with: ["counts", "recent"] });
  }

  #tell() { return holdParts(this.entries.map((entry) => entry.id)); }

  /** Nothing on screen yet: what comes next waits until it is, but not for an image that does not come. */
  #turn() {
    const first = this.current;
    if (!first || first.images.length || first.fault) return null;
    const painted = first.ready.then(() => pause(PAINT_MS));
    return Promise.race([painted, pause(PATIENCE_MS)]);
  }

  #add(review) {
    const known = this.entries.find((entry) => entry.id === review.id);
    if (known) known.lost = false; // leased again
    if (known || this.spoken().includes(review.id)) return;
    const entry = new Entry(review, this.#turn());
    const isMeasuring = (other, place) => place > 0 && other.review.mode !== "blocking";
    const place = review.mode === "blocking" ? this.entries.findIndex(isMeasuring) : -1;
    if (place < 0) this.entries.push(entry);
    else this.entries.splice(place, 0, entry); // a part that waits goes before those that do not
  }

  /** The judged one goes; the next is there at once. */
  shift() { return this.entries.shift() ?? null; }

  /** A review comes back on screen, before the one that is there. */
  putFirst(entry) {
    this.entries = this.entries.filter((other) => other.id !== entry.id);
    this.entries.unshift(entry);
    return this.#tell();
  }

  /** Give the one on screen back. It goes to colleagues, and not to this person again in this session. */
  skip() {
    const entry = this.shift();
    if (!entry) return null;
    this.#skip([...this.skipped, entry.id].slice(-MOST_SKIPPED));
    if (!entry.lost) postAndLeave(config.urls.release, { ids: [entry.id] }); // should it get lost, the lease runs out
    entry.forget();
    return entry;
  }

  /** Nothing is held any more: the server has it back. */
  clear() {
    for (const entry of this.entries) entry.forget();
    this.entries = [];
    return this.#tell();
  }

  forgetSkipped() { this.#skip([]); }

  #skip(ids) {
    this.skipped = ids;
    try { sessionStorage.setItem(SKIPPED, JSON.stringify(ids)); } catch { /* then until the page is loaded again */ }
  }

  /** Prolong the leases. Lost ones ahead are dropped, a lost one on screen is marked: its verdict is kept. */
  async beat() {
    for (const entry of [...this.entries]) {
      try {
        await post(config.urls.heartbeat.replace("{id}", entry.id));
      } catch (error) {
        if (error.kind !== "refused") throw error;
        entry.lost = true;
      }
    }
    this.entries = this.entries.filter((entry, place) => place === 0 || !entry.lost);
    return this.current?.lost ?? false;
  }

  release() {
    const spoken = this.spoken();
    const ids = this.#held().filter((id) => !spoken.includes(id));
    if (ids.length) postAndLeave(config.urls.release, { ids });
  }
}
