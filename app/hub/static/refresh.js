// Fetches the page again every ten seconds and replaces what changed; says so when the hub does not answer.
"use strict";

const EVERY_MS = 10000;

async function fresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html", "Fermata-Refresh": "1" }, cache: "no-store" });
  // The visit is over: the page goes where the hub sends it, to sign in.
  if (answer.redirected) location.assign(answer.url);
  if (!answer.ok) throw new Error(answer.statusText);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// A part with a stamp changes only with it; one without, when its text does. What has the focus is left alone.
function differs(old, now) {
  if (old.contains(document.activeElement)) return false;
  return old.dataset.live ? old.dataset.live !== now.dataset.live : old.innerHTML !== now.innerHTML;
}

function replace(page) {
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = page.getElementById(old.id);
    if (!now || !differs(old, now)) continue;
    // The part itself stays: a screen reader listens to it.
    old.replaceChildren(...now.childNodes);
    old.dataset.live = now.dataset.live;
    if (old.querySelector(".chart")) dispatchEvent(new Event("fermata:fresh"));
  }
}

async function refresh() {
  if (document.hidden) return;
  const away = document.getElementById("away");
  try {
    replace(await fresh());
    away.hidden = true;
  } catch {
    away.hidden = false;
  }
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
