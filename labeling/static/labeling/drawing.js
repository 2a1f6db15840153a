// Drawing on the image: two taps or one stroke make a box, taps make a polygon. Nothing needs a stroke.
import { $ } from "./page.js";
import { bounds } from "./regions.js";
import { corners, outline, pixel, sketch } from "./overlay.js";

const STROKE_PX = 8; // what moves less is a tap
const CLOSE_PX = 14; // a tap so near the first point closes the polygon

export class Drawing {
  #down = null; // { id, x, y, at, plate } of the pointer that is down

  /** `regions()` are those being edited, or null; `done(view, shape)`, `chosen(at)`, `moved()` are told what happens. */
  constructor({ regions, done, chosen, moved }) {
    Object.assign(this, { regions, done, chosen, moved, kind: null, points: [], plate: null });
    const shot = $("shot");
    shot.addEventListener("pointerdown", (event) => this.#onDown(event), { capture: true });
    addEventListener("pointermove", (event) => this.#onMove(event));
    addEventListener("pointerup", (event) => this.#onUp(event));
    addEventListener("pointercancel", () => { this.#down = null; });
  }

  /** `kind`: box, polygon, or null: nothing is drawn. */
  begin(kind) {
    if (this.plate) sketch(this.plate, null);
    Object.assign(this, { kind, points: [], plate: null });
    this.#down = null;
    document.body.toggleAttribute("data-drawing", kind !== null);
  }

  #onDown(event) {
    const regions = this.regions();
    const plate = event.target.closest?.(".frame")?.querySelector(".plate");
    if (!regions || !plate || event.button > 0 || this.#down) return;
    const at = event.target.closest(".region")?.dataset.at;
    if (!this.kind && at === undefined) return; // the image is moved
    event.stopPropagation();
    event.preventDefault();
    const from = pixel(plate, event, regions);
    this.#down = { id: event.pointerId, x: event.clientX, y: event.clientY, from, last: from, plate, at: this.kind ? null : Number(at), isStroke: false };
    if (!this.kind) this.chosen(Number(at));
  }

  #onMove(event) {
    const [down, regions] = [this.#down, this.regions()];
    if (!down || event.pointerId !== down.id || !regions) return;
    down.isStroke ||= Math.hypot(event.clientX - down.x, event.clientY - down.y) > STROKE_PX;
    if (!down.isStroke) return;
    const now = pixel(down.plate, event, regions);
    if (down.at !== null) {
      regions.nudge(down.at, [now[0] - down.last[0], now[1] - down.last[1]]);
      down.last = now;
      this.moved();
    } else if (this.kind === "box") this.#sketch(down.plate, [this.points[0] ?? down.from, now]);
  }

  #onUp(event) {
    const [down, regions] = [this.#down, this.regions()];
    if (!down || event.pointerId !== down.id) return;
    this.#down = null;
    if (!regions || down.at !== null) return;
    if (this.plate && this.plate !== down.plate) this.begin(this.kind); // begun in another view
    this.plate = down.plate;
    const now = pixel(down.plate, event, regions);
    if (this.kind === "box" && down.isStroke && !this.points.length) this.points.push(down.from);
    if (this.kind === "polygon" && this.#closes(event, regions)) return this.finish();
    this.points.push(now);
    if (this.kind === "box" && this.points.length === 2) return this.finish();
    this.#sketch(this.plate, this.points);
  }

  #closes(event, regions) {
    if (this.points.length < 3) return false;
    const box = this.plate.getBoundingClientRect();
    const [width, height] = regions.sizes.get(this.plate.dataset.view);
    const [x, y] = [box.left + (this.points[0][0] / width) * box.width, box.top + (this.points[0][1] / height) * box.height];
    return Math.hypot(event.clientX - x, event.clientY - y) <= CLOSE_PX;
  }

  #sketch(plate, points) {
    const size = this.regions().sizes.get(plate.dataset.view);
    if (this.kind === "polygon") return sketch(plate, outline(points));
    const arm = Math.max(...size) / 60;
    const [[x, y], other] = points;
    sketch(plate, other ? corners(bounds(points), size) : `M${x - arm} ${y}H${x + arm}M${x} ${y - arm}V${y + arm}`);
  }

  /** What is drawn so far becomes a region, if it has an area. */
  finish() {
    const [plate, points] = [this.plate, this.points];
    const isWhole = this.kind === "polygon" ? points.length >= 3 : points.length === 2;
    const shape = this.kind === "polygon" ? { polygon: points } : isWhole && { box: bounds(points) };
    this.begin(null);
    if (isWhole) this.done(plate.dataset.view, shape);
    return isWhole;
  }
}
