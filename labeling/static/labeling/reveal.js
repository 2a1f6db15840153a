// What the model said of the last part, after a blind verdict: asked for, since from then on that verdict stands.
import { on } from "./acts.js";
import { post } from "./api.js";
import { choicesOf, choose } from "./chooser.js";
import { now } from "./clock.js";
import { config, inside, rules, say } from "./words.js";

const KEEP = { kind: "keep" };

/** What draws it comes when it is needed, and without it the words alone are shown. */
const picture = (entry, prediction) => import("./picture.js").then(({ pictureOf }) => pictureOf(entry, prediction), () => null);

/** `station`: spoken, outbox, line, and what redraws the page. */
export function startReveals({ spoken, outbox, line, refresh }) {
  let asking = false;

  const tell = (text, icon = "note") => line.tell("revealed", icon, text, { plain: true });

  async function look() {
    const [one] = spoken.list;
    if (asking) return;
    if (!one || one.phase !== "blind" || one.kind !== "label") return tell(say("reveal_none"));
    asking = true;
    try {
      if (outbox.find(one.client_id)) await outbox.flush(); // only what is stored can be followed by it
      const { differs, prediction } = await post(config.urls.reveal.replace("{id}", one.review));
      const values = { name: inside(one.name), part: one.part };
      if (!differs) return tell(say("reveal_same", values));
      one.can_undo = false; // what is said from here on is not blind any more
      await decide(one, { ...values, said: inside(prediction.name) }, prediction);
    } catch (error) {
      line.failed(error);
      tell(error.kind === "refused" ? error.message : say("reveal_offline"));
    } finally {
      asking = false;
      refresh();
    }
  }

  /** A revision is a word of its own, which no estimate reads; the first one stays. */
  async function decide(one, values, prediction) {
    const others = choicesOf(rules(one.entry?.review ?? one).labels).filter(({ value }) => value.label !== one.label);
    const choices = [{ name: say("reveal_keep", values), value: KEEP }, ...others];
    const shown = new Date(now()).toISOString();
    const said = await choose({ title: say("reveal_title", values), choices, picture: await picture(one.entry, prediction) });
    if (!said || said === KEEP) return tell(say("reveal_kept", values));
    const { kind, label, name } = said;
    const body = { review: one.review, kind, label, phase: "revealed", surface: "station", shown_at: one.shown_at, said_at: new Date(now()).toISOString(), note: "", shown: { image: "changed in the list", suggestion: prediction, suggested_at: shown, revises: one.client_id } };
    outbox.verdict(body, { spoken: { review: one.review, part: one.part, kind, label, name } });
    tell(say("reveal_changed", { ...values, name: inside(name) }));
  }

  on("change", () => { look(); });
}
