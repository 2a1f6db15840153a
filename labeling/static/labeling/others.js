// What others said at this screen and could not send: it goes out under its author's name, whoever sits here now.
// Without a token that the server takes it stays here, untouched and in order, until its author signs in.
import { post } from "./api.js";
import { openStore } from "./store.js";
import { config } from "./words.js";

const POLL_MS = 15_000;

/** `tell(n)`: so many are left here, and wait for their authors. */
export function startOthers({ tell }) {
  const waiting = new Set(); // people whose next parcel the server refused: they have to see for themselves
  let store = null;
  let busy = false;
  let told = 0;

  async function parcels() {
    store ??= await openStore();
    return (await store.all()).filter((one) => one.person !== config.person).sort((a, b) => a.at - b.at);
  }

  async function sendOne(parcel) {
    if (waiting.has(parcel.person)) return;
    if (!parcel.author) {
      waiting.add(parcel.person);
      return;
    }
    try {
      await post(parcel.url, parcel.body, { author: parcel.author });
      await store.remove(parcel.id);
    } catch (error) {
      if (error.kind !== "refused" && error.code !== "other_person") throw error; // the line: later
      waiting.add(parcel.person);
    }
  }

  async function sendAll() {
    if (busy) return;
    busy = true;
    try {
      for (const parcel of await parcels()) await sendOne(parcel);
    } catch (error) {
      console.warn("what others said waits for the line:", error.message);
    } finally {
      busy = false;
    }
    const left = (await parcels()).filter((one) => waiting.has(one.person)).length;
    if (left && left !== told) tell(left);
    told = left;
  }

  addEventListener("online", sendAll);
  setInterval(sendAll, POLL_MS);
  sendAll();
}
