// The golden samples beside the image: what a good part and each defect look like. Open or closed, it stays so.
import { on } from "./acts.js";
import { ask } from "./api.js";
import { rulesNow } from "./models.js";
import { $, write } from "./page.js";
import { say } from "./words.js";

const KEY = "reviewapp.golden";
const KEPT_MS = 30 * 60_000; // their addresses run out after an hour
let askedAt = -Infinity;

function figureOf({ name, caption, item }) {
  const [figure, image, words] = ["figure", "img", "figcaption"].map((kind) => document.createElement(kind));
  [image.src, image.alt, image.loading] = [item.url ?? "", say("golden_alt", { name }), "lazy"];
  if (item.width) [image.width, image.height] = [item.width, item.height];
  const bold = document.createElement("b");
  bold.textContent = name;
  words.append(bold, caption ? ` · ${caption}` : "");
  figure.append(image, words);
  return figure;
}

async function fill() {
  if (performance.now() - askedAt < KEPT_MS) return;
  askedAt = performance.now();
  try {
    const answer = await ask(rulesNow().urls.golden);
    const { samples } = await answer.json();
    $("golden-list").replaceChildren(...samples.map(figureOf));
    write($("golden-none"), samples.length ? "" : say("golden_none"));
  } catch (error) {
    console.warn("golden samples:", error);
    askedAt = -Infinity;
    write($("golden-none"), say("golden_late"));
  }
}

function set(isOpen) {
  $("golden").hidden = !isOpen;
  document.body.toggleAttribute("data-golden", isOpen);
  for (const button of document.querySelectorAll("[data-act=golden]")) button.setAttribute("aria-pressed", String(isOpen));
  if (isOpen) fill();
}

export function startGolden() {
  on("golden", () => {
    set($("golden").hidden);
    try { sessionStorage.setItem(KEY, String(!$("golden").hidden)); } catch { /* then until the page is loaded again */ }
  });
  on("model", () => { // another model's part came on screen
    askedAt = -Infinity;
    if (!$("golden").hidden) fill();
  });
  try { set(sessionStorage.getItem(KEY) === "true"); } catch { set(false); }
}
