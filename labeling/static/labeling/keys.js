// One key per verdict. Keys act while no field has the focus and no dialog is open; a held key speaks once.
const OWN = {
  enter: "suggested", u: "unsure", b: "bad_image", z: "undo", backspace: "undo", "?": "keys",
  "+": "in", "=": "in", "-": "out", "−": "out", 0: "fit",
};
const FIELDS = "input, textarea, select, [contenteditable]";
const PRESSED_BY_KEY = "button, a, summary";

/** `act(name)` for the station's own keys, `label(slug)` for a label's. */
export function listenToKeys({ labels, act, label }) {
  const byKey = new Map(labels.filter((one) => one.hotkey).map((one) => [one.hotkey.toLowerCase(), one.slug]));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.closest(FIELDS) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if ((key === "enter" || key === " ") && event.target.closest(PRESSED_BY_KEY)) {
      if (event.repeat) event.preventDefault(); // the button in focus is pressed once
      return;
    }
    if (!byKey.has(key) && !(key in OWN)) return;
    event.preventDefault();
    if (event.repeat && !["in", "out"].includes(OWN[key])) return;
    if (byKey.has(key)) label(byKey.get(key));
    else act(OWN[key]);
  });
}
