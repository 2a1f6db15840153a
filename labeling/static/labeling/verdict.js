// Verdicts on their way: each has the client's own id and its author, is kept in this browser until the server has it, and
// is sent in order. A reload finds them and sends them; sending one twice stores it once.
import { ApiError, post, uuid } from "./api.js";
import { openStore } from "./store.js";
import { orphans, tab } from "./tabs.js";
import { config } from "./words.js";

const LONGEST_PAUSE_MS = 15_000;
const AT_ONCE = 24; // a whole page of the grid, or of what was kept while the line was down

export class Outbox {
  parcels = [];
  canStore = true;
  error = null; // why the last attempt failed
  isLeaving = false; // the page goes by our own doing: nothing to warn about
  #store = null;
  #stored = new Map(); // parcels being written: none is sent before it is kept
  #sending = null;
  #going = new Set(); // ids of what is on its way now
  #oneByOne = false; // the server did not take a list
  #timer = 0;

  /** `sent(parcel, answer)`, `refused(parcel, error)`, `changed()` are told what happens. */
  constructor(listeners) {
    this.listeners = listeners;
    addEventListener("beforeunload", (event) => {
      if (this.parcels.length && !this.isLeaving) event.preventDefault();
    });
  }

  /** What former pages left unsent of this person; to be awaited before anything is asked for. */
  async open() {
    this.#store = await openStore();
    this.canStore = this.#store.isKept;
    return this.adopt();
  }

  /** Of the person's own only: nobody speaks in another's name. */
  async adopt() {
    const own = (await this.#store.all()).filter((parcel) => parcel.person === config.person && !this.find(parcel.id));
    const left = (await orphans(own)).filter((parcel) => !this.find(parcel.id));
    this.parcels = [...left, ...this.parcels].sort((a, b) => a.at - b.at);
    for (const parcel of left) this.#keep({ ...parcel, tab });
    if (left.length) this.listeners.changed();
    return left;
  }

  /** The reviews that were judged here and are not known to be stored. */
  reviews() { return this.parcels.filter((parcel) => parcel.type === "verdict").map((parcel) => parcel.body.review); }
  find(id) { return this.parcels.find((parcel) => parcel.id === id); }
  isSending(id) { return this.#going.has(id); }

  verdict(body, about) {
    const id = uuid();
    return this.#add({ id, type: "verdict", url: config.urls.verdicts, body: { client_id: id, ...body }, about });
  }

  undo(target, about) {
    const id = uuid();
    return this.#add({ id, type: "undo", url: config.urls.undo.replace("{id}", target), body: { client_id: id }, about });
  }

  #add(parcel) {
    const at = Math.max(Date.now(), (this.parcels.at(-1)?.at ?? 0) + 1); // a clock set back changes no order
    Object.assign(parcel, { at, tries: 0, person: config.person, author: config.author, model: config.model.slug, tab });
    this.parcels.push(parcel);
    this.#keep(parcel);
    this.listeners.changed();
    this.flush();
    return parcel;
  }

  #keep(parcel) {
    const stored = this.#store.put(parcel).catch((error) => {
      console.warn("not kept on this device:", error);
      this.canStore = false; // still sent, and whoever closes the page is warned
    });
    this.#stored.set(parcel.id, stored);
  }

  drop(parcel) {
    this.parcels = this.parcels.filter((other) => other !== parcel);
    const stored = this.#stored.get(parcel.id) ?? Promise.resolve();
    this.#stored.delete(parcel.id);
    stored.then(() => this.#store.remove(parcel.id)).catch((error) => console.warn("sent again after a reload:", error));
    this.listeners.changed();
  }

  /** Send what is there, oldest first. Resolves when nothing is left or nothing more can be done now. */
  flush() {
    clearTimeout(this.#timer);
    this.#sending ??= this.#sendAll().finally(() => { this.#sending = null; });
    return this.#sending;
  }

  async #sendAll() {
    await null; // whoever added a parcel finishes first
    while (this.parcels.length) {
      const batch = this.#next();
      await Promise.all(batch.map((one) => this.#stored.get(one.id)));
      if (batch.some((one, place) => one !== this.parcels[place])) continue; // taken back meanwhile
      this.#going = new Set(batch.map((one) => one.id));
      for (const one of batch) if ((one.tries += 1) === 1) this.#keep(one); // from now on the server may have it
      try {
        const answers = await this.#post(batch);
        this.error = null;
        batch.forEach((one, place) => this.#arrived(one, answers[place]));
      } catch (error) {
        if (error.kind !== "refused") return this.#wait(error, batch[0].tries);
        this.#oneByOne = true;
        if (batch.length === 1) this.#arrived(batch[0], { error });
      } finally {
        this.#going.clear();
      }
    }
    this.#oneByOne = false;
  }

  /** The first parcel, and the verdicts that may go with it. */
  #next() {
    const first = this.parcels[0];
    if (first.type !== "verdict" || this.#oneByOne) return [first];
    const goes = (one, place) => place < AT_ONCE && one.type === "verdict" && one.author === first.author;
    const end = this.parcels.findIndex((one, place) => !goes(one, place));
    return this.parcels.slice(0, end < 0 ? this.parcels.length : end);
  }

  async #post(batch) {
    const [{ url, body, author }] = batch;
    if (batch.length === 1) return [await post(url, body, { keepalive: true, author })];
    return (await post(url, batch.map((one) => one.body), { author })).results;
  }

  #arrived(parcel, answer) {
    this.drop(parcel);
    const { error } = answer;
    if (!error) this.listeners.sent(parcel, answer);
    else this.listeners.refused(parcel, error instanceof ApiError ? error : new ApiError("refused", error));
  }

  #wait(error, tries) {
    this.error = error;
    this.listeners.changed();
    this.#timer = setTimeout(() => this.flush(), Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(tries, 10)));
  }
}
