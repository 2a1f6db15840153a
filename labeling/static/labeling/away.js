// A pause: what is held goes back, nothing is handed out, and the page says since when, calmly.
import { on } from "./acts.js";
import { post } from "./api.js";
import { config, timeOf } from "./words.js";

const SENT_WITHIN_MS = 3000; // what is unsent goes first, so that no colleague gets a part that is judged already

export class Away {
  since = null; // the moment it began; null: at work

  /** `station`: outbox, queue, line, and what is done when it began or ended. */
  constructor({ outbox, queue, line, changed }) {
    Object.assign(this, { outbox, queue, line, changed });
    on("pause", () => { this.#say(true); });
    on("resume", () => { this.#say(false); });
  }

  get values() { return { at: timeOf(this.since) }; }

  /** The server says so, whoever began it and where. */
  async told(since) {
    if (since === this.since) return;
    if (since) {
      await this.queue.asked; // what comes now goes back too
      await this.queue.clear();
    }
    this.since = since;
  }

  async #say(isOn) {
    try {
      if (isOn) await Promise.race([this.outbox.flush(), new Promise((done) => setTimeout(done, SENT_WITHIN_MS))]);
      await this.told((await post(config.urls.pause, { on: isOn })).since);
      this.line.reached();
    } catch (error) {
      this.line.failed(error);
    }
    this.changed();
  }
}
