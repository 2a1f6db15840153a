// What is on screen and what comes next: one review and two ahead, leased, their images decoded.
import { post, postAndLeave } from "./api.js";
import { Entry } from "./image.js";
import { config } from "./words.js";

const WANTED = 3;

export class Queue {
  entries = []; // the first one is on screen
  #asking = null;

  /** `spoken()` names the reviews whose verdict the server may not have yet: they are not wanted again. */
  constructor({ spoken }) {
    this.spoken = spoken;
  }

  get current() { return this.entries[0] ?? null; }
  get ahead() { return this.entries.slice(1); }
  #held() { return this.entries.filter((entry) => !entry.lost).map((entry) => entry.id); }

  /** Ask for as many as are missing. One request at a time; who asks meanwhile gets the same answer. */
  topUp() {
    this.#asking ??= this.#claim().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async #claim() {
    const held = this.#held();
    const holding = [...new Set([...held, ...this.spoken()])];
    const answer = await post(config.urls.claim, { n: Math.max(0, WANTED - held.length), holding });
    for (const review of answer.reviews) this.#add(review);
    return answer;
  }

  #add(review) {
    const known = this.entries.find((entry) => entry.id === review.id);
    if (known) known.lost = false; // leased again
    if (known || this.spoken().includes(review.id)) return;
    const entry = new Entry(review);
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
