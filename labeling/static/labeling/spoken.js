// The last verdicts, newest first, and taking one back.
import { post, uuid } from "./api.js";
import { Entry } from "./image.js";
import { config } from "./words.js";

const SHOWN = 10;
const WITH_IMAGES = 3; // an undo of one of these needs no connection for its image

export class Spoken {
  list = [];
  #undone = new Set();

  constructor({ outbox }) {
    this.outbox = outbox;
  }

  get last() { return this.list.find((one) => one.can_undo) ?? null; }

  /** What a former page left unsent. */
  recall(parcels) {
    for (const parcel of parcels) if (parcel.model === config.model.slug) this.#recall(parcel);
  }

  #recall(parcel) {
    if (parcel.type === "undo") this.#undone.add(parcel.about.target);
    else this.list.unshift({ client_id: parcel.id, ...parcel.about.spoken });
    this.list = this.list.filter((one) => !this.#undone.has(one.client_id));
  }

  add(parcel, entry) {
    this.list.unshift({ client_id: parcel.id, ...parcel.about.spoken, entry });
    for (const old of this.list.splice(SHOWN)) old.entry?.forget();
    for (const old of this.list.slice(WITH_IMAGES)) old.entry?.forget();
  }

  /** Another word on the same part took the place of this one. */
  replace(one, parcel) {
    const place = this.list.indexOf(one);
    const next = { client_id: parcel.id, ...parcel.about.spoken, entry: one.entry };
    if (place < 0) this.list.unshift(next);
    else this.list[place] = next;
  }

  remove(id) {
    this.list = this.list.filter((one) => one.client_id !== id);
  }

  /** The server's list is right, but for what it has not been told yet. */
  merge(recent) {
    const known = new Map(this.list.map((one) => [one.client_id, one]));
    const there = new Set(recent.map((one) => one.client_id));
    const unsent = this.list.filter((one) => !there.has(one.client_id) && this.outbox.find(one.client_id));
    const newer = new Set(unsent.map((one) => one.review)); // changed here, and the server has not heard of it
    const standing = recent.filter((one) => !this.#undone.has(one.client_id) && !newer.has(one.review));
    this.list = [...unsent, ...standing.map((one) => ({ ...known.get(one.client_id), ...one }))].slice(0, SHOWN);
  }

  /** Take one back. Returns the entry to show again, or null if the part is not this person's any more.
   *  One the server never saw is just not sent; one it may have seen is taken back after it, in order. */
  async undo(one) {
    if (this.outbox.isSending(one.client_id)) await this.outbox.flush();
    const parcel = this.outbox.find(one.client_id);
    let review = parcel?.about.review;
    if (!parcel || !review) {
      if (parcel) await this.outbox.flush(); // it was changed in the list: only the server knows the part
      one.undoId ??= uuid(); // pressed again after a lost answer: the same undo
      review = (await post(config.urls.undo.replace("{id}", one.client_id), { client_id: one.undoId })).review;
    } else if (parcel.tries === 0) {
      this.outbox.drop(parcel);
    } else {
      this.#undone.add(one.client_id);
      this.outbox.undo(one.client_id, { target: one.client_id, spoken: parcel.about.spoken });
    }
    this.remove(one.client_id);
    if (!review) return null;
    const entry = one.entry?.images.length ? one.entry : new Entry(review);
    entry.review = review;
    entry.lost = false;
    return entry;
  }
}
