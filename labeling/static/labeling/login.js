// The session is over: sign in over the page, which stays as it is. Nothing is lost, and nobody else's name is taken.
import { trustSignIn } from "./api.js";
import { $, write } from "./page.js";
import { config, say } from "./words.js";

const parse = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");
const personOf = (page) => JSON.parse(page.getElementById("station-config")?.textContent ?? "{}").person;
let wasClosed = false;
let isDone = false;

/** Opens by itself once; whoever closes it goes on to the end of the buffer and opens it again by the notice. */
export function askToSignIn({ again = false } = {}) {
  if ($("login").open || (wasClosed && !again)) return;
  wasClosed = false;
  write($("login-error"), "");
  $("login").showModal();
  $("login-password").focus();
}

function fail(words) {
  write($("login-error"), words);
  $("login-password").value = "";
  $("login-password").focus();
}

/** The page that the server shows after the form: the station's, if the name was right. */
async function send() {
  const options = { credentials: "same-origin", cache: "no-store" };
  const address = `${config.urls.login_page}?next=${encodeURIComponent(location.pathname)}`;
  const form = await fetch(address, options);
  if (form.redirected) return parse(form); // signed in meanwhile, in another tab
  const token = (await parse(form)).querySelector("[name=csrfmiddlewaretoken]").value;
  const fields = { username: $("login-name").value, password: $("login-password").value, csrfmiddlewaretoken: token };
  const answer = await fetch(address, { ...options, method: "POST", body: new URLSearchParams(fields) });
  if (!answer.redirected && answer.status === 200) return null; // the form again
  return parse(answer);
}

async function onSubmit(event, { back, leave }) {
  event.preventDefault();
  $("login-send").setAttribute("aria-disabled", "true");
  try {
    const page = await send();
    if (page === null) return fail(say("login_wrong"));
    const person = personOf(page);
    if (person !== undefined && person !== config.person) return leave();
    if (person === undefined) return fail(say("login_no_access"));
    trustSignIn();
    $("login-password").value = "";
    isDone = true;
    $("login").close();
    back();
  } catch (error) {
    console.warn("sign-in:", error);
    fail(say("login_offline"));
  } finally {
    $("login-send").removeAttribute("aria-disabled");
  }
}

/** `back()` after the same person signed in; `leave()` when somebody else did: the page is loaded anew for that one. */
export function startLogin(listeners) {
  $("login-form").addEventListener("submit", (event) => onSubmit(event, listeners));
  $("login").addEventListener("close", () => { [wasClosed, isDone] = [!isDone, false]; });
}
