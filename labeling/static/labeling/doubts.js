// A settled part of the last ten is doubted: with a reason, and decided by somebody who has not spoken.
import { post } from "./api.js";
import { $, write } from "./page.js";
import { config, inside, say } from "./words.js";

let about = null; // the row that was pressed, and who is told: { one, line, refresh }
let isSending = false;

export function open(one, { line, refresh }) {
  about = { one, line, refresh };
  if ($("last").open) $("last").close();
  write($("doubt-title"), say("challenge_title", { part: one.part, name: inside(one.case?.settled_as ?? one.name) }));
  write($("doubt-error"), "");
  $("doubt-why").value = "";
  $("doubt").showModal();
  $("doubt-why").focus();
}

async function send(event) {
  event.preventDefault();
  if (isSending) return;
  isSending = true;
  const { one, line, refresh } = about;
  try {
    await post(config.urls.challenge.replace("{id}", one.review), { reason: $("doubt-why").value });
    Object.assign(one, { can_undo: false, can_challenge: false, case: { state: "waiting", settled_as: null, why: "" } });
    $("doubt").close();
    line.tell("challenged", "two", say("challenged", { part: one.part }), { plain: true });
  } catch (error) {
    line.failed(error);
    write($("doubt-error"), error.kind === "refused" ? error.message : say("challenge_offline"));
  } finally {
    isSending = false;
    refresh();
  }
}

$("doubt-form").addEventListener("submit", send);
