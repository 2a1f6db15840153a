// One tile of the grid: a part with its views, and how long it has been seen. It counts once it was painted and visible for
// the policy's shortest time, and only while it is whole on screen.
import { now } from "./clock.js";
import { load } from "./image.js";
import { config, say } from "./words.js";

const WHOLE = 0.9; // of a tile that has to be on screen: the rim may be cut off by a pixel
const nextFrame = () => new Promise((done) => requestAnimationFrame(done));

export class Tile {
  isOut = false;
  fault = null; // what cannot be shown is taken out, and stays so
  isSeen = false;
  #isVisible = false;
  #shown = null; // { wall, clock } of the moment after the paint
  #timer = 0;

  constructor(review, changed) {
    Object.assign(this, { review, changed });
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "tile";
    this.ready = this.#load();
  }

  get isIn() { return !this.isOut; }
  get percent() {
    const share = this.review.prediction.confidence;
    return share === null ? null : share < 1 ? Math.min(99, Math.round(share * 100)) : 100;
  }

  async #load() {
    try {
      const { items } = this.review;
      if (!items.length) throw Object.assign(new Error("no view"), { fault: "missing" });
      this.images = await Promise.all(items.map((item) => load({ url: item.tile_url ?? item.url })));
    } catch (error) {
      [this.images, this.fault, this.isOut] = [[], error.fault ?? "unreadable", true];
    }
    this.changed();
  }

  /** What stands in the button: the views, and under them how sure the model is and which part it is. */
  draw(place, of) {
    const [views, under, pct, out, part] = ["span", "span", "b", "span", "span"].map((name) => document.createElement(name));
    [views.className, under.className, pct.className, out.className] = ["views", "under", "pct", "out"];
    for (const image of this.images ?? []) image.alt = "";
    if (this.fault) {
      views.classList.add("none");
      views.textContent = say("not_here");
    } else views.append(...(this.images ?? []));
    pct.textContent = this.percent === null ? "" : say("percent", { n: this.percent });
    out.textContent = say("taken_out");
    part.textContent = this.review.part;
    under.append(pct, out, part);
    this.button.replaceChildren(views, under);
    const { name } = this.review.prediction;
    const said = { n: place + 1, of, part: this.review.part, name, percent: this.percent };
    this.button.setAttribute("aria-label", say(this.percent === null ? "tile_unsure" : "tile", said));
    this.mark();
  }

  mark() {
    this.button.setAttribute("aria-pressed", String(this.isOut));
    this.button.toggleAttribute("data-unseen", !this.isSeen && !this.isOut);
  }

  toggle() {
    if (this.fault) return;
    this.isOut = !this.isOut;
    this.mark();
    this.changed();
  }

  /** Of the tile on screen: it begins to count, or begins again. */
  see(share) {
    const isVisible = share >= WHOLE && !document.hidden;
    if (isVisible === this.#isVisible) return;
    this.#isVisible = isVisible;
    clearTimeout(this.#timer);
    if (this.isSeen || !isVisible || this.fault) return;
    this.#count();
  }

  async #count() {
    await nextFrame();
    await nextFrame();
    if (!this.#isVisible) return;
    this.#shown = { wall: now(), clock: performance.now() };
    this.#timer = setTimeout(() => {
      this.isSeen = true;
      this.mark();
      this.changed();
    }, config.policy.min_view_ms);
  }

  /** One clock for both moments, so they never cross. */
  moment() {
    const said = this.#shown.wall + Math.floor(performance.now() - this.#shown.clock);
    return { shown_at: new Date(this.#shown.wall).toISOString(), said_at: new Date(said).toISOString() };
  }

  forget() {
    clearTimeout(this.#timer);
    for (const image of this.images ?? []) URL.revokeObjectURL(image.src);
  }
}
