// Runs in the station's page: how long from a key to the frame after the one that has the next image.
(() => {
  const watched = { waits: [], presented: [], flashes: 0 };
  window.watched = watched;
  const shown = () => document.querySelector("#shot .layer:not([aria-hidden]) img, #shot > .view img");
  const part = () => document.getElementById("part").textContent;
  addEventListener("keydown", (event) => {
    if (event.key !== "2") return;
    const before = { image: shown(), part: part() };
    const look = () => {
      const image = shown();
      if (!image || image === before.image || part() === before.part || !image.complete || !image.naturalWidth)
        return requestAnimationFrame(look);
      return requestAnimationFrame(() => {
        watched.waits.push(performance.now() - event.timeStamp);
        document.body.dataset.watched = String(watched.waits.length);
      });
    };
    requestAnimationFrame(look);
  }, { capture: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "keydown") watched.presented.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16 });
  const wait = document.getElementById("wait");
  new MutationObserver(() => { if (wait.classList.contains("flash")) watched.flashes += 1; })
    .observe(wait, { attributes: true, attributeFilter: ["class"] });
})();
