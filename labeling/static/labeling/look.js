// The station's look, before the first paint: hence no module. Dark unless this browser's person chose light.
(() => {
  const root = document.documentElement;
  const choices = { glove: ["station-mode", "mode", "keys"], light: ["station-theme", "theme", "dark"] };
  const read = (key) => {
    try { return localStorage.getItem(key); } catch { return null; }
  };
  const write = (key, value) => {
    try { localStorage.setItem(key, value); } catch { /* then the choice lives as long as the page */ }
  };
  for (const [name, [key, attribute, usual]] of Object.entries(choices))
    root.dataset[attribute] = read(key) === name ? name : usual;

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-look]")) {
      const [key, attribute, usual] = choices[button.dataset.look];
      const tell = () => button.setAttribute("aria-pressed", String(root.dataset[attribute] === button.dataset.look));
      button.addEventListener("click", () => {
        root.dataset[attribute] = root.dataset[attribute] === usual ? button.dataset.look : usual;
        write(key, root.dataset[attribute]);
        tell();
      });
      tell();
    }
  });
})();
