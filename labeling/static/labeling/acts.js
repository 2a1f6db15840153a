// What can be done on the station, by name. A module adds what it can do; keys and buttons ask for it by the name.
const doers = new Map();

/** Who was added last is asked first; one that answers `false` leaves it to the one before. */
export function on(name, does) {
  doers.set(name, [does, ...(doers.get(name) ?? [])]);
}

export function act(name, ...values) {
  for (const does of doers.get(name) ?? []) if (does(...values) !== false) return true;
  return false;
}

/** Every button with `data-act` does what it is called. */
export function listenToButtons() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (!button) return;
    if (button.matches("a")) event.preventDefault(); // where it leads without a script
    act(button.dataset.act);
  });
}
