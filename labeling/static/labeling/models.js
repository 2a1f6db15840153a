// A station with several models: buttons, keys and rules are those of the part on screen, in the same frame as its image.
import { act } from "./acts.js";
import { useKeys } from "./keys.js";
import { $, write } from "./page.js";
import { config, rules } from "./words.js";

let current = null;

/** Of the part on screen; before the first one and on a page of one model, the page's own. */
export const rulesNow = () => config.models?.[current] ?? config;

/** For a page of one model nothing changes from part to part. */
export function useRulesOf(review, gate) {
  if (!config.models || review.model === current) return;
  current = review.model;
  const { name, labels, keys, policy } = rules(review);
  gate.minViewMs = policy.min_view_ms;
  useKeys(labels, keys);
  write($("model-name"), name);
  for (const set of document.querySelectorAll("[data-labels-of]")) set.hidden = set.dataset.labelsOf !== current;
  act("model");
}
