// The screen's own script: shows the next screen as it comes, sends pressed keys one after the other, speaks if asked to.
// It never shows what may be out of date: when the stream of screens breaks it covers them and turns the keys off.
"use strict";

(() => {
  const SILENCE_MS = 6000;
  const UNMOVED_MS = 600;
  const front = document.getElementById("front");
  const said = document.getElementById("said");
  const root = document.documentElement;
  const kept = { get: (name) => sessionStorage.getItem(name) === "on", set: (name, on) => sessionStorage.setItem(name, on ? "on" : "off") };
  const queue = [];
  let sending = false;
  let decidedOn = null;
  let cut = true;
  let source = null;
  let watch = 0;
  let sound = null;

  const screen = () => document.getElementById("screen");
  const page = () => screen().dataset.page;

  // What is shown.

  const show = (markup) => {
    const before = screen();
    const focused = document.activeElement instanceof HTMLButtonElement ? document.activeElement : null;
    front.innerHTML = markup;
    const now = screen();
    root.lang = now.dataset.lang;
    root.dir = now.dataset.dir;
    document.title = `${now.querySelector("h1").textContent} – Cashpoint`;
    if ("nobody" in now.dataset && !("nobody" in before.dataset)) {
      kept.set("speech", false);
      kept.set("dark", false);
    }
    dress();
    if (now.dataset.page === before.dataset.page) {
      const again = focused && (focused.id ? document.getElementById(focused.id) : button(focused.value));
      (again || now.querySelector("h1")).focus({ preventScroll: true });
      if (now.dataset.echo !== before.dataset.echo) say(now.dataset.echo);
    } else {
      decidedOn = null;
      now.querySelector("h1").focus();
      window.scrollTo(0, 0);
      tell();
    }
  };

  const form = () => screen().querySelector("form");
  const button = (value) => [...form().querySelectorAll("button")].find((key) => key.value === value);

  const dress = () => {
    const tools = front.querySelector(".tools");
    tools.hidden = false;
    const speech = document.getElementById("speech");
    speech.setAttribute("aria-pressed", String(kept.get("speech")));
    const dark = document.getElementById("dark");
    dark.setAttribute("aria-pressed", String(kept.get("dark")));
    dark.textContent = kept.get("dark") ? dark.dataset.on : dark.dataset.off;
    root.classList.toggle("speaks", kept.get("speech"));
    root.classList.toggle("is-dark", kept.get("dark"));
    document.getElementById("darkness").hidden = !kept.get("dark");
    document.getElementById("cut").hidden = !cut;
    screen().inert = cut;
  };

  // Speech: a voice where the browser has one for the language; always text, which a screen reader reads as well.

  const voice = () => {
    const voices = window.speechSynthesis ? window.speechSynthesis.getVoices() : [];
    return voices.find((one) => one.lang.toLowerCase().startsWith(root.lang));
  };

  const say = (text) => {
    said.textContent = text;
    if (!kept.get("speech") || !window.speechSynthesis) return;
    window.speechSynthesis.cancel();
    const speaker = voice();
    if (!speaker) return;
    const words = new SpeechSynthesisUtterance(text);
    words.voice = speaker;
    words.lang = root.lang;
    window.speechSynthesis.speak(words);
  };

  const tell = () => {
    if (!kept.get("speech")) {
      said.textContent = screen().querySelector("h1").textContent;
      return;
    }
    chime(screen().dataset.tone);
    say(screen().dataset.speech);
  };

  const chime = (tone) => {
    const notes = { plain: [660], act: [660, 880, 660, 880], good: [660, 880], bad: [440, 330] }[tone] || [660];
    try {
      sound = sound || new AudioContext();
      notes.forEach((pitch, at) => {
        const start = sound.currentTime + at * 0.18;
        const tone = sound.createOscillator();
        const loudness = sound.createGain();
        tone.frequency.value = pitch;
        loudness.gain.setValueAtTime(0.15, start);
        loudness.gain.exponentialRampToValueAtTime(0.001, start + 0.16);
        tone.connect(loudness).connect(sound.destination);
        tone.start(start);
        tone.stop(start + 0.17);
      });
    } catch {
      // No sound here: the text says it.
    }
  };

  // Keys.

  const press = (value) => {
    const digit = /^(\d+|clear)$/.test(value);
    if (cut || decidedOn === page()) return;
    if (!digit) decidedOn = page();
    queue.push({ page: page(), press: value });
    send();
  };

  const send = async () => {
    if (sending) return;
    sending = true;
    while (queue.length > 0) {
      const key = queue.shift();
      try {
        const answer = await fetch("press", { method: "POST", body: new URLSearchParams({ ...key, by: "script" }) });
        if (!answer.ok) {
          queue.length = 0;
          if (decidedOn === key.page) decidedOn = null;
          if (answer.status === 409) say(screen().dataset.stale);
        } else if (decidedOn === key.page) {
          // A key that changed nothing must not be the last one that works.
          window.setTimeout(() => { if (decidedOn === key.page) decidedOn = null; }, UNMOVED_MS);
        }
      } catch {
        queue.length = 0;
        decidedOn = null;
        lose();
      }
    }
    sending = false;
  };

  document.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter) press(event.submitter.value);
  });

  document.addEventListener("click", (event) => {
    const key = event.target instanceof Element ? event.target.closest(".tools button") : null;
    if (!key) return;
    const on = !kept.get(key.id);
    kept.set(key.id, on);
    dress();
    if (key.id === "speech") {
      if (on) {
        chime("plain");
        const hint = voice() ? key.dataset.on : key.dataset.voiceless;
        say(`${hint} ${screen().dataset.speech}`);
      } else {
        if (window.speechSynthesis) window.speechSynthesis.cancel();
        said.textContent = key.dataset.off;
      }
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const find = (selector) => form().querySelector(selector);
    const on_button = document.activeElement instanceof HTMLButtonElement;
    const line = /^F\d+$/.test(event.key) ? event.key.slice(1) : /^[1-9]$/.test(event.key) ? event.key : null;
    let key = null;
    if (/^\d$/.test(event.key)) key = find(`[data-digit="${event.key}"]`);
    if (!key && line) key = find(`[data-line="${line}"]`);
    if (event.key === "Escape") key = find("[data-cancel]") || find("[data-no]");
    if (event.key === "Backspace" || event.key === "Delete") key = find("[data-clear]") || find("[data-no]");
    if (event.key === "Enter" && !(on_button && !document.activeElement.dataset.digit)) key = find("[data-yes]");
    if (!key || key.disabled) return;
    event.preventDefault();
    press(key.value);
  });

  // The stream of screens.

  const heard = () => {
    window.clearTimeout(watch);
    watch = window.setTimeout(() => { lose(); listen(); }, SILENCE_MS);
  };

  const lose = () => {
    cut = true;
    dress();
  };

  const listen = () => {
    if (source) source.close();
    source = new EventSource("events");
    source.addEventListener("screen", (event) => {
      cut = false;
      show(event.data);
      heard();
    });
    source.addEventListener("alive", heard);
    source.addEventListener("error", lose);
    heard();
  };

  cut = false;
  dress();
  listen();
})();
