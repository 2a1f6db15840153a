// The layers of the stage: what is on screen, and under it what comes next, laid out and decoded, so that the next image
// takes no work in the frame in which it appears.
import { act } from "./acts.js";
import { $ } from "./page.js";
import { say } from "./words.js";

const MOST_IN_A_ROW = 5;

/** The layer of an entry whose images are decoded. Each image lies in a frame that cuts it off, and in a view that moves. */
function layerOf(entry) {
  const layer = document.createElement("div");
  layer.className = "layer";
  layer.dataset.views = String(Math.min(entry.images.length, MOST_IN_A_ROW));
  entry.images.forEach((image, place) => {
    const { part, items } = entry.review;
    const [frame, view] = [document.createElement("div"), document.createElement("div")];
    [frame.className, view.className] = ["frame", "view"];
    image.alt = say("alt", { part, view: items[place].view });
    view.append(image);
    frame.append(view);
    layer.append(frame);
  });
  act("dress", entry, layer); // whoever has something to lay on the images
  return layer;
}

function under(layer) {
  layer.setAttribute("aria-hidden", "true");
  layer.inert = true;
}

/** Lay out what comes next, under what is there. */
export function prepare(entry) {
  if (!entry.images.length) return;
  entry.layer ??= layerOf(entry);
  if (entry.layer.parentNode) return;
  under(entry.layer);
  $("shot").prepend(entry.layer);
}

/** The entry's images are on top from this frame on; those of entries that are neither here nor ahead go. */
export function present(entry, ahead) {
  entry.layer ??= layerOf(entry);
  const stay = new Set([entry, ...ahead].map((one) => one.layer));
  for (const layer of [...$("shot").children]) {
    if (!stay.has(layer)) layer.remove();
    else if (layer !== entry.layer) under(layer);
  }
  entry.layer.removeAttribute("aria-hidden");
  entry.layer.inert = false;
  if (!entry.layer.parentNode) $("shot").append(entry.layer);
}
