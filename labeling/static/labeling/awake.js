// The screen of a station stays on while somebody works there. Browsers give this to safe (TLS or local) pages only.
const LETS_GO_AFTER_MS = 10 * 60_000;

let lock = null;
let asking = false;
let activeAt = Date.now();

async function hold() {
  if (lock || asking || document.hidden || !navigator.wakeLock) return;
  asking = true;
  try {
    lock = await navigator.wakeLock.request("screen");
    lock.addEventListener("release", () => { lock = null; });
    document.documentElement.dataset.awake = "yes";
  } catch {
    delete document.documentElement.dataset.awake; // low battery, or not allowed: the screen sleeps as it always did
  } finally {
    asking = false;
  }
}

function onActivity() {
  activeAt = Date.now();
  hold();
}

function look() {
  if (Date.now() - activeAt < LETS_GO_AFTER_MS) return;
  lock?.release();
  delete document.documentElement.dataset.awake;
}

export function startAwake() {
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, onActivity, { passive: true });
  document.addEventListener("visibilitychange", hold);
  setInterval(look, 30_000);
  hold();
}
