// The panel's own script: shows each part as it changes, and does what is pressed without leaving the page.
"use strict";

(() => {
  const SILENCE_MS = 6000;
  const said = document.getElementById("said");
  const frame = document.getElementById("screen");
  const later = new Map();
  let pressed = null;
  let acts = Promise.resolve();
  let acting = 0;
  let source = null;
  let watch = 0;

  // What is shown.

  const power = () => document.querySelector("[data-power]").dataset.power;

  const show = (part, markup) => {
    if (part === pressed) {
      later.set(part, markup);
      return;
    }
    const had = part.contains(document.activeElement) ? document.activeElement : null;
    const before = power();
    part.innerHTML = markup;
    if (had) {
      const again = [...part.querySelectorAll("button, input")].find((one) => one.textContent === had.textContent && one.name === had.name);
      if (again && !again.disabled) {
        again.focus({ preventScroll: true });
      } else {
        part.tabIndex = -1;
        part.focus({ preventScroll: true });
      }
    }
    // A machine that has just been switched on has a new page.
    if (before === "off" && power() === "on") frame.src = frame.src;
  };

  // Nothing is replaced under a finger: a press would be lost if what it began on were gone when it ends.
  document.addEventListener("pointerdown", (event) => {
    if (event.button === 0) pressed = event.target.closest("[data-live]");
  });

  const release = () => window.setTimeout(() => {
    pressed = null;
    later.forEach((markup, part) => show(part, markup));
    later.clear();
  });
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, release);

  const heard = () => {
    document.body.classList.remove("stale");
    window.clearTimeout(watch);
    watch = window.setTimeout(() => { lose(); listen(); }, SILENCE_MS);
  };

  const lose = () => {
    document.body.classList.add("stale");
    say("The demo does not answer: what stands here may be out of date.");
  };

  const listen = () => {
    if (source) source.close();
    source = new EventSource("panel/live");
    for (const part of document.querySelectorAll("[data-live]")) {
      source.addEventListener(part.id, (event) => {
        if (document.body.classList.contains("stale")) say("");
        heard();
        show(part, event.data);
      });
    }
    source.addEventListener("alive", heard);
    source.addEventListener("error", lose);
  };

  // What is done.

  const say = (text) => { said.textContent = text; };

  const send = async (form, fields) => {
    try {
      const answer = await fetch(form.action, { method: "POST", body: fields });
      say(answer.ok ? "" : await answer.text());
      if (answer.ok && form.querySelector("table")) form.reset();
    } catch {
      lose();
    }
  };

  // One after the other, as hands do it: digits that overtake each other are another PIN.
  const act = (form, button) => {
    const fields = new URLSearchParams(new FormData(form, button));
    fields.append("by", "script");
    acting += 1;
    document.body.classList.add("acting");
    acts = acts.then(() => send(form, fields)).then(() => {
      acting -= 1;
      document.body.classList.toggle("acting", acting > 0);
    });
  };

  document.addEventListener("submit", (event) => {
    event.preventDefault();
    act(event.target, event.submitter);
  });

  // Whoever is at the pad may use the keyboard's digits.
  document.getElementById("pad").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const value = { Backspace: "clear", Delete: "clear", Escape: "cancel" }[event.key] || event.key;
    const key = [...event.currentTarget.querySelectorAll("button")].find((one) => one.value === value);
    if (!key) return;
    event.preventDefault();
    key.click();
  });

  listen();
  heard();
})();
