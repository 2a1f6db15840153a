// Another person takes the screen: a number pad for gloves, badge readers that type like a keyboard and end with Enter.
const READER_BEGINS = new Set(["%", ";"]); // the start signs of magnetic stripes, to which other readers can be set

/** Make the form work. `settle()` is waited for before anything is sent, `kept()` names reviews whose verdicts are not
 *  sent, `leaving()` is told that the page is the next person's from now on. */
export function startForm(form, { settle = async () => {}, kept = () => [], leaving = () => {} } = {}) {
  const field = form.elements.secret;
  const pad = form.querySelector("[data-pad]");
  if (pad) {
    pad.hidden = false;
    form.querySelector("[data-without-script]").hidden = true;
    pad.addEventListener("click", (event) => {
      const { value, type } = event.target.closest("button") ?? {};
      if (type !== "button") return;
      field.value = value === "clear" ? "" : field.value + value;
    });
    form.querySelector(".who").addEventListener("change", () => { field.value = ""; field.focus(); });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    take(form, { settle, kept, leaving }).finally(() => { delete form.dataset.sent; });
  });
}

async function take(form, { settle, kept, leaving }) {
  await settle();
  form.elements.keep.value = kept().join(",");
  try {
    const answer = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" }, body: new FormData(form), signal: AbortSignal.timeout(20_000) });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) return refuse(form, said.error?.message ?? String(answer.status));
    leaving();
    location.assign(said.url);
  } catch (error) {
    refuse(form, error.message);
  }
}

function refuse(form, text) {
  const place = form.querySelector("[data-refusal]");
  place.querySelector("span").textContent = text;
  place.hidden = false;
  form.elements.secret.value = "";
  form.elements.secret.focus();
}

/** The station's dialog, opened by its buttons or by a reader's first sign. */
export function startDialog(dialog, hooks) {
  const form = dialog.querySelector("form");
  const open = () => {
    if (dialog.open) return;
    form.reset();
    form.querySelector("[data-refusal]").hidden = true;
    dialog.showModal();
    form.elements.secret.focus();
  };
  startForm(form, hooks);
  for (const button of document.querySelectorAll("[data-change-person]")) button.addEventListener("click", open);
  dialog.querySelector("#change-close").addEventListener("click", () => dialog.close());
  document.addEventListener("keydown", (event) => {
    if (!READER_BEGINS.has(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    for (const other of document.querySelectorAll("dialog[open]")) if (other !== dialog) other.close();
    open();
  }, { capture: true });
}
