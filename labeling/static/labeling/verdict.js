// Verdicts on their way: each has the client's own id, is kept in this browser until the server has it, and is sent in order.
// A reload finds them and sends them; sending one twice stores it once.
import { post, uuid } from "./api.js";
import { config } from "./words.js";

const PREFIX = `reviewapp.unsent.${config.person}.${config.model.slug}.`;
const LONGEST_PAUSE_MS = 15_000;

function read() {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    return keys.map((key) => JSON.parse(localStorage.getItem(key))).sort((a, b) => a.at - b.at);
  } catch {
    return [];
  }
}

export class Outbox {
  canStore = true;
  error = null; // why the last attempt failed
  #sending = null;
  #timer = 0;

  /** `sent(parcel, answer)`, `refused(parcel, error)`, `changed()` are told what happens. */
  constructor(listeners) {
    this.parcels = read();
    this.listeners = listeners;
    addEventListener("beforeunload", (event) => {
      if (!this.canStore && this.parcels.length) event.preventDefault();
    });
  }

  /** The reviews that were judged here and are not known to be stored. */
  reviews() { return this.parcels.filter((parcel) => parcel.type === "verdict").map((parcel) => parcel.body.review); }
  find(id) { return this.parcels.find((parcel) => parcel.id === id); }
  isSending(id) { return this.#sending !== null && this.parcels[0]?.id === id; }

  verdict(body, about) {
    const id = uuid();
    return this.#add({ id, type: "verdict", url: config.urls.verdicts, body: { client_id: id, ...body }, about });
  }

  undo(target, about) {
    const id = uuid();
    return this.#add({ id, type: "undo", url: config.urls.undo.replace("{id}", target), body: { client_id: id }, about });
  }

  #add(parcel) {
    parcel.at = Math.max(Date.now(), (this.parcels.at(-1)?.at ?? 0) + 1);
    parcel.tries = 0;
    this.parcels.push(parcel);
    this.#store(parcel);
    this.listeners.changed();
    this.flush();
    return parcel;
  }

  #store(parcel) {
    try {
      localStorage.setItem(PREFIX + parcel.id, JSON.stringify(parcel));
    } catch {
      this.canStore = false;
    }
  }

  drop(parcel) {
    this.parcels = this.parcels.filter((other) => other !== parcel);
    try { localStorage.removeItem(PREFIX + parcel.id); } catch { /* it was never stored */ }
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
      const parcel = this.parcels[0];
      parcel.tries += 1;
      this.#store(parcel);
      try {
        const answer = await post(parcel.url, parcel.body, { keepalive: true });
        this.error = null;
        this.drop(parcel);
        this.listeners.sent(parcel, answer);
      } catch (error) {
        if (error.kind !== "refused") return this.#wait(error, parcel.tries);
        this.error = null;
        this.drop(parcel);
        this.listeners.refused(parcel, error);
      }
    }
  }

  #wait(error, tries) {
    this.error = error;
    this.listeners.changed();
    this.#timer = setTimeout(() => this.flush(), Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(tries, 10)));
  }
}
