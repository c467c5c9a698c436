// The portal's chat: asks the bot, reaches a person, rates. No cookie, no third party; the words of answers are text only.
"use strict";
(() => {
  const place = document.getElementById("chat");
  if (!place) return;
  const base = place.dataset.href;
  // Beyond so many minutes the server only says "more".
  const LONGEST = 30;
  const speech = {
    en: {
      open: "Ask us", title: "Questions and answers", close: "Close", send: "Send", ask: "Your question", person: "Talk to a person",
      end: "End and rate", hint: "Write your question, up to 500 characters", source: "Source", waiting: "Waiting for a person",
      ahead: (n) => `${n} before you`, next: "You are next", expected: (n) => (n > LONGEST ? `more than ${LONGEST} minutes` : `about ${n} ${n === 1 ? "minute" : "minutes"}`), open_state: "A person is answering", bot: "Bot", agent: (n) => `Agent ${n}`,
      you: "You", office: "Notice", offline: "Not connected, trying again…", stay: "Continue", rate: "Please rate this service (voluntary)", rated: "Thank you for your rating.",
      submit: "Send rating", failed: "Not sent. Please try again.", again: "Not sent yet, trying again…", often: "Too many messages. Please wait a minute.", bot_state: "The bot is answering", closed: "Ended; write to begin again",
      levels: ["Very satisfied", "Satisfied", "Fairly satisfied", "Dissatisfied", "Very dissatisfied"], choose: "Please choose one.",
      picture: "Picture", sending: "Sending the picture…", sent: "Picture you sent", agree: "Agree and choose a picture", not_now: "Not now", kind: "Please choose a JPG, PNG or WebP picture.", large: (n) => `The picture is larger than ${n} MB. Please make it smaller.`,
      leaving: "You are waiting for a person. Leave your question and it becomes a ticket: you get its number and a date for the answer.", leave_hint: "To add something, or a telephone number to be called at (optional)", leave: "Leave the question", wait: "Keep waiting", end_now: "End without an answer",
      notice: "The picture is used only to deal with your question. It is kept and seen only by the office that answers you, and is never published. Please send no identity papers or bank cards unless you are asked to, and no other people's faces or number plates.",
    },
    zh: {
      open: "智能问答", title: place.dataset.title || "智能问答", close: "关闭", send: "发送", ask: "您的问题", person: "转人工",
      end: "结束并评价", hint: "请输入您的问题，500 字以内", source: "依据", waiting: "正在等待人工接入",
      ahead: (n) => `前面还有 ${n} 位`, next: "下一位就是您", expected: (n) => (n > LONGEST ? `预计等待 ${LONGEST} 分钟以上` : `预计等待约 ${n} 分钟`), open_state: "人工客服正在为您服务", bot: "智能问答机器人", agent: (n) => `人工客服 ${n}`,
      you: "您", office: "提示", offline: "网络已断开，正在重新连接…", stay: "继续咨询", rate: "请您评价本次服务（自愿）", rated: "谢谢您的评价。",
      submit: "提交评价", failed: "没有发送成功，请重试。", again: "暂时没有送达，正在重新发送…", often: "发送过于频繁，请稍后再试。", bot_state: "智能问答机器人正在为您服务", closed: "会话已结束，继续输入可重新提问",
      levels: ["非常满意", "满意", "基本满意", "不满意", "非常不满意"], choose: "请选择一项。",
      picture: "图片", sending: "正在发送图片…", sent: "您发送的图片", agree: "同意并选择图片", not_now: "暂不发送", kind: "请选择 JPG、PNG 或 WebP 图片。", large: (n) => `图片超过 ${n} MB，请压缩或截图后再发。`,
      leaving: "您正在等待人工。留言后登记为工单，马上告知编号和答复时限。", leave_hint: "补充情况，或留下可回电的号码（可不填）", leave: "留言", wait: "继续等待", end_now: "不留言，直接结束",
      notice: "图片只用于办理您咨询的事项，由接待您的单位保存和查看，不会公开。如非工作人员要求，请不要发送身份证、银行卡等证件照片，也不要拍到他人的面部和车牌。",
    },
  };
  const isEnglish = () => place.dataset.lang === "en" || document.documentElement.classList.contains("english");
  let english = isEnglish();
  let words = speech[english ? "en" : "zh"];
  const KEPT = "xuanda-chat";
  const TAKEN = ["image/jpeg", "image/png", "image/webp"];
  const AGAIN_MS = [1000, 2000, 5000, 10000];
  // What was written is sent again for half a minute.
  const PERSIST_MS = [1000, 2000, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000];
  const state = { id: 0, token: "", after: 0, state: "bot", ahead: 0, expected: 0, rated: false, shown: new Set(), stream: null, tries: 0, begun: null, pictures: null, agreed: false, picture: "", unsure: null };

  // --- building ---------------------------------------------------------------------------------------------------
  function make(tag, attributes = {}, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "text") element.textContent = value;
      else if (value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...inside);
    return element;
  }
  const sheet = make("link", { rel: "stylesheet", href: new URL("chat.css", document.currentScript.src).href });
  document.head.append(sheet);

  const opener = make("button", { class: "chat__open", type: "button", "aria-expanded": "false", "aria-controls": "chat-window" });
  const title = make("h2", { class: "chat__title", id: "chat-title" });
  const close = make("button", { class: "chat__close", type: "button", text: "×" });
  const status = make("p", { class: "chat__status", role: "status" });
  const log = make("div", { class: "chat__log", role: "log", "aria-live": "polite", "aria-relevant": "additions", tabindex: "0" });
  const input = make("textarea", { class: "chat__input", id: "chat-input", rows: "2", maxlength: "500" });
  const send = make("button", { class: "chat__send", type: "submit" });
  const person = make("button", { class: "chat__act", type: "button" });
  const end = make("button", { class: "chat__act", type: "button" });
  const picture = make("button", { class: "chat__act", type: "button", hidden: true });
  const chooser = make("input", { type: "file", accept: TAKEN.join(","), hidden: true });
  const agree = make("button", { class: "chat__send", type: "button" });
  const notNow = make("button", { class: "chat__act", type: "button" });
  const noticed = make("p");
  const notice = make("div", { class: "chat__notice", role: "group", tabindex: "-1", hidden: true }, noticed, make("div", { class: "chat__notice-acts" }, agree, notNow));
  const leaveWord = make("button", { class: "chat__send", type: "button" });
  const waitOn = make("button", { class: "chat__act", type: "button" });
  const endNow = make("button", { class: "chat__act", type: "button" });
  const leaves = make("p", { id: "chat-leaving" });
  const left = make("textarea", { class: "chat__input chat__left", rows: "2", maxlength: "500" });
  // Whoever would end while he waits chooses first what becomes of his question.
  const leaving = make("div", { class: "chat__notice", role: "group", "aria-labelledby": "chat-leaving", tabindex: "-1", hidden: true }, leaves, left, make("div", { class: "chat__notice-acts" }, leaveWord, waitOn, endNow));
  const problem = make("p", { class: "chat__problem", role: "alert", hidden: true });
  const form = make("form", { class: "chat__form" }, input, send);
  const panel = make(
    "section",
    { class: "chat__window", id: "chat-window", role: "dialog", "aria-labelledby": "chat-title", hidden: true },
    make("div", { class: "chat__head" }, title, close),
    status,
    log,
    problem,
    notice,
    leaving,
    make("div", { class: "chat__acts" }, person, picture, end),
    chooser,
    form,
  );
  place.append(opener, panel);
  // Whatever stands there in any conversation, in the language of the page, which its reader may change.
  function label() {
    const texts = [[opener, words.open], [title, words.title], [send, words.send], [person, words.person], [end, words.end], [picture, words.picture], [agree, words.agree], [notNow, words.not_now], [noticed, words.notice], [leaves, words.leaving], [leaveWord, words.leave], [waitOn, words.wait], [endNow, words.end_now]];
    for (const [one, text] of texts) one.textContent = text;
    for (const [one, text] of [[close, words.close], [log, words.title], [input, words.ask], [notice, words.picture], [left, words.leave_hint]]) one.setAttribute("aria-label", text);
    input.placeholder = words.hint;
    left.placeholder = words.leave_hint;
    stand();
  }

  // --- showing ----------------------------------------------------------------------------------------------------
  function who(line) {
    if (line.side === "citizen") return words.you;
    if (line.side === "agent") return words.agent(line.agent);
    return line.side === "bot" ? words.bot : "";
  }
  function show(line) {
    if (state.shown.has(line.number)) return;
    state.shown.add(line.number);
    state.after = Math.max(state.after, line.number);
    const body = make("div", { class: "chat__text", text: line.ask === "rating" ? asked(line.text) : line.text });
    const item = make("div", { class: `chat__line chat__line--${line.side}` });
    if (who(line)) item.append(make("p", { class: "chat__who", text: who(line) }));
    if (line.picture && state.picture) {
      body.replaceChildren(make("img", { class: "chat__picture", src: state.picture, alt: words.sent }));
      state.picture = "";
    }
    item.append(body);
    if (line.sources.length) item.append(sources(line.sources));
    if (line.choices.length) item.append(choices(line.choices));
    if (line.ask === "rating") item.append(state.rated ? thanks() : rating());
    if (line.ask === "stay") item.append(stay(line.number));
    log.append(item);
    log.scrollTop = log.scrollHeight;
  }
  function sources(found) {
    const list = make("ul", { class: "chat__sources" });
    for (const source of found) {
      if (!source.href.startsWith("/") || source.href.startsWith("//")) continue;
      list.append(make("li", {}, `${words.source}：`, make("a", { href: source.href, text: source.title })));
    }
    return list;
  }
  function choices(found) {
    const list = make("ol", { class: "chat__choices" });
    found.forEach((text, place_) => {
      const button = make("button", { class: "chat__choice", type: "button", text: `${place_ + 1}. ${text}` });
      button.addEventListener("click", () => say(String(place_ + 1)));
      list.append(make("li", {}, button));
    });
    return list;
  }
  // Its first line names the service item, if there was one; the levels below it are buttons here.
  const asked = (text) => (english ? words.rate : text.split("\n", 1)[0]);
  const thanks = () => make("p", { class: "chat__thanks", text: words.rated });
  function rating() {
    const box = make("fieldset", { class: "chat__rating" }, make("legend", { class: "chat__legend", text: words.rate }));
    words.levels.forEach((label, place_) => {
      const id = `chat-level-${place_ + 1}`;
      box.append(make("label", { class: "chat__level", for: id }, make("input", { type: "radio", name: "chat-level", id, value: String(place_ + 1) }), label));
    });
    const button = make("button", { class: "chat__send", type: "submit", text: words.submit });
    const rate = make("form", { class: "chat__rate" }, box, button);
    rate.addEventListener("submit", async (event) => {
      event.preventDefault();
      const chosen = rate.querySelector("input:checked");
      if (!chosen) return trouble(words.choose);
      button.disabled = true;
      const seen = await call("rating", { score: Number(chosen.value) }).catch(() => null);
      button.disabled = false;
      if (!seen) return trouble(words.failed);
      rate.replaceWith(thanks());
      take(seen);
      input.focus();
    });
    return rate;
  }
  // The session ends soon unless he goes on: by this, or by writing anything.
  function stay(number) {
    const button = make("button", { class: "chat__send chat__stay", type: "button", text: words.stay, "data-line": String(number) });
    button.addEventListener("click", async () => {
      trouble("");
      button.disabled = true;
      const seen = await call("stay").catch((failure) => (failure.status === 409 ? call(`lines?after=${state.after}`, null, "GET").catch(() => null) : null));
      button.disabled = false;
      if (!seen) return trouble(words.failed);
      button.remove();
      take(seen);
      input.focus();
    });
    return button;
  }
  function take(seen) {
    state.state = seen.state;
    state.rated = seen.rated;
    for (const line of seen.lines) show(line);
    for (const button of log.querySelectorAll(".chat__stay")) {
      if (seen.state !== "closed" && Number(button.dataset.line) === state.after) continue;
      if (document.activeElement === button) input.focus();
      button.remove();
    }
    state.ahead = seen.ahead;
    state.expected = seen.expected ?? 0;
    stand();
    person.hidden = seen.state !== "bot";
    end.hidden = seen.state === "closed";
    // Somebody has him, or it is over: there is nothing to choose any more.
    if (seen.state !== "waiting") stayHere();
    picture.hidden = !state.pictures || seen.state === "closed";
    keep();
  }
  function stayHere() {
    if (leaving.contains(document.activeElement)) input.focus();
    leaving.hidden = true;
  }
  // Who has the conversation, in one line.
  function stand() {
    const texts = { bot: words.bot_state, open: words.open_state, snoozed: words.open_state, closed: words.closed };
    const waits = [words.waiting, state.ahead ? words.ahead(state.ahead) : words.next, state.expected ? words.expected(state.expected) : ""];
    const text = state.state === "waiting" ? waits.filter(Boolean).join(english ? ", " : "，") : texts[state.state];
    if (status.textContent !== text) status.textContent = text;
  }
  function trouble(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }

  // --- asking the server ------------------------------------------------------------------------------------------
  function keep() {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ id: state.id, token: state.token, pictures: state.pictures }));
    } catch { /* a private window keeps nothing */ }
  }
  function kept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    } catch {
      return null;
    }
  }
  async function call(path, body, method = "POST") {
    const headers = { Authorization: `Bearer ${state.token}`, Accept: "application/json" };
    const filled = body instanceof FormData;
    if (body && !filled) headers["Content-Type"] = "application/json";
    const answer = await fetch(`${base}/${state.id}/${path}`, { method, headers, body: filled ? body : body && JSON.stringify(body), credentials: "omit" });
    if (answer.ok) return answer.json();
    const why = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(answer.statusText), { status: answer.status, why: why.message });
  }
  async function begin() {
    const answer = await fetch(`${base}/start`, { method: "POST", headers: { Accept: "application/json" }, credentials: "omit" });
    if (!answer.ok) throw Object.assign(new Error(answer.statusText), { status: answer.status });
    const seen = await answer.json();
    Object.assign(state, { id: seen.id, token: seen.token, after: 0, rated: false, shown: new Set(), pictures: seen.pictures ?? null });
    take(seen);
    listen();
  }
  async function resume() {
    const before = kept();
    if (before?.id) {
      Object.assign(state, before);
      try {
        take(await call("lines?after=0", null, "GET"));
        listen();
        return;
      } catch (failure) {
        // One that is gone is begun anew; one that cannot be reached just now is not given up.
        if (![401, 403, 404, 410].includes(failure.status)) throw failure;
      }
    }
    await begin();
  }
  // Whoever writes before the session has begun waits for it; one that could not begin is tried again.
  function begun() {
    state.begun ??= resume().catch((failure) => {
      state.begun = null;
      throw failure;
    });
    return state.begun;
  }
  async function listen() {
    state.stream?.abort();
    const stream = new AbortController();
    state.stream = stream;
    const id = state.id;
    while (!stream.signal.aborted && state.id === id) {
      try {
        await read(stream);
        state.tries = 0;
      } catch {
        if (stream.signal.aborted) return;
        trouble(words.offline);
        await new Promise((go) => setTimeout(go, AGAIN_MS[Math.min(state.tries++, AGAIN_MS.length - 1)]));
        try {
          take(await call(`lines?after=${state.after}`, null, "GET"));
          trouble("");
        } catch { /* still away; the next round tries again */ }
      }
    }
  }
  async function read(stream) {
    const headers = { Authorization: `Bearer ${state.token}`, Accept: "text/event-stream" };
    const answer = await fetch(`${base}/${state.id}/events?after=${state.after}`, { headers, signal: stream.signal, credentials: "omit" });
    if (!answer.ok || !answer.body) throw new Error(answer.statusText);
    trouble("");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const data = event.split("\n").find((line) => line.startsWith("data: "));
        if (data) take(JSON.parse(data.slice(6)));
      }
    }
  }
  const newKey = () => `${Date.now()}-${Math.random().toString(36).slice(2, 10)}`;
  // What was sent and not heard to have arrived has the same key when it is sent again: it may be there.
  function keyOf(what) {
    if (state.unsure?.what !== what) state.unsure = { what, key: newKey() };
    return state.unsure.key;
  }
  // What was written to a session that has ended meanwhile begins a new one.
  async function deliver(path, body) {
    await begun();
    if (state.state === "closed") await begin();
    take(await call(path, body()).catch(async (failure) => {
      if (failure.status !== 409) throw failure;
      await begin();
      return call(path, body());
    }));
  }
  // Words that did not get through, or nobody knows, are sent again by themselves for a while.
  async function persist(text) {
    const key = keyOf(text);
    for (let tries = 0; ; tries += 1) {
      try {
        await deliver("messages", () => ({ key, text, after: state.after }));
        return trouble("");
      } catch (failure) {
        if ((failure.status && failure.status < 500) || tries === PERSIST_MS.length) throw failure;
        trouble(words.again);
        await new Promise((go) => setTimeout(go, PERSIST_MS[tries]));
      }
    }
  }
  async function sendPicture(file) {
    if (!file) return;
    trouble("");
    if (!TAKEN.includes(file.type)) return trouble(words.kind);
    if (file.size > state.pictures.megabytes * 1e6) return trouble(words.large(state.pictures.megabytes));
    const key = keyOf(`${file.name}/${file.size}/${file.lastModified}`);
    const body = () => {
      const form_ = new FormData();
      for (const [name, value] of Object.entries({ key, agreed: "true", after: String(state.after) })) form_.append(name, value);
      form_.append("file", file, file.name || "picture");
      return form_;
    };
    picture.disabled = true;
    status.textContent = words.sending;
    state.picture = URL.createObjectURL(file);
    try {
      await deliver("pictures", body);
      state.unsure = null;
    } catch (failure) {
      trouble(failure.status === 429 ? words.often : [422, 503].includes(failure.status) && failure.why ? failure.why : words.failed);
    } finally {
      state.picture = "";
      picture.disabled = false;
      stand();
      picture.focus();
    }
  }
  async function say(text) {
    text = text.trim();
    if (!text) return;
    trouble("");
    send.disabled = true;
    try {
      await persist(text);
      state.unsure = null;
      if (input.value.trim() === text) input.value = "";
    } catch (failure) {
      trouble(failure.status === 429 ? words.often : words.failed);
      if (!input.value) input.value = text;
    } finally {
      send.disabled = false;
      input.focus();
    }
  }

  // --- acts -------------------------------------------------------------------------------------------------------
  async function setOpen(open) {
    panel.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    opener.classList.toggle("chat__open--away", open);
    if (!open) return opener.focus();
    input.focus();
    await begun().catch(() => trouble(words.failed));
  }
  opener.addEventListener("click", () => setOpen(panel.hidden));
  close.addEventListener("click", () => setOpen(false));
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") setOpen(false);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say(input.value);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      say(input.value);
    }
  });
  picture.addEventListener("click", () => {
    if (state.agreed) return chooser.click();
    notice.hidden = false;
    notice.focus();
  });
  agree.addEventListener("click", () => {
    state.agreed = true;
    notice.hidden = true;
    chooser.click();
  });
  notNow.addEventListener("click", () => {
    notice.hidden = true;
    picture.focus();
  });
  chooser.addEventListener("change", () => {
    const [file] = chooser.files;
    sendPicture(file).then(() => { chooser.value = ""; });
  });
  person.addEventListener("click", () => say("人工"));
  async function finish(body) {
    trouble("");
    const seen = await call("end", body).catch(() => null);
    if (!seen) return trouble(words.failed);
    take(seen);
    log.querySelector(".chat__rating input")?.focus();
  }
  end.addEventListener("click", () => {
    if (state.state !== "waiting") return finish();
    leaving.hidden = false;
    leaving.focus();
  });
  leaveWord.addEventListener("click", async () => {
    trouble("");
    leaveWord.disabled = true;
    try {
      const text = left.value.trim();
      if (text) await persist(text);
      left.value = "";
      state.unsure = null;
      // An agent may have come meanwhile; then he is asked, and nothing is left.
      if (state.state === "waiting") await persist("留言");
      state.unsure = null;
      // Whoever is in danger leaves no word: he waits on, and people come.
      stayHere();
    } catch (failure) {
      trouble(failure.status === 429 ? words.often : words.failed);
    } finally {
      leaveWord.disabled = false;
    }
  });
  waitOn.addEventListener("click", stayHere);
  endNow.addEventListener("click", () => finish({ sure: true }));
  document.addEventListener("skin", async () => {
    if (isEnglish() === english) return;
    english = isEnglish();
    words = speech[english ? "en" : "zh"];
    label();
    trouble("");
    if (!state.id) return;
    const seen = await call("lines?after=0", null, "GET").catch(() => null);
    if (!seen) return;
    log.replaceChildren();
    Object.assign(state, { after: 0, shown: new Set() });
    take(seen);
  });
  label();
  if (location.hash === "#ask") setOpen(true);
})();
