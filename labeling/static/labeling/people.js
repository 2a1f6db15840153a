// Who sits here. People change at a registered screen; what they said stays theirs.
import { act } from "./acts.js";
import { startAwake } from "./awake.js";
import { startDialog } from "./change.js";
import { startOthers } from "./others.js";
import { $ } from "./page.js";
import { count } from "./words.js";

const SETTLES_WITHIN_MS = 1500; // on a slow line the next person does not wait: it is sent later, under its author's name

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export function startPeople({ outbox }) {
  startAwake();
  startOthers({ tell: (n) => act("tell", count("others", n)) });
  if (!$("change")) return;
  startDialog($("change"), {
    settle: () => Promise.race([outbox.flush(), pause(SETTLES_WITHIN_MS)]),
    kept: () => outbox.reviews(),
    leaving: () => { outbox.isLeaving = true; },
  });
}
