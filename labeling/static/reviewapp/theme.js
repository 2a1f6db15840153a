// Sets the chosen theme before the first paint, hence no module: a module would come too late.
// Without a choice the system's own holds, by CSS alone.
(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const read = () => {
    try { return localStorage.getItem(KEY); } catch { return null; }
  };
  const write = (choice) => {
    try {
      if (choice === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, choice);
    } catch { /* a browser without storage forgets the choice with the page */ }
  };
  const apply = (choice) => {
    if (choice === "light" || choice === "dark") root.dataset.theme = choice;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-switch] button"))
      button.setAttribute("aria-pressed", String(button.value === (root.dataset.theme || "system")));
  };

  apply(read());
  addEventListener("storage", (event) => { if (event.key === KEY) apply(read()); });
  document.addEventListener("DOMContentLoaded", () => {
    for (const group of document.querySelectorAll("[data-theme-switch]")) {
      group.hidden = false;
      group.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (!button) return;
        write(button.value);
        apply(button.value);
      });
    }
    apply(read());
  });
})();
