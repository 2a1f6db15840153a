// Two tabs of one person: each part is shown in one of them, each verdict sent by one of them.
// Web Locks say who holds what, and let go by themselves when a tab dies. Without TLS browsers have none: then each tab
// writes down what it holds, and what nobody renewed for a while counts no more.
import { uuid } from "./api.js";
import { config } from "./words.js";

const PREFIX = `reviewapp.${config.person}.`;
const NOTE = `reviewapp.tab.${config.person}.`;
const NOTE_HOLDS_MS = 15_000;
const locks = navigator.locks ?? null;
export const tab = uuid();
const mine = new Map(); // what this tab holds → how to let go

/** Take `name` for this tab. False: another tab has it. */
function take(name) {
  if (mine.has(name)) return Promise.resolve(true);
  if (!locks) return Promise.resolve(!others().includes(name) && Boolean(mine.set(name, () => {})));
  return new Promise((told) => {
    locks.request(PREFIX + name, { ifAvailable: true }, (lock) => {
      told(lock !== null);
      return lock && new Promise((letGo) => mine.set(name, letGo));
    });
  });
}

function letGo(name) {
  mine.get(name)?.();
  mine.delete(name);
}

/** What other tabs hold. */
async function heldElsewhere() {
  if (!locks) return others();
  const { held } = await locks.query();
  return held.map((lock) => lock.name).filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length))
    .filter((name) => !mine.has(name));
}

function others() {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(NOTE) && key !== NOTE + tab);
    const notes = keys.map((key) => JSON.parse(localStorage.getItem(key)));
    return notes.filter((note) => Date.now() - note.at < NOTE_HOLDS_MS).flatMap((note) => note.names);
  } catch {
    return []; // nothing can be written down here: the server still stores one verdict per person and part
  }
}

function writeDown() {
  if (locks) return;
  try { localStorage.setItem(NOTE + tab, JSON.stringify({ at: Date.now(), names: [...mine.keys()] })); } catch { /* as above */ }
}

/** One tab at a time asks for parts: the second is told what the first one got. */
export function oneAtATime(does) {
  return locks ? locks.request(`${PREFIX}claim`, does) : does();
}

export async function partsElsewhere() {
  return (await heldElsewhere()).filter((name) => name.startsWith("part.")).map((name) => Number(name.slice(5)));
}

/** This tab shows these parts and no others. */
export async function holdParts(ids) {
  const wanted = new Set(ids.map((id) => `part.${id}`));
  for (const name of [...mine.keys()]) if (name.startsWith("part.") && !wanted.has(name)) letGo(name);
  await Promise.all([...wanted].map(take));
  writeDown();
}

/** Of what tabs left unsent, what this tab may send: its own, and that of tabs that are gone. */
export async function orphans(parcels) {
  const open = new Set((await heldElsewhere()).filter((name) => name.startsWith("tab.")).map((name) => name.slice(4)));
  return parcels.filter((parcel) => !open.has(parcel.tab));
}

export async function startTab() {
  await take(`tab.${tab}`);
  if (!locks) setInterval(writeDown, NOTE_HOLDS_MS / 3);
  writeDown();
  addEventListener("pagehide", () => { mine.clear(); writeDown(); });
}
