// Calls to the server, with one error shape. `kind` says what can be done about it:
//   offline  no answer came            server   it answered that it cannot now: ask again
//   session  nobody, or somebody else, is signed in        refused  asking again would change nothing
import { hear } from "./clock.js";
import { config } from "./words.js";

export class ApiError extends Error {
  constructor(kind, { status = 0, code = "", message = "", fields = {} } = {}) {
    super(message || code || kind);
    Object.assign(this, { kind, status, code, fields });
  }
}

const LIMIT_MS = 20_000;
const IMAGE_LIMIT_MS = 90_000; // a large image on a slow line
const token = () => document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";
let knownToken = token();

async function reach(url, options) {
  try {
    return await fetch(url, { credentials: "same-origin", signal: AbortSignal.timeout(LIMIT_MS), ...options });
  } catch (error) {
    throw new ApiError("offline", { message: error.message });
  }
}

async function refusal(answer) {
  const error = (await answer.json().catch(() => ({}))).error ?? {};
  const said = { status: answer.status, code: error.code, message: error.message, fields: error.fields };
  if (answer.status === 401 || (answer.status === 403 && /^CSRF/.test(error.message ?? ""))) return new ApiError("session", said);
  if (error.code?.startsWith("author_")) return new ApiError("session", { ...said, code: "other_person" });
  const passing = answer.status >= 500 || answer.status === 408 || answer.status === 429;
  return new ApiError(passing ? "server" : "refused", said);
}

/** A sign-in changes the token. Whoever it was: nobody speaks in another person's name. */
async function checkPerson() {
  if (token() === knownToken) return;
  const answer = await reach(location.pathname, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (answer.status >= 500) throw new ApiError("server", { status: answer.status });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const there = page.getElementById("station-config");
  if (!there) throw new ApiError("session", { status: answer.status });
  if (JSON.parse(there.textContent).person !== config.person) throw new ApiError("session", { code: "other_person" });
  knownToken = token();
}

/** After a sign-in on this page that answered with the station of the same person. */
export function trustSignIn() { knownToken = token(); }

export const post = (url, body = {}, options = {}) => send("POST", url, body, options);

/** Something that changes what the server holds, in the name of the person whose page this is. */
export async function send(method, url, body, { keepalive = false, author = null } = {}) {
  await checkPerson();
  const answer = await reach(url, {
    method,
    keepalive,
    headers: { "Content-Type": "application/json", "X-CSRFToken": token(), ...(author && { "X-Verdict-Author": author }) },
    body: JSON.stringify(body),
  });
  hear(answer);
  if (!answer.ok) throw await refusal(answer);
  return answer.json().catch(() => { throw new ApiError("server", { status: answer.status }); });
}

/** For the moment the page goes away: nobody waits for the answer. */
export function postAndLeave(url, body) {
  if (token() !== knownToken) return;
  fetch(url, {
    method: "POST",
    keepalive: true,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
    body: JSON.stringify(body),
  }).catch(() => {});
}

export async function ask(url) {
  const answer = await reach(url, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

/** Of ours, or at a station: that one knows the address's signature and gets no cookie. */
export async function getBlob(url) {
  const answer = await reach(url, { signal: AbortSignal.timeout(IMAGE_LIMIT_MS) });
  if (!answer.ok) throw await refusal(answer);
  try {
    return await answer.blob();
  } catch (error) {
    throw new ApiError("offline", { message: error.message });
  }
}

/** A random UUID. `crypto.randomUUID` is missing where the plant serves the page without TLS. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
