// The page's sentences, translated by the server: `say("undone", { name, part })`.
import { now } from "./clock.js";

export const config = JSON.parse(document.getElementById("station-config").textContent);

/** Labels, policy and keys of the model that a part belongs to; a page with one model has one set of them. */
export const rules = (review) => config.models?.[review?.model] ?? config;

export function say(key, values = {}) {
  return config.words[key].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** One of three sentences, by the count: `key_none`, `key_one`, `key_many`. */
export function count(key, n) {
  const form = n === 0 && `${key}_none` in config.words ? "none" : n === 1 ? "one" : "many";
  return say(`${key}_${form}`, { n });
}

export function ago(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return say("seconds_ago", { n: seconds });
  if (seconds < 3600) return say("minutes_ago", { n: Math.floor(seconds / 60) });
  return say("hours_ago", { n: Math.floor(seconds / 3600) });
}

/** "14:05" on this screen's clock. */
export function timeOf(moment) {
  return new Date(moment).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hour12: false });
}

/** "9:41" for what is left until a moment, or null when it has passed. */
export function left(until) {
  const seconds = Math.ceil((Date.parse(until) - now()) / 1000);
  if (seconds <= 0) return null;
  const hours = Math.floor(seconds / 3600);
  const rest = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
  return hours ? `${hours}:${rest.join(":")}` : `${Number(rest[0])}:${rest[1]}`;
}

/** A label inside a sentence: "Undo dent", but "Undo OK"; only English writes its nouns small. */
export function inside(name) {
  const small = document.documentElement.lang.startsWith("en") && /^[A-Z][a-z]/.test(name);
  return small ? name[0].toLowerCase() + name.slice(1) : name;
}
