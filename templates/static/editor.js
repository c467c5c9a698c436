// The officer's and signer's desks: the rich editor, drafts that save themselves, pictures dropped or pasted, tabs, rows.
"use strict";
(() => {
  const csrf = () => document.querySelector("meta[name=csrf]")?.content ?? "";
  const words = (name) => document.getElementById("editor-words")?.dataset[name] ?? "";
  const desk = document.querySelector("[data-desk]")?.dataset.desk;
  const form = document.querySelector("[data-words-form]");
  const editors = new Map();

  // --- tabs -------------------------------------------------------------------------------------------------------
  function choose(tab) {
    const box = tab.closest("[data-switch]");
    for (const other of box.querySelectorAll("[role=tab]")) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    }
  }
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-switch] [role=tab]");
    if (tab) choose(tab);
  });
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[data-switch] [role=tab]");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!tab || !step) return;
    const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  });

  // --- from a finding to its place --------------------------------------------------------------------------------
  function reveal(place) {
    const target = document.getElementById(place) ?? document.getElementById(`${place}-field`);
    if (!target) return;
    const panel = target.closest("[role=tabpanel]");
    if (panel?.hidden) choose(document.querySelector(`[aria-controls="${panel.id}"]`));
    const visible = target.offsetParent ? target : target.closest(".field, .card, [role=tabpanel]") ?? target;
    visible.scrollIntoView({ block: "center" });
    (target.offsetParent ? target : visible.querySelector(".jodit-wysiwyg"))?.focus?.();
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-goto]");
    if (!link) return;
    event.preventDefault();
    reveal(link.dataset.goto);
  });

  if (!desk || !form) return;

  // --- saving -----------------------------------------------------------------------------------------------------
  const PAUSE_MS = 1500;
  const RETRY_MS = 10000;
  let timer = 0;
  let change = 0;
  let stopped = false;
  let queue = Promise.resolve();
  const versionField = form.querySelector("[data-version]");

  function say(name, bad = false, after = "") {
    const place = form.querySelector("[data-save-state]");
    place.textContent = words(name) + after;
    place.classList.toggle("form-end__state--bad", bad);
  }
  function sync() {
    for (const [area, editor] of editors) area.value = editor.value;
  }
  function changed() {
    change += 1;
    if (stopped) return;
    say("dirty");
    clearTimeout(timer);
    timer = setTimeout(() => { queue = queue.then(save); }, PAUSE_MS);
  }
  // What is kept beside the form is waited for before the form is sent: a version that is overtaken is taken for
  // another's work, and a picture that is not described yet stops the submission.
  const underWay = new Set();
  async function tracked(asked) {
    underWay.add(asked);
    try {
      return await asked;
    } finally {
      underWay.delete(asked);
    }
  }
  async function versioned(address, body) {
    const answer = await fetch(address, { method: "POST", body, headers: { "X-CSRF-Token": csrf(), Accept: "application/json" } });
    const said = await answer.json().catch(() => null);
    if (answer.ok && said) versionField.value = said.version;
    return { ok: answer.ok && Boolean(said), status: answer.status, said };
  }
  async function save() {
    const saving = change;
    sync();
    say("saving");
    try {
      const { ok, status, said } = await tracked(versioned(`${desk}/autosave`, new URLSearchParams(new FormData(form))));
      if (status >= 500 || !said) throw new Error(String(status));
      if (!ok) return refuse(said);
      if (change === saving) change = 0;
      const named = form.querySelector("#title")?.value.trim();
      const head = document.querySelector(".page-head__title");
      if (named && head) head.textContent = named;
      say("saved", false, ` ${new Date().toTimeString().slice(0, 5)}`);
      mark("", "");
      await Promise.all([redraw("findings", "finding-list"), redraw("previews", "preview-list")]);
    } catch {
      say("unsaved", true);
      timer = setTimeout(() => { queue = queue.then(save); }, RETRY_MS);
    }
  }
  function refuse(said) {
    if (said.error === "Stale") {
      stopped = true;
      return say("stale", true);
    }
    mark(said.field ?? "", said.message);
    const place = form.querySelector("[data-save-state]");
    place.textContent = said.message;
    place.classList.add("form-end__state--bad");
  }
  function mark(field, message) {
    for (const old of form.querySelectorAll("[data-live-error]")) old.remove();
    for (const old of form.querySelectorAll(".field--live")) old.classList.remove("field--error", "field--live");
    const box = field && document.getElementById(field)?.closest(".field");
    if (!box) return;
    const line = document.createElement("p");
    line.className = "field__error";
    line.dataset.liveError = "";
    line.textContent = message;
    box.classList.add("field--error", "field--live");
    box.append(line);
  }
  let drawing = false;
  async function redraw(part, id) {
    const place = document.getElementById(id);
    if (!place) return;
    const answer = await fetch(`${desk}/${part}`, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const html = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = html.getElementById(id);
    if (!fresh) return;
    // What was chosen or typed while the answer was on its way is read only now, or it would be undone.
    const open = place.querySelector("[role=tab][aria-selected=true]")?.id;
    const focused = place.contains(document.activeElement) ? document.activeElement : null;
    document.adoptNode(fresh);
    for (const field of place.querySelectorAll("input[id], textarea[id]")) keep(field, fresh.querySelector(`#${CSS.escape(field.id)}`));
    drawing = true;
    place.replaceWith(fresh);
    drawing = false;
    if (open && document.getElementById(open)) choose(document.getElementById(open));
    if (focused?.id) document.getElementById(focused.id)?.focus({ preventScroll: true });
  }
  function keep(field, fresh) {
    if (!fresh) return;
    if (field.value !== field.defaultValue && field.type !== "radio" && field.type !== "checkbox") fresh.value = field.value;
    if (field.checked !== field.defaultChecked) fresh.checked = field.checked;
  }
  form.addEventListener("input", (event) => {
    if (!event.target.closest("[data-asset]") || event.target.name) changed();
  });
  let waiting = false;
  form.addEventListener("submit", (event) => {
    sync();
    change = 0;
    clearTimeout(timer);
    if (!underWay.size) return;
    event.preventDefault();
    if (waiting) return;
    waiting = true;
    say("saving");
    const { submitter } = event;
    Promise.allSettled(underWay).then(() => {
      waiting = false;
      form.requestSubmit(submitter);
    });
  });
  window.addEventListener("beforeunload", (event) => {
    if (change) event.preventDefault();
  });

  // --- pictures and files -----------------------------------------------------------------------------------------
  async function upload(kind, file, alt = "") {
    const data = new FormData();
    data.append("file", file, file.name || "picture.png");
    if (alt) data.append("alt", alt);
    say("uploading");
    const { ok, status, said } = await tracked(versioned(`${desk}/${kind}`, data));
    if (!ok) {
      const why = said?.message ?? String(status);
      say("failed", true, why);
      window.xuanda.toast(why, "bad");
      return null;
    }
    await redraw("assets", "asset-list");
    say("saved");
    return said;
  }
  function pictureTag({ src, alt }) {
    const picture = document.createElement("img");
    picture.src = src;
    picture.alt = alt;
    return picture;
  }
  async function take(files, editor) {
    for (const file of files) {
      if (!file.type.startsWith("image/") && !/\.hei[cf]$/i.test(file.name)) {
        if (editor) window.xuanda.toast(words("type"), "bad");
        else await upload("attachments", file);
        continue;
      }
      const said = await upload("pictures", file);
      if (said && editor) editor.s.insertNode(pictureTag(said));
    }
    if (files.length) changed();
  }
  const dropped = form.querySelector("[data-drop]");
  for (const name of ["dragenter", "dragover"]) {
    dropped.addEventListener(name, (event) => {
      event.preventDefault();
      dropped.classList.add("drop--over");
    });
  }
  for (const name of ["dragleave", "drop"]) dropped.addEventListener(name, () => dropped.classList.remove("drop--over"));
  dropped.addEventListener("drop", (event) => {
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
  form.addEventListener("change", async (event) => {
    const input = event.target;
    if (input.dataset.upload) {
      const files = [...input.files];
      for (const file of files) {
        if (input.dataset.upload === "pictures") await upload("pictures", file);
        else await upload("attachments", file);
      }
      input.value = "";
      changed();
    } else if (input.matches("[data-asset-decorative]")) {
      describe(input.closest("[data-asset]"));
    } else if (input.dataset.shape) {
      for (const part of form.querySelectorAll(`[data-shape-of="${input.dataset.shape}"]`)) {
        part.hidden = part.dataset.when !== input.value;
      }
    }
  });
  // Not at "change": a field that was drawn anew while it was written in would not say that it changed. Some browsers
  // say "focusout" of a field that is drawn anew, too: nobody has left it, it is still written in.
  form.addEventListener("focusout", ({ target }) => {
    if (drawing) return;
    if (target.matches("[data-asset-alt]") && target.value !== target.defaultValue) describe(target.closest("[data-asset]"));
  });
  async function describe(item) {
    const data = new URLSearchParams({ alt: item.querySelector("[data-asset-alt]").value });
    if (item.querySelector("[data-asset-decorative]").checked) data.append("decorative", "1");
    await assetAct(`${desk}/assets/${item.dataset.asset}`, data);
  }
  async function assetAct(address, data) {
    const answer = await tracked(
      fetch(address, { method: "POST", body: data, headers: { "X-CSRF-Token": csrf(), "HX-Request": "true" } }),
    );
    if (answer.ok) await Promise.all([redraw("assets", "asset-list"), redraw("findings", "finding-list")]);
    else window.xuanda.toast(words("unsaved"), "bad");
  }
  form.addEventListener("click", async (event) => {
    const insert = event.target.closest("[data-asset-insert]");
    const remove = event.target.closest("[data-asset-remove]");
    const item = event.target.closest("[data-asset]");
    if (insert) {
      const editor = editors.get(document.getElementById("body"));
      const alt = item.querySelector("[data-asset-alt]").value;
      editor.s.insertNode(pictureTag({ src: insert.dataset.assetInsert, alt }));
      changed();
    } else if (remove && (await window.xuanda.ask(words("remove")))) {
      await assetAct(`${desk}/assets/${item.dataset.asset}/remove`, new URLSearchParams());
    }
  });

  // --- rows of a kind ---------------------------------------------------------------------------------------------
  form.addEventListener("click", (event) => {
    const add = event.target.closest("[data-row-add]");
    const remove = event.target.closest("[data-row-remove]");
    if (add) {
      const box = add.closest("[data-rows]");
      const next = Number(box.dataset.next ?? box.querySelectorAll("[data-row]").length);
      box.dataset.next = String(next + 1);
      const holder = document.createElement("div");
      holder.innerHTML = box.querySelector("template").innerHTML.replaceAll(".ROW", `.${next}`);
      const row = holder.firstElementChild;
      box.querySelector(".rows__list").append(row);
      row.querySelector("input, textarea, select")?.focus();
    } else if (remove) {
      remove.closest("[data-row]").remove();
      changed();
    }
  });

  // --- the rich editor --------------------------------------------------------------------------------------------
  const READABLE = /^data:image\/(png|jpe?g|gif|webp|bmp);base64,/;
  function fileOf(address) {
    const [head, body] = address.split(",");
    const type = head.slice(5, head.indexOf(";"));
    const bytes = Uint8Array.from(atob(body), (char) => char.charCodeAt(0));
    return new File([bytes], `pasted.${type.split("/")[1]}`, { type });
  }
  // Pasted pictures are taken over; one that cannot be read stays as a red placeholder with a door to upload it.
  async function takeOver(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const part of page.querySelectorAll("script, style, meta, link, title")) part.remove();
    for (const part of page.querySelectorAll("*")) {
      for (const { name } of [...part.attributes]) if (name.startsWith("on")) part.removeAttribute(name);
    }
    let missing = 0;
    for (const picture of page.querySelectorAll("img")) {
      const address = picture.getAttribute("src") ?? "";
      if (address.startsWith("/console/media/") || address.startsWith(`${location.origin}/console/media/`)) continue;
      const said = READABLE.test(address) ? await upload("pictures", fileOf(address), picture.alt) : null;
      if (said) {
        picture.replaceWith(pictureTag(said));
      } else {
        const empty = document.createElement("img");
        empty.setAttribute("data-unread", "1");
        empty.className = "unread-picture";
        empty.alt = words("unread");
        picture.replaceWith(empty);
        missing += 1;
      }
    }
    if (missing) window.xuanda.toast(words("missing"), "bad");
    return page.body.innerHTML;
  }
  async function pasted(event, editor) {
    const given = event.clipboardData;
    if (!given) return;
    const html = given.getData("text/html");
    const files = [...given.files].filter((file) => file.type.startsWith("image/"));
    if (!html && !files.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    editor.s.save();
    const taken = html ? await takeOver(html) : "";
    editor.s.restore();
    if (html) editor.s.insertHTML(taken);
    else await take(files, editor);
    changed();
  }
  function mend(picture, editor) {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = "image/*,.heic,.heif";
    input.addEventListener("change", async () => {
      const said = input.files[0] && (await upload("pictures", input.files[0]));
      if (!said) return;
      picture.replaceWith(pictureTag(said));
      editor.synchronizeValues?.();
      changed();
    });
    input.click();
  }
  const BUTTONS = {
    text: ["paragraph", "bold", "|", "ul", "ol", "align", "|", "link", "table", "hr", "|", "eraser", "undo", "redo", "fullsize"],
    layout: ["bold", "align", "|", "undo", "redo", "eraser", "fullsize"],
  };
  function makeEditor(area) {
    const kind = area.dataset.rich;
    const editor = window.Jodit.make(area, {
      language: document.documentElement.lang.startsWith("zh") ? "zh_cn" : "en",
      i18n: "zh_cn",
      height: "auto",
      minHeight: kind === "text" && area.id === "body" ? 420 : 240,
      toolbarAdaptive: false,
      toolbarSticky: false,
      buttons: BUTTONS[kind],
      showCharsCounter: true,
      countHTMLChars: false,
      showWordsCounter: false,
      showXPathInStatusbar: false,
      hidePoweredByJodit: true,
      // Nothing is fetched from anybody's server, and nothing is evaluated.
      sourceEditor: "area",
      beautifyHTML: false,
      spellcheck: true,
      askBeforePasteHTML: false,
      askBeforePasteFromWord: false,
      processPasteHTML: kind === "text",
      defaultActionOnPaste: "insert_as_html",
      uploader: { insertImageAsBase64URI: false, url: "" },
      disablePlugins: ["about", "powered-by", "ai-assistant", "speech-recognize", "iframe", "video", "file", "image-properties", "class-span", "print", "preview", "drag-and-drop", "paste-storage"],
      controls: {
        paragraph: { list: { p: "正文", h2: "一级标题", h3: "二级标题", blockquote: "引用" } },
      },
      enter: "p",
      createAttributes: { table: { style: "" } },
    });
    editors.set(area, editor);
    editor.editor.setAttribute("aria-label", area.closest(".field").querySelector(".field__label").textContent.trim());
    editor.events.on("change", () => changed());
    editor.editor.addEventListener("paste", (event) => pasted(event, editor), true);
    editor.editor.addEventListener("drop", (event) => {
      const files = [...(event.dataTransfer?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      take(files, editor);
    }, true);
    editor.editor.addEventListener("click", (event) => {
      if (event.target.matches("img[data-unread]")) mend(event.target, editor);
    });
    change = 0;
  }
  if (window.Jodit) for (const area of form.querySelectorAll("textarea[data-rich]")) makeEditor(area);
  clearTimeout(timer);
  change = 0;
  window.xuandaEditors = editors;
})();
