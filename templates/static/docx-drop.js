// Word documents: dropped on the editor they fill the text, on the import page they become drafts one after the other.
"use strict";
(() => {
  const words = (name) => document.getElementById("docx-words")?.dataset[name] ?? "";
  const csrf = () => document.querySelector("meta[name=csrf]")?.content ?? "";
  // Other kinds of the same program are taken too, so that the server can say what to do with them.
  const isDocument = (file) => /\.(docx|docm|doc|wps|dotx|rtf)$/i.test(file.name);

  async function send(address, data) {
    let answer;
    try {
      answer = await fetch(address, {
        method: "POST",
        body: data,
        headers: { "X-CSRF-Token": csrf(), Accept: "application/json" },
      });
    } catch {
      return { message: words("offline") };
    }
    const said = await answer.json().catch(() => ({ message: String(answer.status) }));
    return answer.ok ? said : { message: said.message ?? String(answer.status) };
  }

  // --- the editor -------------------------------------------------------------------------------------------------
  const desk = document.querySelector("[data-desk]")?.dataset.desk;
  const form = document.querySelector("[data-words-form]");
  const field = document.getElementById("body-field");

  function tell(remarks) {
    document.getElementById("docx-notes")?.remove();
    if (!remarks.length) return;
    const box = document.createElement("div");
    box.className = "alert alert--warn";
    box.id = "docx-notes";
    box.setAttribute("role", "status");
    const body = document.createElement("div");
    body.className = "alert__body";
    const what = document.createElement("p");
    what.className = "alert__what";
    what.textContent = words("notes");
    const list = document.createElement("ul");
    list.className = "alert__list";
    for (const remark of remarks) {
      const item = document.createElement("li");
      item.textContent = remark;
      list.append(item);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "button button--plain button--small";
    close.textContent = words("close");
    close.addEventListener("click", () => box.remove());
    body.append(what, list, close);
    box.append(body);
    field.before(box);
  }
  function isEmpty(editor) {
    const page = new DOMParser().parseFromString(editor.value, "text/html");
    return !page.body.textContent.trim() && !page.querySelector("img, table, hr");
  }
  async function drawPictures() {
    const place = document.getElementById("asset-list");
    const answer = await fetch(`${desk}/assets`, { headers: { "HX-Request": "true" } });
    if (!place || !answer.ok) return;
    const chosen = place.querySelector("[name=cover_id]:checked")?.value;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("asset-list");
    if (!fresh) return;
    place.replaceWith(document.adoptNode(fresh));
    if (chosen === undefined) return;
    for (const radio of fresh.querySelectorAll("[name=cover_id]")) radio.checked = radio.value === chosen;
  }
  let busy = false;
  async function fill(file) {
    const editor = window.xuandaEditors?.get(document.getElementById("body"));
    if (busy || !editor) return;
    busy = true;
    try {
      const asked = isEmpty(editor) || await window.xuanda.ask(words("replace"), words("replaceTitle"), words("replaceLabel"));
      if (!asked) return;
      window.xuanda.toast(words("reading"), "info");
      const data = new FormData();
      data.append("file", file, file.name);
      const said = await send(`${desk}/docx`, data);
      if (said.html === undefined) {
        window.xuanda.toast(words("failed") + said.message, "bad");
        return;
      }
      // A save may have overtaken the upload; versions only grow.
      const version = form.querySelector("[data-version]");
      version.value = Math.max(Number(version.value), said.version);
      const title = document.getElementById("title");
      if (said.title && !title.value.trim()) {
        title.value = said.title;
        title.dispatchEvent(new Event("input", { bubbles: true }));
      }
      editor.value = said.html;
      tell(said.remarks);
      await drawPictures();
      window.xuanda.toast(words("done"));
    } finally {
      busy = false;
    }
  }
  if (desk && form && field) {
    const label = document.createElement("label");
    label.className = "button button--plain button--small docx-door__choose";
    label.textContent = words("choose");
    const input = document.createElement("input");
    input.type = "file";
    input.id = "docx-file";
    input.className = "unseen";
    input.accept = ".docx,.docm";
    label.append(input);
    input.addEventListener("change", () => {
      const [file] = input.files;
      input.value = "";
      if (file) fill(file);
    });
    const name = field.querySelector(".field__label");
    const line = document.createElement("div");
    line.className = "docx-door";
    name.before(line);
    line.append(name, label);
    // Before the rich editor hears of it, which takes pictures only.
    document.addEventListener("drop", (event) => {
      const file = [...(event.dataTransfer?.files ?? [])].find(isDocument);
      if (!file || !field.contains(event.target)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      fill(file);
    }, true);
    document.addEventListener("dragover", (event) => {
      if (field.contains(event.target) && [...(event.dataTransfer?.types ?? [])].includes("Files")) event.preventDefault();
    }, true);
  }

  // --- the import page --------------------------------------------------------------------------------------------
  const page = document.querySelector("[data-docx-import]");
  if (!page) return;
  const place = document.querySelector("[data-docx-rows]");
  const progress = page.querySelector("[data-docx-progress]");

  function table() {
    if (!place.querySelector("tbody")) {
      place.replaceChildren(document.getElementById("docx-table").content.cloneNode(true));
      place.querySelector("tbody tr").remove();
    }
    return place.querySelector("tbody");
  }
  function cell(row, label, ...inside) {
    const box = document.createElement("td");
    box.dataset.label = label;
    const holder = document.createElement("div");
    holder.append(...inside);
    box.append(holder);
    row.append(box);
  }
  function note(text) {
    const line = document.createElement("span");
    line.className = "table__note";
    line.textContent = text;
    return line;
  }
  function show({ state, title, href, remarks }) {
    const body = table();
    const heads = [...place.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    const row = document.createElement("tr");
    const sign = document.querySelector(`template[data-docx-state="${state}"]`).content.cloneNode(true);
    const name = document.createElement(href ? "a" : "span");
    name.textContent = title;
    if (href) {
      name.href = href;
      name.className = "table__title";
    }
    cell(row, heads[0], sign);
    cell(row, heads[1], name);
    cell(row, heads[2], ...(remarks.length ? remarks.map(note) : ["—"]));
    body.append(row);
  }
  async function take(files) {
    const column = page.elements.docx_column;
    if (!column.reportValidity() || !files.length) return;
    const button = page.querySelector("[type=submit]");
    const bar = progress.querySelector("progress");
    button.disabled = true;
    progress.hidden = false;
    bar.max = files.length;
    for (const [place, file] of files.entries()) {
      bar.value = place;
      progress.querySelector("[data-docx-now]").textContent = words("now") + file.name;
      progress.querySelector("[data-docx-count]").textContent = `${place} / ${files.length}`;
      const data = new FormData();
      data.append("docx_column", column.value);
      data.append("files", file, file.name);
      const said = await send(page.action, data);
      const failed = { state: "failed", title: file.name, href: "", remarks: [said.message] };
      for (const row of said.rows ?? [failed]) show(row);
    }
    bar.value = files.length;
    progress.querySelector("[data-docx-now]").textContent = words("finished");
    progress.querySelector("[data-docx-count]").textContent = `${files.length} / ${files.length}`;
    page.elements.files.value = "";
    button.disabled = false;
  }
  page.addEventListener("submit", (event) => {
    event.preventDefault();
    take([...page.elements.files.files]);
  });
  for (const name of ["dragenter", "dragover"]) {
    page.addEventListener(name, (event) => {
      event.preventDefault();
      page.classList.add("drop--over");
    });
  }
  for (const name of ["dragleave", "drop"]) page.addEventListener(name, () => page.classList.remove("drop--over"));
  page.addEventListener("drop", (event) => {
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
})();
