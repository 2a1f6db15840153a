// The regions of a part while somebody looks at it: what was predicted, and what the person makes of each.
// kept: as predicted · moved: its place was changed · added: drawn here · removed: not there. Pixels of the original.
import { rules } from "./words.js";

const LEAST = 1; // pixel
const DECIMALS = 100;
const round = (number) => Math.round(number * DECIMALS) / DECIMALS;
const clamp = (value, least, most) => Math.min(most, Math.max(least, value));
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** The box [x, y, width, height] around points. */
export function bounds(points) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)];
}

export class Regions {
  list = [];
  chosen = null; // its place in the list
  #past = [];
  #last = null; // what was changed last: holding an arrow key is one step back

  constructor(review, images = []) {
    this.review = review;
    // An image that stayed at its station comes as it is, and its size with it.
    this.sizes = new Map(review.items.map(({ view, width, height }, at) =>
      [view, width ? [width, height] : [images[at]?.naturalWidth ?? 1, images[at]?.naturalHeight ?? 1]]));
    const views = review.blind ? [] : review.prediction?.views ?? [];
    for (const { view, regions } of views) {
      for (const { index, label, confidence, box, polygon } of regions)
        this.list.push({ view, origin: "kept", label, box, polygon, confidence, predicted: index, was: { box, polygon } });
    }
  }

  get isEdited() { return this.#past.length > 0; }
  get current() { return this.list[this.chosen] ?? null; }

  #change(name, list, chosen) {
    if (name !== this.#last) this.#past.push({ list: this.list, chosen: this.chosen });
    this.#last = name;
    [this.list, this.chosen] = [list, chosen];
  }

  #replace(name, at, change) {
    const list = this.list.map((one, place) => (place === at ? { ...one, ...change } : one));
    this.#change(`${name} ${at}`, list, at);
  }

  choose(at) {
    this.chosen = at;
    this.#last = null;
  }

  undo() {
    const before = this.#past.pop();
    if (!before) return false;
    [this.list, this.chosen, this.#last] = [before.list, before.chosen, null];
    return true;
  }

  /** A box cut off at the image's edge, or null where nothing of a pixel is left of it. */
  fit(view, [x, y, width, height]) {
    const [most_x, most_y] = this.sizes.get(view);
    const [left, top] = [clamp(x, 0, most_x), clamp(y, 0, most_y)];
    const box = [left, top, clamp(x + width, 0, most_x) - left, clamp(y + height, 0, most_y) - top].map(round);
    return box[2] >= LEAST && box[3] >= LEAST ? box : null;
  }

  /** `shape`: { box } or { polygon }. False where it has no area. */
  add(view, shape, label) {
    const whole = this.#whole(view, shape);
    if (!whole) return false;
    this.#change(`add ${this.list.length}`, [...this.list, { view, origin: "added", label, ...whole }], this.list.length);
    this.#last = null;
    return true;
  }

  #whole(view, { box, polygon }) {
    const [most_x, most_y] = this.sizes.get(view);
    const points = polygon?.map(([x, y]) => [round(clamp(x, 0, most_x)), round(clamp(y, 0, most_y))]) ?? null;
    const fitted = this.fit(view, points ? bounds(points) : box);
    return fitted && { box: fitted, polygon: points };
  }

  /** Another place for a region. Where it was predicted it is kept again. */
  place(at, shape) {
    const one = this.list[at];
    const whole = this.#whole(one.view, shape);
    if (!whole) return false;
    const origin = one.was === undefined ? "added" : isSame(whole.box, one.was.box) && isSame(whole.polygon, one.was.polygon ?? null) ? "kept" : "moved";
    this.#replace("place", at, { ...whole, origin });
    return true;
  }

  /** By so many pixels; `grows`: its lower right corner alone. The box stays inside the image, as large as it was. */
  nudge(at, [dx, dy], grows = false) {
    const { view, box: [x, y, width, height], polygon } = this.list[at];
    const [most_x, most_y] = this.sizes.get(view);
    if (grows && !polygon) return this.place(at, { box: [x, y, Math.max(LEAST, width + dx), Math.max(LEAST, height + dy)] });
    if (grows) return false;
    const [by_x, by_y] = [clamp(dx, -x, most_x - x - width), clamp(dy, -y, most_y - y - height)];
    if (polygon) return this.place(at, { polygon: polygon.map((point) => [point[0] + by_x, point[1] + by_y]) });
    return this.place(at, { box: [x + by_x, y + by_y, width, height] });
  }

  relabel(at, label) { this.#replace("label", at, { label }); }

  /** Not there; or there after all. What was drawn here just goes. */
  remove(at) {
    const { origin, was, box, polygon } = this.list[at];
    if (origin === "added") return this.#change(`drop ${at}`, this.list.filter((one, place) => place !== at), null);
    const isPlaced = isSame(box, was.box) && isSame(polygon ?? null, was.polygon ?? null);
    this.#replace("remove", at, origin === "removed" ? { origin: isPlaced ? "kept" : "moved" } : { origin: "removed" });
    return this.choose(at);
  }

  /** What a verdict says of them. Regions that were not on screen are not spoken of, unless somebody changed one.
   *  On a good part there are none; the only region takes the label that the part got, unless it was given one. */
  findings(kind, slug, wereShown) {
    const seen = wereShown && this.list.length > 0;
    if (kind !== "label" || !(seen || this.isEdited)) return [];
    const isGood = rules(this.review).labels.find((one) => one.slug === slug)?.is_defect === false;
    const only = !this.isEdited && this.list.length === 1 ? slug : null;
    const told = this.list.filter((one) => !isGood || one.origin !== "added").map((one) => this.#told(one, isGood, only));
    return this.review.items.map(({ view }) => ({ view, regions: told.filter((one) => one.view === view).map((one) => one.region) }));
  }

  #told({ view, origin, label, box, polygon, predicted }, isGood, only) {
    if (isGood) return { view, region: { origin: "removed", predicted } };
    const named = { origin, label: only ?? label };
    const place = polygon ? { polygon } : { box };
    if (origin === "added") return { view, region: { ...named, ...place } };
    return { view, region: { ...named, predicted, ...(origin === "moved" ? place : {}) } };
  }
}
