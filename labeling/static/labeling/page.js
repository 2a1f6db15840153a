// The few ways in which the page is touched.
export const $ = (id) => document.getElementById(id);

export function use(holder, icon) {
  holder.querySelector("use").setAttribute("href", `#i-${icon}`);
}

/** Texts are only touched when they change: the live region stays quiet. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** For people who hear the page: saved, undone, offline; never each image. */
export function announce(text) {
  write($("live"), text);
}
