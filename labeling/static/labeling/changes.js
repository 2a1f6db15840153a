// The last verdicts: taken back, or said anew. A change is a new verdict that takes the place of the old one.
import { on } from "./acts.js";
import { choicesOf, choose, otherwise } from "./chooser.js";
import { now } from "./clock.js";
import { $ } from "./page.js";
import { inside, rules, say } from "./words.js";

const AGAIN = { kind: "again" };

/** `station`: spoken, outbox, queue, line, and what redraws the page. */
export function startChanges(station) {
  const { spoken, outbox, queue, show, count, line, refresh } = station;
  let undoing = false;

  async function undo(one) {
    if (!one || undoing) return;
    undoing = true;
    const values = { name: inside(one.name), part: one.part };
    try {
      const entry = await spoken.undo(one);
      count(-1);
      line.tell("undone", "undo", say(entry ? "undone" : "undone_away", values), { plain: true });
      if (entry) queue.putFirst(entry);
      show();
    } catch (error) {
      line.failed(error);
      const text = error.kind === "offline" ? say("not_undone_offline", values) : say("not_undone", { message: error.message });
      line.tell("not_undone", "undo", text);
    } finally {
      undoing = false;
      refresh();
    }
  }

  /** The image was on screen when it was judged, and is not now: the verdict says both. */
  function change(one, { kind, label, name }) {
    const { review, part, phase, shown_at } = one;
    const said_at = new Date(Math.max(now(), Date.parse(one.said_at) + 1)).toISOString(); // a clock was set back
    const body = { review, kind, label, phase, surface: "station", shown_at, said_at, note: "", shown: { image: "changed in the list", changes: one.client_id } };
    const about = { spoken: { review, part, kind, label, name, phase, shown_at, said_at, can_undo: true } };
    spoken.replace(one, outbox.verdict(body, { ...about, review: one.entry?.review }));
    line.tell("changed", "undo", say("changed", { name: inside(name), part }), { plain: true });
    refresh();
  }

  async function edit(one) {
    $("last").close();
    const choices = [...choicesOf(rules(one.entry?.review ?? one).labels), ...otherwise()].filter(({ value }) => value.name !== one.name);
    const again = { name: say("look_again"), value: AGAIN };
    const said = await choose({ title: say("change_title", { part: one.part }), choices: [again, ...choices] });
    if (said === AGAIN) undo(one);
    else if (said) change(one, said);
  }

  on("undo", () => undo(spoken.last));
  on("edit", (one) => { edit(one); });
}
