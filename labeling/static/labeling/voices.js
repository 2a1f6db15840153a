// Whose region is whose, on one image: the first voice's lines are solid with the tag above, the second's dashed and the
// others' dotted with the tag below, and each tag begins with who it is. So is the model's. Told apart without colours.
import { drawRegion, labelName } from "./overlay.js";

const LINES = ["solid", "dashed", "dotted"];
export const lineOf = (place) => LINES[Math.min(place, LINES.length - 1)];

/** `voices`: [{ who, line, views: [{ view, regions }] }], drawn anew on the plates below `holder`. */
export function drawVoices(holder, review, sizes, voices) {
  for (const plate of holder.querySelectorAll(".plate")) {
    const { view } = plate.dataset;
    plate.querySelector("svg").replaceChildren();
    plate.querySelector(".tags").replaceChildren();
    for (const { who, line, views } of voices) {
      for (const region of views.find((one) => one.view === view)?.regions ?? []) {
        const words = `${who}: ${labelName(review, region.label)}`;
        drawRegion(plate, sizes.get(view), region, { classes: [`voice-${line}`], words, isBelow: line !== "solid" });
      }
    }
  }
}

export const hasRegions = (voices) => voices.some(({ views }) => views.some(({ regions }) => regions?.length));
