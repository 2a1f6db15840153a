// A part once more, beside what the model said of it: with the person's regions and the model's. Fetched when it is needed.
import { plateOf, regionsOf } from "./overlay.js";
import { drawVoices, hasRegions } from "./voices.js";
import { say } from "./words.js";

/** The part once more with the person's regions and the model's on it, while its images are at hand and there are any. */
export function pictureOf(entry, prediction) {
  if (!entry?.images.length) return null;
  const { list, sizes } = regionsOf(entry);
  const mine = entry.review.items.map(({ view }) => ({ view, regions: list.filter((one) => one.view === view && one.origin !== "removed") }));
  const voices = [{ who: say("voice_you"), line: "solid", views: mine }, { who: say("voice_model"), line: "model", views: prediction.views }];
  if (!hasRegions(voices)) return null;
  const picture = document.createElement("div");
  picture.className = "picture";
  entry.images.forEach((image, place) => {
    const { view } = entry.review.items[place];
    if (!hasRegions(voices.map(({ views }) => ({ views: views.filter((one) => one.view === view) })))) return;
    const [frame, holder, copy] = [document.createElement("div"), document.createElement("div"), new Image()];
    [frame.className, holder.className, copy.src, copy.alt] = ["frame", "view", image.src, image.alt];
    holder.append(copy, plateOf(view, sizes.get(view)));
    frame.append(holder);
    picture.append(frame);
  });
  drawVoices(picture, entry.review, sizes, voices);
  return picture;
}
