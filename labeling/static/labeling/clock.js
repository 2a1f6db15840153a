// The time of day as the server has it. A tablet's own clock may be an hour off, and may be set while somebody works: then
// a part's time would be over that has just come, and a verdict would be said tomorrow. Durations are never taken from it.
const OFF_MS = 2000; // answers carry whole seconds, and are on their way for a while
let offset = 0;

export const now = () => Date.now() + offset;

/** Every answer of ours tells the time; a small difference is the way it took. */
export function hear(answer) {
  const said = Date.parse(answer.headers.get("Date") ?? "");
  if (Math.abs(said - now()) > OFF_MS) offset = said - Date.now();
}
