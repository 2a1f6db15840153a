// Whether an image is too large for a browser to hold whole. Few are: what shows their tiles comes with the first of them.
import { on } from "./acts.js";

let mosaics = null;
let entry = null;

function shown(now) {
  entry = now ?? null;
  if (mosaics || !entry?.review.items.some(({ tiles }) => tiles)) return false;
  mosaics = import("./mosaic.js").then(({ startMosaics }) => startMosaics(entry));
  mosaics.catch((error) => { console.warn("no tiles now:", error); mosaics = null; }); // the next one asks again
  return false;
}

export const watchForLarge = () => on("shown", shown);
