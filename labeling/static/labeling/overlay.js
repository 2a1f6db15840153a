// Draws on the image: boxes by their corners alone, so that no line covers a defect's edge, and their tags as text.
// A plate lies exactly on the image, so everything moves and grows with it; lines and tags keep their size (regions.css).
import { on } from "./acts.js";
import { Regions } from "./regions.js";
import { rules, say } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const CORNER = { ofSide: 0.25, ofImage: 0.04 };
const NEAR_TOP = 0.06;

function make(name, attributes, parent) {
  const one = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, String(value));
  parent?.append(one);
  return one;
}

export function corners([x, y, width, height], [most_x, most_y]) {
  const arm = Math.min(Math.max(most_x, most_y) * CORNER.ofImage, Math.min(width, height) * CORNER.ofSide);
  const [right, bottom] = [x + width, y + height];
  return [
    `M${x} ${y + arm}V${y}H${x + arm}`, `M${right - arm} ${y}H${right}V${y + arm}`,
    `M${right} ${bottom - arm}V${bottom}H${right - arm}`, `M${x + arm} ${bottom}H${x}V${bottom - arm}`,
  ].join("");
}

export const outline = (points) => `M${points.map((point) => point.join(" ")).join("L")}Z`;

export const labelName = (review, slug) => rules(review).labels.find((one) => one.slug === slug)?.name ?? slug;

export function nameOf(review, { label, confidence }) {
  const name = labelName(review, label);
  return confidence === null || confidence === undefined ? name : `${name} ${say("percent", { n: Math.min(99, Math.round(confidence * 100)) })}`;
}

/** The entry's regions, made once: what a person did to them stays while the part comes and goes. */
export const regionsOf = (entry) => (entry.regions ??= new Regions(entry.review, entry.images));

export function plateOf(view, [width, height]) {
  const plate = document.createElement("div");
  plate.className = "plate";
  plate.dataset.view = view;
  plate.style.setProperty("--ratio", String(width / height));
  make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, plate);
  const tags = document.createElement("div");
  tags.className = "tags";
  tags.setAttribute("aria-hidden", "true"); // the list beside the image says the same
  plate.append(tags);
  return plate;
}

function drawOne(plate, regions, at) {
  const one = regions.list[at];
  const classes = [one.origin, at === regions.chosen ? "chosen" : ""].filter(Boolean);
  drawRegion(plate, regions.sizes.get(one.view), one, { classes, words: nameOf(regions.review, one), at });
}

/** A region with its tag. `at`: its place in the list where it can be chosen. `isBelow`: the tag stands under it. */
export function drawRegion(plate, [width, height], { box, polygon }, { classes, words, at = null, isBelow = false }) {
  const group = make("g", { class: ["region", ...classes].join(" ") }, plate.querySelector("svg"));
  const [x, y] = box;
  if (at !== null) {
    group.dataset.at = String(at);
    make("rect", { class: "hit", x, y, width: box[2], height: box[3] }, group);
  }
  const path = polygon ? outline(polygon) : corners(box, [width, height]);
  for (const name of ["box-under", "box-line"]) make("path", { class: name, d: path }, group);
  const tag = document.createElement("span");
  const foot = isBelow ? y + box[3] : y;
  tag.className = ["tag", ...classes, ...(foot < height * (isBelow ? 1 - NEAR_TOP : NEAR_TOP) ? ["below"] : [])].join(" ");
  tag.textContent = words;
  tag.style.setProperty("left", `${(100 * x) / width}%`);
  tag.style.setProperty("top", `${(100 * foot) / height}%`);
  plate.querySelector(".tags").append(tag);
}

/** Draw an entry's regions anew. */
export function redraw(entry) {
  const regions = regionsOf(entry);
  for (const plate of entry.layer?.querySelectorAll(".plate") ?? []) {
    plate.querySelector("svg").replaceChildren();
    plate.querySelector(".tags").replaceChildren();
    regions.list.forEach((one, at) => { if (one.view === plate.dataset.view) drawOne(plate, regions, at); });
  }
}

/** The line under the finger while something is drawn. */
export function sketch(plate, path) {
  plate.querySelector(".sketch")?.remove();
  if (!path) return;
  const group = make("g", { class: "sketch" }, plate.querySelector("svg"));
  for (const name of ["box-under", "box-line"]) make("path", { class: name, d: path }, group);
}

/** Where a pointer is, in pixels of the original. */
export function pixel(plate, event, regions) {
  const [width, height] = regions.sizes.get(plate.dataset.view);
  const box = plate.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
}

export function startOverlay() {
  on("dress", (entry, layer) => {
    const regions = regionsOf(entry);
    entry.layer = layer;
    layer.querySelectorAll(".view").forEach((holder, place) => {
      const { view } = entry.review.items[place];
      holder.append(plateOf(view, regions.sizes.get(view)));
    });
    redraw(entry);
    return false; // others may have something to add
  });
}
