// What does not decide anything: the menu, the list of keys, the panel of tools.
import { on } from "./acts.js";
import { $ } from "./page.js";

function openSheet(id) {
  const sheet = $(id);
  if (!sheet.open) sheet.showModal();
}

let remap = null;
/** What changes keys comes with the first look at them: the page is lighter, and nothing is changed without a connection. */
async function openKeys() {
  remap ??= import("./remap.js").then(({ startRemap }) => startRemap());
  await remap.catch((error) => { console.warn("keys cannot be changed now:", error); remap = null; });
  openSheet("keys");
}

function panel(isOpen = $("panel").hidden) {
  $("panel").hidden = !isOpen;
  document.body.toggleAttribute("data-panel", isOpen);
  for (const button of document.querySelectorAll("[data-act=panel]")) button.setAttribute("aria-expanded", String(isOpen));
}

function startMenu() {
  const menu = document.querySelector("details.menu");
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target) || event.target.closest("[data-act]")) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

export function startTools() {
  on("keys", () => { openKeys(); });
  on("last", () => openSheet("last"));
  on("panel", () => panel());
  for (const sheet of document.querySelectorAll("dialog.sheet")) {
    sheet.addEventListener("click", (event) => {
      if (event.target === sheet || event.target.closest("[data-close]")) sheet.close();
    });
  }
  startMenu();
  // A touched button does not keep the focus: Enter then still means "as suggested".
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest(".beside button, .s-foot button, .s-head button, summary")) event.preventDefault();
  });
}
