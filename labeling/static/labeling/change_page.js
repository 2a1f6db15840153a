// The number pad on a page of its own.
import { startForm } from "./change.js";

startForm(document.querySelector("[data-change]"));
