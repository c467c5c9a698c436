// The live desk's small script: newest words in sight, words put into the answer, a message kept when it was not sent.
"use strict";
(() => {
  const log = () => document.querySelector(".desk__log");
  const toEnd = () => {
    const box = log();
    if (box) box.scrollTop = box.scrollHeight;
  };
  let last = Number(log()?.dataset.last ?? 0);
  let atEnd = true;
  let place = 0;
  toEnd();

  document.addEventListener("htmx:beforeSwap", (event) => {
    const box = log();
    if (event.detail.target.id !== "talk" || !box) return;
    atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
    place = box.scrollTop;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "talk") return;
    const box = log();
    if (!box) return;
    if (atEnd) toEnd();
    else box.scrollTop = place;
    const now = Number(box.dataset.last ?? 0);
    if (now === last) return;
    last = now;
    const newest = [...box.querySelectorAll(":scope > .talk__line--citizen .talk__text")].pop();
    const line = box.querySelector(":scope > .talk__line:last-child");
    // Read aloud only what the citizen has just written: the whole talk again would be noise.
    if (line?.classList.contains("talk__line--citizen")) document.getElementById("heard").textContent = newest.textContent;
  });

  // Whoever may see the conversation no more reads so in its place, once; what he was writing stays.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (xhr.status !== 404 || !["talk", "suggestions"].includes(target.id)) return;
    event.detail.shouldSwap = target.id === "talk";
    event.detail.isError = false;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const form = document.querySelector("[data-gone] ~ [data-answer]");
    if (!form) return;
    clearTimeout(form.saving);
    // Nobody keeps it as a draft now, so that the browser asks before it is left.
    delete form.dataset.autosave;
    delete form.dataset.autosaveLeave;
    form.querySelector("[data-autosave-state]").textContent = "";
    for (const part of form.querySelectorAll("button, .field__help")) part.hidden = true;
    for (const side of document.querySelectorAll(".desk__side")) side.hidden = true;
  });

  let sent = "";
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.matches("[data-answer]")) sent = document.getElementById("answer").value;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.elt.matches("[data-answer]") || event.detail.xhr.status === 404) return;
    const field = document.getElementById("answer");
    // What was not taken is still to be kept.
    if (!event.detail.successful) return field.dispatchEvent(new Event("input", { bubbles: true }));
    // What was written on while the answer left is the next one's beginning.
    const more = field.value.startsWith(sent) ? field.value.slice(sent.length) : field.value;
    field.value = more;
    // The next answer is another one; this one, sent again because nobody heard that it had arrived, would not be.
    field.form.elements.key.value = `${Date.now()}-${Math.random().toString(36).slice(2, 10)}`;
    event.detail.elt.querySelector("[data-autosave-state]").textContent = "";
    if (more) field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
    atEnd = true;
    toEnd();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "answer") {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    const field = document.getElementById("answer");
    if (!button || !field) return;
    const gap = field.value && !field.value.endsWith("\n") ? "\n" : "";
    insert(field, gap + button.dataset.insert, field.selectionStart, field.selectionEnd);
  });

  // Ready words: / and letters open the list, arrows choose, Enter puts the words in; a variable that nothing is known
  // for is named and marked, so that typing replaces it.
  const box = document.getElementById("picker");
  let token = null;
  let chosen = 0;
  const unfilled = (field) => field.dataset.variables.split(" ").filter((name) => field.value.includes(`{${name}}`));
  const tellMissing = (field) => {
    const note = document.getElementById("missing");
    const names = unfilled(field);
    note.hidden = !names.length;
    const words = names.length ? note.dataset.words + names.map((name) => `{${name}}`).join("、") : "";
    if (note.textContent !== words) note.textContent = words;
  };
  const markFirst = (field) => {
    const places = unfilled(field).map((name) => [field.value.indexOf(`{${name}}`), name.length + 2]);
    if (!places.length) return;
    const [start, length] = places.sort((one, other) => one[0] - other[0])[0];
    field.setSelectionRange(start, start + length);
  };
  function insert(field, words, start, end) {
    field.setRangeText(words, start, end, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    markFirst(field);
  }
  const shut = () => {
    if (!box || box.hidden) return;
    box.hidden = true;
    token = null;
    document.getElementById("answer").removeAttribute("aria-activedescendant");
  };
  const mark = (place) => {
    const options = [...box.children];
    chosen = (place + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
    options[chosen].scrollIntoView({ block: "nearest" });
    document.getElementById("answer").setAttribute("aria-activedescendant", options[chosen].id);
  };
  const choose = (option) => {
    const field = document.getElementById("answer");
    const [start, end] = token;
    shut();
    insert(field, option.dataset.words, start, end);
  };
  const look = (field) => {
    const before = field.value.slice(0, field.selectionStart);
    const typed = /(?:^|\s)\/([a-z0-9]{0,12})$/i.exec(before);
    if (!typed) return shut();
    const letters = typed[1].toLowerCase();
    const found = [...document.querySelectorAll(".desk__quick [data-code]")].filter((one) => one.dataset.code.startsWith(letters)).slice(0, 8);
    if (!found.length) return shut();
    token = [before.length - letters.length - 1, before.length];
    box.replaceChildren(...found.map((one, at) => {
      const option = document.createElement("div");
      option.className = "picker__option";
      option.id = `picker-${at}`;
      option.setAttribute("role", "option");
      option.dataset.words = one.dataset.insert;
      const code = document.createElement("code");
      code.textContent = `/${one.dataset.code}`;
      const title = document.createElement("strong");
      title.textContent = one.dataset.title;
      const words = document.createElement("span");
      words.textContent = one.dataset.insert;
      option.append(code, title, words);
      return option;
    }));
    box.hidden = false;
    const told = document.getElementById("picked");
    told.textContent = `${found.length} ${told.dataset.found}`;
    mark(0);
  };
  document.addEventListener("input", (event) => {
    if (event.target.id !== "answer" || !box) return;
    look(event.target);
    tellMissing(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "answer" || !box || box.hidden || event.isComposing) return;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) mark(chosen + moves[event.key]);
    else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") choose(box.children[chosen]);
    else if (event.key === "Escape") shut();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  box?.addEventListener("mousedown", (event) => {
    const option = event.target.closest(".picker__option");
    if (!option) return;
    event.preventDefault();
    choose(option);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.id === "answer") shut();
  });

  // Preferences of this browser: a sound, the number of those who wait in the title, keys.
  const preferred = (name) => {
    const box = document.getElementById(`pref-${name}`);
    const kept = localStorage.getItem(`desk.${name}`);
    if (box && kept !== null) box.checked = kept === "1";
    return box;
  };
  const prefs = { sound: preferred("sound"), title: preferred("title"), keys: preferred("keys") };
  for (const [name, control] of Object.entries(prefs)) {
    control?.addEventListener("change", () => {
      localStorage.setItem(`desk.${name}`, control.checked ? "1" : "0");
      if (name === "sound" && control.checked) ring();
      tellTitle();
    });
  }
  const counts = () => {
    const state = document.getElementById("queue-state");
    return [Number(state?.dataset.waiting ?? 0), Number(state?.dataset.unread ?? 0)];
  };
  const title = document.title;
  let known = counts();
  let audio = null;
  function ring() {
    audio ??= new AudioContext();
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = 880;
    volume.gain.setValueAtTime(0.1, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.4);
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.4);
  }
  function tellTitle() {
    const [waiting, unread] = counts();
    document.title = prefs.title?.checked && waiting + unread ? `(${waiting + unread}) ${title}` : title;
  }
  tellTitle();

  let focused = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.matches(".desk__lists")) focused = document.activeElement?.closest(".queue__list a")?.getAttribute("href") ?? "";
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!event.detail.target.matches(".desk__lists")) return;
    if (focused) document.querySelector(`.queue__list a[href="${focused}"]`)?.focus();
    const now = counts();
    if (prefs.sound?.checked && (now[0] > known[0] || now[1] > known[1])) ring();
    known = now;
    tellTitle();
  });

  const open = (id) => {
    const fold = document.getElementById(id);
    if (!fold) return;
    fold.open = true;
    fold.scrollIntoView({ block: "nearest" });
    fold.querySelector("textarea, select, input:not([type=hidden])")?.focus();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-open]");
    if (!link) return;
    event.preventDefault();
    open(link.dataset.open);
  });
  // An address may lead to one of the folds: a ticket is the way where another unit's desk is shut.
  const openNamed = () => location.hash && open(location.hash.slice(1));
  window.addEventListener("hashchange", openNamed);
  openNamed();
  const step = (by) => {
    const links = [...document.querySelectorAll(".queue__list a")];
    if (!links.length) return;
    const at = links.findIndex((link) => link.hasAttribute("aria-current"));
    links[at < 0 ? 0 : (at + by + links.length) % links.length].click();
  };
  const keys = {
    KeyJ: () => step(1),
    KeyK: () => step(-1),
    KeyI: () => document.querySelector('form[action$="/take"]')?.requestSubmit(),
    KeyR: () => document.getElementById("answer")?.focus(),
    KeyQ: () => document.getElementById("suggest-q")?.focus(),
    KeyM: () => open("add-note"),
    KeyG: () => open("make-ticket"),
    KeyP: () => open("put-off"),
    KeyC: () => open("finish"),
  };
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !prefs.keys?.checked || !keys[event.code]) return;
    event.preventDefault();
    keys[event.code]();
  });
})();
