// What becomes of the page that htmx asks for by itself: only what changed is put in its place, and trouble is said.
"use strict";

const away = document.getElementById("away");

// A page that nobody sees asks for nothing.
away.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) event.preventDefault();
});

// A part with a stamp changes only with it; one without, when its text does. What has the focus is left alone.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target: old, fragment } = event.detail;
  const now = fragment.id === old.id ? fragment : fragment.getElementById(old.id);
  const differs = old.dataset.stamp ? old.dataset.stamp !== now.dataset.stamp : old.innerHTML !== now.innerHTML;
  event.detail.shouldSwap = differs && !old.contains(document.activeElement);
});

away.addEventListener("htmx:afterRequest", (event) => {
  const { successful, xhr } = event.detail;
  // What is refused is no trouble of the hub's: the page asked for anew says why.
  if (xhr.status >= 400 && xhr.status < 500 && !xhr.getResponseHeader("HX-Redirect")) location.replace(away.getAttribute("hx-get"));
  else if (successful) away.hidden = true;
  else if (xhr.status !== 401) away.hidden = false;
});
