// What does not decide anything: zoom, the list of keys, the menu.
import { $ } from "./page.js";

const STEPS = [1, 1.5, 2, 3, 4, 6, 8];
let step = 0;

export const zoom = () => STEPS[step];

/** `way`: in, out or fit. The middle of what is seen stays in the middle. */
export function setZoom(way) {
  step = way === "fit" ? 0 : Math.min(STEPS.length - 1, Math.max(0, step + (way === "in" ? 1 : -1)));
  if (step) $("shot").dispatchEvent(new Event("closer"));
  for (const view of $("shot").children) {
    const middle = ["Left", "Top"].map((side) => {
      const size = side === "Left" ? "Width" : "Height";
      return (view[`scroll${side}`] + view[`client${size}`] / 2) / view[`scroll${size}`];
    });
    view.style.setProperty("--zoom", String(zoom()));
    view.tabIndex = step ? 0 : -1;
    view.scrollLeft = middle[0] * view.scrollWidth - view.clientWidth / 2;
    view.scrollTop = middle[1] * view.scrollHeight - view.clientHeight / 2;
  }
}

export function openKeys() {
  $("keys").showModal();
}

export function startTools() {
  for (const button of document.querySelectorAll("[data-zoom]"))
    button.addEventListener("click", () => setZoom(button.dataset.zoom));
  $("all-keys").addEventListener("click", openKeys);
  $("keys-close").addEventListener("click", () => $("keys").close());
  $("keys").addEventListener("click", (event) => { if (event.target === $("keys")) $("keys").close(); });
  const menu = document.querySelector("details.menu");
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  // A touched button does not keep the focus: Enter then still means "as suggested".
  document.addEventListener("mousedown", (event) => { if (event.target.closest(".beside button, .s-foot button, .s-head button, summary")) event.preventDefault(); });
}
