// The connection: what the chip in the head and the one notice say.
import { showLine, showNotice, showUnsent } from "./signs.js";
import { count, say } from "./words.js";

const SAVING_SHOWS_AFTER_MS = 400;
const NOTE_STAYS_MS = 6000;

const nameOf = (error) => (error.code === "other_person" ? "other_person" : error.kind);

export class Line {
  trouble = null; // offline, server, session or other_person; null while the server answers
  #note = null;
  #wasAway = false;

  constructor({ outbox, nReady, back }) {
    Object.assign(this, { outbox, nReady, back });
  }

  reached() {
    const was = this.trouble;
    this.trouble = null;
    if (was) this.back();
    this.show();
  }

  failed(error) {
    if (error.kind !== "refused") this.trouble = nameOf(error);
    this.show();
  }

  /** A notice about something that happened. It stays for six seconds, and then until the next verdict. */
  tell(kind, icon, text, { plain = false } = {}) {
    this.#note = { kind: `${kind} ${Date.now()}`, icon, text, plain, at: Date.now() };
    this.show();
  }

  forgetNote() {
    if (this.#note && Date.now() - this.#note.at > NOTE_STAYS_MS) this.#note = null;
  }

  show() {
    const verdicts = this.outbox.parcels.filter((parcel) => parcel.type === "verdict");
    const unsent = this.outbox.error && nameOf(this.outbox.error); // claims may pass while verdicts do not
    const trouble = unsent ?? this.trouble ?? (navigator.onLine ? null : "offline");
    this.#wasAway ||= trouble !== null;
    if (this.#wasAway && !trouble && !this.outbox.parcels.length) {
      this.#wasAway = false;
      this.#note = { kind: "connected", icon: "sent", text: say("connected"), plain: true, at: Date.now(), passes: true };
    }
    if (this.#note?.passes && Date.now() - this.#note.at > NOTE_STAYS_MS) this.#note = null;
    this.#chip(trouble, verdicts);
    showUnsent(this.outbox.parcels.length);
    showNotice(trouble ? this.#standing(trouble, verdicts.length) : this.#note);
  }

  #chip(trouble, verdicts) {
    if (trouble === "offline") return showLine("offline", say("offline"), true);
    if (trouble === "server") return showLine("up", verdicts.length ? count("unsent", verdicts.length) : say("no_answer_short"), true);
    if (trouble) return showLine("lock", say("signed_out"), true);
    if (!this.outbox.parcels.length) return showLine("sent", say("saved"), false);
    if (Date.now() - this.outbox.parcels[0].at > SAVING_SHOWS_AFTER_MS) return showLine("up", say("saving"), false);
    return null;
  }

  #standing(trouble, n) {
    const values = { kept: this.outbox.canStore ? count("kept", n) : say("kept_memory"), ready: count("ready", this.nReady()) };
    if (trouble === "offline") return { kind: trouble, icon: "offline", text: say("no_connection", values) };
    if (trouble === "server") return { kind: trouble, icon: "up", text: say("no_answer", values) };
    const text = say(trouble === "session" ? "session_over" : "other_person", values);
    return { kind: trouble, icon: "lock", text, link: say("sign_in") };
  }
}
