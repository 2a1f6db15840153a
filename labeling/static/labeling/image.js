// A review with its images: fetched and decoded before it may be shown, so what is judged is what is painted.
import { getBlob } from "./api.js";
import { prepare } from "./stage.js";

// What can be wrong: "unreadable" no image in the file · "missing" no file · "late" it will be asked for again
const MOST_PIXELS = 40_000_000; // a browser holds four bytes of each: beyond, there are tiles (mosaic.js)
const FAULT_OF = { offline: "late", server: "late", session: "late", refused: "missing" };

/** Browsers paint what arrived of a JPEG or PNG and call it decoded. Half an image must not be judged. */
export function isCutOff(bytes) {
  const starts = (...start) => start.every((byte, place) => bytes[place] === byte);
  const ends = (...end) => {
    for (let at = bytes.length - end.length; at >= 0; at -= 1) if (end.every((byte, place) => bytes[at + place] === byte)) return true;
    return false;
  };
  if (starts(0xff, 0xd8)) return !ends(0xff, 0xd9);
  if (starts(0x89, 0x50, 0x4e, 0x47)) return !ends(0x49, 0x45, 0x4e, 0x44); // IEND
  if (starts(0x52, 0x49, 0x46, 0x46)) return new DataView(bytes.buffer).getUint32(4, true) + 8 > bytes.length; // RIFF: WebP
  return false;
}

/** The decoded image of a view, or an error with a `fault`. */
export async function load(item) {
  if (!item.url) throw Object.assign(new Error("left at the station"), { fault: "missing" });
  const blob = await getBlob(item.url).catch((error) => {
    throw Object.assign(error, { fault: FAULT_OF[error.kind] });
  });
  if (isCutOff(new Uint8Array(await blob.arrayBuffer()))) throw Object.assign(new Error("cut off"), { fault: "unreadable" });
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  image.draggable = false;
  image.decoding = "sync"; // it is decoded: the browser may not show the page without it for a frame
  try {
    await image.decode();
  } catch (error) {
    URL.revokeObjectURL(image.src);
    throw Object.assign(error, { fault: "unreadable" });
  }
  return image;
}

export class Entry {
  images = [];
  layer = null; // where the images lie on the stage
  fault = null;
  lost = false; // the lease ran out

  /** `after`: what its images wait for, so that the one that is wanted first has the line for itself. */
  constructor(review, after = null) {
    this.review = review;
    this.load(after);
  }

  get id() { return this.review.id; }

  /** `ready` resolves, with images or a fault; it never rejects. */
  load(after = null) {
    this.fault = null;
    const items = this.review.items.length ? this.review.items : [{ url: null }];
    this.ready = Promise.resolve(after).then(() => Promise.all(items.map(load))).then(
      (images) => {
        this.images = images;
        prepare(this);
      },
      (error) => {
        this.fault = error.fault ?? "unreadable";
        this.error = error;
      },
    );
    return this.ready;
  }

  /** Zoomed in there is more to see than the copy that was loaded holds: the whole image takes its place. */
  sharpen() {
    this.images.forEach(async (image, place) => {
      const { full_url: url, width, height } = this.review.items[place];
      if (!url || image.dataset.full || width * height > MOST_PIXELS) return;
      image.dataset.full = "asked";
      try {
        const whole = await load({ url });
        const before = image.src;
        image.src = whole.src;
        await image.decode();
        URL.revokeObjectURL(before);
        image.dataset.full = "shown";
      } catch {
        delete image.dataset.full; // what is on screen stays; the next step asks again
      }
    });
  }

  forget() {
    for (const image of this.images) URL.revokeObjectURL(image.src);
    this.layer?.remove();
    [this.images, this.layer] = [[], null];
  }
}
