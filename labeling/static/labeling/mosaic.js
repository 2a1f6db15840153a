// A very large image, enlarged: tiles of the part that is in sight, as fine as the screen can show. The copy that was loaded
// lies below them, so nothing is ever empty; tiles out of sight go, so the browser holds no more than a few screens.
import { on } from "./acts.js";
import { $ } from "./page.js";
import { reach, zoom } from "./view.js";

const FINEST = 2; // screen pixels for a pixel of the image
const STAGE = 0.7; // of the window, about
const RIM = 1; // tiles around what is in sight
const REST_MS = 80; // moved so long ago: now it is asked for

let entry = null; // what is on screen
let waiting = 0;

const mosaics = (one) => one?.review.items.filter(({ tiles }) => tiles) ?? [];

/** Where the tiles of each large image lie. */
function beds() {
  entry?.layer?.querySelectorAll(".view").forEach((holder, place) => {
    const { tiles, width, height } = entry.review.items[place];
    if (!tiles || holder.querySelector(".mosaic")) return;
    const mosaic = document.createElement("div");
    mosaic.className = "mosaic";
    mosaic.dataset.place = String(place);
    mosaic.style.setProperty("--ratio", String(width / height));
    holder.querySelector("img").after(mosaic);
  });
  return entry?.layer?.querySelectorAll(".mosaic") ?? [];
}

/** So far into the image as its finest pixels can be seen. */
function shown(now) {
  entry = now ?? null;
  const longest = Math.max(0, ...mosaics(entry).map(({ width, height }) => Math.max(width / innerWidth, height / innerHeight)));
  reach((longest * FINEST) / STAGE);
  later();
  return false;
}

function later() {
  clearTimeout(waiting);
  waiting = setTimeout(() => { for (const mosaic of beds()) lay(mosaic); }, REST_MS);
}

/** The coarsest level that still has a pixel for each of the screen's. */
function levelFor(share, levels) {
  return Math.min(levels - 1, Math.max(0, Math.floor(Math.log2(1 / Math.max(share, Number.EPSILON)))));
}

/** Columns and rows of the tiles in sight, and a rim. */
function inSight(mosaic, side, [width, height]) {
  const [whole, frame] = [mosaic.getBoundingClientRect(), mosaic.closest(".frame").getBoundingClientRect()];
  const range = (from, to, start, length, pixels) => {
    const at = (place) => Math.floor((((place - start) / length) * pixels) / side);
    return [Math.max(0, at(from) - RIM), Math.min(Math.ceil(pixels / side) - 1, at(to) + RIM)];
  };
  return [range(frame.left, frame.right, whole.left, whole.width, width), range(frame.top, frame.bottom, whole.top, whole.height, height)];
}

function lay(mosaic) {
  const { tiles, width, height } = entry.review.items[Number(mosaic.dataset.place)];
  const isClose = zoom() > 1 && !mosaic.closest("[data-big] .cell:not(.big)");
  if (!isClose) return mosaic.replaceChildren();
  const share = (mosaic.getBoundingClientRect().width * devicePixelRatio) / width;
  const level = levelFor(share, tiles.levels);
  const reduced = [width, height].map((pixels) => Math.ceil(pixels / 2 ** level));
  const [[left, right], [top, bottom]] = inSight(mosaic, tiles.side, reduced);
  const there = new Map([...mosaic.children].map((tile) => [tile.dataset.at, tile]));
  const wanted = new Set();
  for (let row = top; row <= bottom; row += 1) {
    for (let column = left; column <= right; column += 1) {
      const at = `${level}/${column}_${row}`;
      wanted.add(at);
      if (!there.has(at)) mosaic.append(tileOf(tiles, { at, level, column, row }, reduced));
    }
  }
  for (const [at, tile] of there) if (!wanted.has(at)) tile.remove();
}

function tileOf({ url, side }, { at, level, column, row }, [width, height]) {
  const tile = new Image();
  Object.assign(tile, { alt: "", draggable: false, decoding: "async" });
  tile.dataset.at = at;
  const share = (pixels, whole) => `${(100 * pixels) / whole}%`;
  const [x, y] = [column * side, row * side];
  const place = { left: share(x, width), top: share(y, height), width: share(Math.min(side, width - x), width), height: share(Math.min(side, height - y), height) };
  for (const [name, value] of Object.entries(place)) tile.style.setProperty(name, value);
  tile.addEventListener("error", () => tile.remove()); // the copy below stays; the next move asks again
  tile.src = url.replace("{level}", level).replace("{column}", column).replace("{row}", row);
  return tile;
}

/** `now` is on screen already: this comes with the first large image (large.js). */
export function startMosaics(now) {
  on("shown", shown);
  shown(now);
  for (const kind of ["closer", "framed"]) $("shot").addEventListener(kind, later);
  addEventListener("resize", later);
}
