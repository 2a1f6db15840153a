// A comparison by keyboard: one image after the other in a viewer, with both words beside it. Without this module the
// tiles are links to their images and the filters links to their lists, which the keys only follow.
const viewer = document.getElementById("viewer");
const keys = document.getElementById("keys");
const tiles = [...document.querySelectorAll("[data-tile]")];
const part = (name) => viewer.querySelector(`[data-${name}]`);
const [FIRST, LAST] = ["#first", "#last"];
const STEP = 1.5;
const MOST = 12;
const PAN = 80; // pixels

let at = -1;
let zoom = 1;

function setZoom(factor) {
  const stage = part("stage");
  const before = zoom;
  zoom = Math.min(MOST, Math.max(1, factor));
  const [x, y] = [stage.scrollLeft + stage.clientWidth / 2, stage.scrollTop + stage.clientHeight / 2];
  for (const side of ["width", "height"]) part("image").style[side] = `${100 * zoom}%`;
  stage.scrollTo((x * zoom) / before - stage.clientWidth / 2, (y * zoom) / before - stage.clientHeight / 2);
  part("zoom").textContent = `${Math.round(100 * zoom)} %`;
}

/** The words of the tile, and its image as large as it was kept. */
function show(place) {
  at = place;
  const tile = tiles[at];
  const words = tile.querySelector("figcaption").cloneNode(true);
  part("words").replaceChildren(...words.childNodes);
  part("words").className = tile.querySelector("figure").className;
  part("position").textContent = viewer.dataset.position.replace("{n}", Number(tile.dataset.tile).toLocaleString(document.documentElement.lang)).replace("{of}", viewer.dataset.of);
  const link = tile.querySelector("a[data-image]");
  part("image").hidden = !link;
  part("missing").hidden = Boolean(link);
  part("image").removeAttribute("src"); // the one before must not stand beside these words
  if (link) {
    [part("image").src, part("image").alt] = [link.href, link.querySelector("img").alt];
    prefetch(at + 1);
  }
  setZoom(1);
  if (!viewer.open) viewer.showModal();
}

function prefetch(place) {
  const link = tiles[place]?.querySelector("a[data-image]");
  if (link) new Image().src = link.href;
}

/** Past either end the next page opens where this one stopped. */
function move(by) {
  if (tiles[at + by]) return show(at + by);
  const page = document.querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]");
  if (page) location.assign(page.href + (by > 0 ? FIRST : LAST));
}

const pan = (x, y) => part("stage").scrollBy(x * PAN, y * PAN);
const follow = (kind) => document.querySelector(`a[data-kind="${kind}"]`)?.click();

const HERE = { b: () => follow("broken"), f: () => follow("fixed"), w: () => follow("both_wrong"), r: () => follow("both_right"), a: () => follow(""), "?": () => keys.showModal() };
const NEXT = () => (viewer.open ? move(1) : tiles.length && show(0));
const BACK = () => viewer.open && move(-1);
const VIEWER = {
  "+": () => setZoom(zoom * STEP), "=": () => setZoom(zoom * STEP), "-": () => setZoom(zoom / STEP), 0: () => setZoom(1),
  ArrowUp: () => pan(0, -1), ArrowDown: () => pan(0, 1), Home: () => show(0), End: () => show(tiles.length - 1),
};
const MOVES = { ArrowRight: NEXT, j: NEXT, n: NEXT, ArrowLeft: BACK, k: BACK, p: BACK };

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  if (isTyping || keys.open || event.ctrlKey || event.metaKey || event.altKey) return;
  const inScroller = !viewer.open && event.target.closest(".scroll-x"); // a wide table scrolls with the arrows
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const isAside = event.shiftKey && viewer.open && (key === "ArrowLeft" || key === "ArrowRight");
  const act = isAside ? () => pan(key === "ArrowLeft" ? -1 : 1, 0) : ((viewer.open && VIEWER[key]) || (!inScroller && MOVES[key]) || HERE[key]);
  if (!act) return;
  event.preventDefault();
  act();
});

for (const [place, tile] of tiles.entries()) {
  tile.querySelector("a[data-image]")?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(place);
  });
}
const PRESSED = { next: NEXT, back: BACK, in: VIEWER["+"], out: VIEWER["-"], fit: VIEWER[0], close: () => viewer.close() };
for (const button of viewer.querySelectorAll("[data-do]")) button.addEventListener("click", PRESSED[button.dataset.do]);
keys.querySelector("button").addEventListener("click", () => keys.close());
for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", HERE["?"]);
}
// Back on the tile that was looked at last.
viewer.addEventListener("close", () => tiles[at]?.querySelector("a[data-image]")?.focus());
part("image").addEventListener("click", () => setZoom(zoom > 1 ? 1 : 3));

if (tiles.length && location.hash === FIRST) show(0);
if (tiles.length && location.hash === LAST) show(tiles.length - 1);
