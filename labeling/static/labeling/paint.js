// When a verdict counts: the image was painted, and has been on a visible page for the policy's shortest time.
import { now } from "./clock.js";

const nextFrame = () => new Promise((done) => requestAnimationFrame(done));

export class Gate {
  #turn = 0;
  #shown = null; // { wall, clock } of the moment after the paint
  #timer = 0;

  constructor({ minViewMs, changed }) {
    this.minViewMs = minViewMs;
    this.changed = changed;
    this.isOpen = false;
    document.addEventListener("visibilitychange", () => this.#onVisibility());
  }

  close() {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#shown = null;
    this.#set(false);
  }

  /** Call it right after the decoded image was put on the page. Two frames later it has been painted. */
  async start() {
    this.close();
    const turn = this.#turn;
    this.pending = true;
    await nextFrame();
    await nextFrame();
    if (turn !== this.#turn) return;
    this.pending = false;
    this.#shown = { wall: now(), clock: performance.now() };
    this.#check();
  }

  #elapsed() { return Math.floor(performance.now() - this.#shown.clock); }

  #check() {
    const rest = this.minViewMs - this.#elapsed();
    if (rest <= 0) this.#set(true);
    else this.#timer = setTimeout(() => this.#check(), rest);
  }

  #set(isOpen) {
    this.isOpen = isOpen;
    this.changed(isOpen);
  }

  /** A page nobody sees shows no image: the shortest time begins again when it is visible again. */
  #onVisibility() {
    if (this.isOpen || !this.#shown) return;
    if (document.hidden) clearTimeout(this.#timer);
    else this.start();
  }

  /** What the verdict says about time, or null while it would not count. One clock for both, so they never cross. */
  moment() {
    if (!this.isOpen) return null;
    const said = this.#shown.wall + this.#elapsed();
    return { shown_at: new Date(this.#shown.wall).toISOString(), said_at: new Date(said).toISOString() };
  }
}
