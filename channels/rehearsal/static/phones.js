"use strict";

const KINDS = [
  "mass_send", "mass_submitted", "mass_decision", "mass_deleted", "mass_failed", "publish", "publish_failed",
  "publish_deleted", "preview", "inbound", "passive_reply", "service_fault", "custom_message", "template_message", "consent",
  "post", "post_deleted", "comment", "fan_reply", "fan_message", "push", "push_revoked", "notification", "subscription_gone", "sms", "case",
  "article", "changed", "taken_back", "file", "file_gone",
].join(",");
const TYPES = { subscription: "订阅号", service: "服务号" };
const seen = { last: 0, cleared: 0, entries: [], accounts: {}, chosen: {}, drawn: {}, opened: {} };

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

async function ask(path, method = "GET", body = undefined) {
  const options = { method, headers: { "Content-Type": "application/json" } };
  if (body !== undefined) options.body = JSON.stringify(body);
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

const clockOf = (entry) => entry.time.slice(5, 16).replace("T", " ");
const when = (entry, text, alarm = "") =>
  el("p", { class: "when" }, `${clockOf(entry)} ${text}`, alarm ? el("b", {}, ` ${alarm}`) : "");

/* WeChat */

function pathsGone(entries) {
  const gone = new Set();
  for (const entry of entries) {
    if (["mass_deleted", "publish_deleted"].includes(entry.kind)) entry.data.paths.forEach((path) => gone.add(path));
  }
  return gone;
}

function articlesCard(account, reader, entry, gone) {
  const quiet = entry.kind === "publish";
  const label = quiet ? "只发布：未通知粉丝，仅在主页可见" : `群发：${entry.data.recipients.length} 人收到`;
  const card = el("article", { class: "card" }, el("p", { class: quiet ? "card-label quiet" : "card-label" }, label));
  entry.data.articles.forEach((article, index) => {
    const deleted = gone.has(article.path);
    const open = () => openReader(account, article.path, reader);
    const words = el("span", { class: "words" }, el("b", {}, article.title), el("span", {}, article.digest));
    const cover = (kind) => article.cover && el("img", { class: kind, src: article.cover, alt: "" });
    const row = index === 0
      ? el("button", { type: "button", class: "lead", onclick: open }, cover("cover"), words)
      : el("button", { type: "button", class: "further", onclick: open }, el("b", {}, article.title), cover(""));
    card.append(el("div", { class: deleted ? "gone" : "" }, row));
    if (deleted) card.append(el("p", { class: "card-note" }, "文章已删除，已收到的卡片仍在"));
    if (article.removed.length) card.append(el("p", { class: "card-note" }, `平台滤掉了：${article.removed.join("，")}`));
  });
  return card;
}

function contentBubble(kind, content, label, account, reader) {
  const bubble = el("div", { class: "bubble heard" });
  const list = content.articles || (content.Articles && [content.Articles.item]) || [];
  if (content.content || content.Content) bubble.append(content.content || content.Content);
  for (const path of content.paths || (content.path ? [content.path] : [])) {
    bubble.append(el("img", { src: path, alt: "图片" }));
  }
  for (const article of list) {
    const title = article.title || article.Title;
    const address = article.path || article.url || article.Url;
    bubble.append(el("button", { type: "button", class: "lead", onclick: () => openReader(account, address, reader) },
      el("span", { class: "words" }, el("b", {}, title), el("span", {}, article.description || article.Description || ""))));
  }
  if (content.head_content) bubble.append(content.head_content);
  for (const choice of Array.isArray(content.list) ? content.list : []) {
    bubble.append(el("button", { type: "button", onclick: () => act(account, { openid: reader, content: choice.content }) },
      choice.content));
  }
  if (!bubble.childNodes.length) bubble.append(JSON.stringify(content));
  bubble.append(el("small", {}, label));
  return bubble;
}

const INBOUND = {
  subscribe: "关注了公众号", unsubscribe: "取消了关注", SCAN: "扫描了二维码", CLICK: "点了菜单", VIEW: "打开了菜单链接",
  LOCATION: "上报了位置",
};

function wechatItem(account, reader, entry, gone, decided) {
  const data = entry.data;
  switch (entry.kind) {
    case "mass_send": {
      if (!data.recipients.includes(reader)) return [];
      if (data.articles.length) return [when(entry, ""), articlesCard(account, reader, entry, gone)];
      return [when(entry, "群发"), contentBubble(data.msgtype, data.content, "群发消息", account, reader)];
    }
    case "publish": return [when(entry, ""), articlesCard(account, reader, entry, gone)];
    case "mass_submitted": {
      if (!data.waiting) return [];
      const says = { confirm: "管理员已确认群发", refuse: "管理员拒绝群发", lapse: "管理员 30 分钟未确认，群发取消" };
      if (decided[data.msg_id]) return [when(entry, "", says[decided[data.msg_id]])];
      const decide = (decision) => () => ask(`/control/wechat/${account.appid}/mass/${data.msg_id}`, "POST", { decision });
      return [el("article", { class: "card" }, el("p", { class: "card-label" }, "公众号管理员：群发确认"),
        el("p", { class: "card-body" }, data.titles.join("\n") || data.words || "图片或音视频消息"),
        el("div", { class: "card-acts" }, el("button", { type: "button", onclick: decide("confirm") }, "确认群发"),
          el("button", { type: "button", onclick: decide("refuse") }, "拒绝")))];
    }
    case "mass_failed": return [when(entry, "", `群发失败 ${data.status}`)];
    case "publish_failed": return [when(entry, "", `发布失败，状态 ${data.status}`)];
    case "mass_deleted": return [when(entry, `删除群发：${data.titles.join("，")}`)];
    case "publish_deleted": return [when(entry, `删除发布：${data.titles.join("，")}`)];
  }
  if (data.openid !== reader) return [];
  switch (entry.kind) {
    case "preview": return [when(entry, "预览"), contentBubble(data.msgtype, data.content, "群发预览", account, reader)];
    case "inbound": return inboundItem(entry);
    case "passive_reply": return [contentBubble(data.reply.MsgType, data.reply, "被动回复", account, reader)];
    case "service_fault": return [when(entry, "", data.text)];
    case "custom_message": return [contentBubble(data.msgtype, data.content, "客服消息", account, reader)];
    case "template_message": return [el("article", { class: "card" }, el("p", { class: "card-label" }, `服务通知：${data.title}`),
      el("p", { class: "card-body" }, Object.values(data.data).map((field) => field.value).join("\n")))];
    case "consent": return [when(entry, consentWords(data))];
  }
  return [];
}

function consentWords(data) {
  if (data.later) return `在通知管理里拒收：${data.reject.join("、")}`;
  const parts = [data.accept.length && `同意接收：${data.accept.join("、")}`, data.reject.length && `拒绝接收：${data.reject.join("、")}`];
  return `${parts.filter(Boolean).join("；")}${data.keep ? "（总是保持）" : ""}`;
}

function inboundItem(entry) {
  const { what, fields } = entry.data;
  if (INBOUND[what]) return [when(entry, `${INBOUND[what]} ${fields.EventKey || ""}`)];
  const bubble = el("div", { class: "bubble said" });
  if (what === "image") bubble.append(el("img", { src: new URL(fields.PicUrl).pathname, alt: "发出的图片" }));
  else bubble.append(fields.Content || fields.Recognition || fields.Label || fields.Title || what);
  if (what === "voice") bubble.append(el("small", {}, "语音"));
  return [bubble];
}

async function act(account, inbound, door = "push") {
  try {
    await ask(`/control/wechat/${account.appid}/${door}`, "POST", inbound);
  } catch (error) {
    // Refused because the person no longer follows: the page shows that already.
  }
  await refresh(true);
}

/* 订阅通知: the window in which a follower agrees form by form, and his list of forms, as WeChat has them */

const formsOf = (account) =>
  (account.type === "service" ? account.templates : []).filter((form) => form.kind === "subscribe" && !form.banned);

function decide(account, person, choices) {
  return act(account, { openid: person.openid, ...choices }, "agreements");
}

function askConsent(account, person) {
  const forms = formsOf(account);
  const kept = person.keeps;
  const open = forms.filter((form) => !kept[form.template_id]);
  const chosen = (status) => forms.filter((form) => kept[form.template_id] === status).map((form) => form.template_id);
  if (!open.length) {
    decide(account, person, { templates: chosen("accept"), refused: chosen("reject") });
    return;
  }
  const boxes = open.map((form) => [form.template_id, el("input", { type: "checkbox", checked: true })]);
  const keep = el("input", { type: "checkbox" });
  const lines = open.map((form, place) =>
    el("label", { class: "consent-form" }, boxes[place][1], el("span", {}, form.title, el("small", {}, form.lasting ? "长期" : "一次性，同意一次发一条"))));
  const done = (agrees) => () => {
    const ticked = boxes.filter(([, box]) => agrees && box.checked).map(([form]) => form);
    const refused = boxes.map(([form]) => form).filter((form) => !ticked.includes(form));
    dialog.close();
    decide(account, person, { templates: ticked.concat(chosen("accept")), refused: refused.concat(chosen("reject")), keep: keep.checked });
  };
  const dialog = consentDialog(`${account.name} 申请发送以下订阅通知`, lines,
    el("label", { class: "consent-form" }, keep, el("span", {}, "总是保持以上选择，不再询问")),
    el("div", { class: "consent-acts" }, el("button", { type: "button", onclick: done(false) }, "拒绝"),
      el("button", { type: "button", class: "consent-yes", onclick: done(true) }, "允许")));
}

function showConsents(account, person) {
  const lines = formsOf(account).map((form) => {
    const left = person.allows[form.template_id] || 0;
    const says = !left ? "未同意" : form.lasting ? "长期接收" : `还可收 ${left} 条`;
    const kept = { accept: "，总是允许", reject: "，总是拒绝" }[person.keeps[form.template_id]] || "";
    const refuse = () => { dialog.close(); decide(account, person, { templates: [form.template_id], how: "change" }); };
    return el("p", { class: "consent-form" }, el("span", {}, form.title, el("small", {}, says + kept)),
      (left > 0 || kept) && el("button", { type: "button", "aria-label": `拒收${form.title}`, onclick: refuse }, "拒收"));
  });
  const dialog = consentDialog("通知管理", lines,
    el("div", { class: "consent-acts" }, el("button", { type: "button", onclick: () => dialog.close() }, "返回")));
}

function consentDialog(title, ...parts) {
  const dialog = el("dialog", { class: "consent", "aria-label": title, onclose: () => dialog.remove() }, el("h2", {}, title), ...parts);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

const below = (button) => (button.sub_button && button.sub_button.list) || button.sub_button || [];

function menuTap(button) {
  if (button.type === "view") return { kind: "VIEW", key: button.url };
  if (["text", "news", "img", "voice", "video"].includes(button.type)) return null;
  return { kind: "CLICK", key: button.key || "" };
}

/* One button as a phone has it: a tap sends its event, or opens what lies below; one made by hand tells nobody. */
function menuButton(button, doing, key) {
  const inner = below(button);
  if (!inner.length) {
    const tap = menuTap(button);
    return tap ? doing(button.name, tap) : el("button", { type: "button", disabled: true }, button.name);
  }
  const place = `${key} ${button.name}`;
  const kept = (event) => { seen.opened[place] = event.target.open; };
  return el("details", { class: "phone-sub", open: Boolean(seen.opened[place]), ontoggle: kept },
    el("summary", {}, button.name), el("div", { class: "phone-below" }, inner.map((one) => menuButton(one, doing, key))));
}

function wechatFoot(account, person) {
  const field = el("input", { "aria-label": `以${person.name}的身份发消息`, placeholder: "发消息", maxlength: 600 });
  const send = async (event) => {
    event.preventDefault();
    if (!field.value.trim()) return;
    const content = field.value;
    field.value = "";
    await act(account, { openid: person.openid, content });
  };
  const doing = (label, inbound) =>
    el("button", { type: "button", onclick: () => act(account, { openid: person.openid, ...inbound }) }, label);
  const menu = ((account.menu || {}).button || []).map((button) => menuButton(button, doing, account.appid));
  const more = person.following
    ? [doing("发图片", { kind: "image" }), doing("说一句话", { kind: "voice", recognition: "社保卡怎么补办" }),
      doing("发位置", { kind: "location", latitude: 30.1, longitude: 120.2, label: "人民广场" }), doing("取消关注", { kind: "unsubscribe" })]
    : [doing("关注", { kind: "subscribe" })];
  if (person.following && formsOf(account).length) {
    more.push(el("button", { type: "button", onclick: () => askConsent(account, person) }, "订阅通知"),
      el("button", { type: "button", onclick: () => showConsents(account, person) }, "通知管理"));
  }
  return [person.following && el("form", { onsubmit: send }, field, el("button", {}, "发送")),
    person.following && menu.length > 0 && el("div", { class: "phone-more phone-menu", role: "group", "aria-label": "公众号菜单" }, menu),
    el("div", { class: "phone-more" }, more)];
}

function wechatPhone(account) {
  const key = `wechat ${account.appid}`;
  const people = account.people;
  const person = people.find((one) => one.openid === seen.chosen[key]) || people[0];
  const entries = seen.entries.filter((entry) => entry.platform === "wechat" && entry.account === account.appid);
  const gone = pathsGone(entries);
  const decided = {};
  entries.filter((entry) => entry.kind === "mass_decision")
    .forEach((entry) => { decided[entry.data.msg_id] = entry.data.decision; });
  const pick = el("select", { "aria-label": "谁的手机", onchange: (event) => { seen.chosen[key] = event.target.value; draw(key); } },
    people.map((one) => el("option", { value: one.openid, selected: one === person },
      `${one.name || one.openid}的手机${one.following ? "" : "（未关注）"}`)));
  const talk = person ? entries.flatMap((entry) => wechatItem(account, person.openid, entry, gone, decided)) : [];
  const kind = `微信${TYPES[account.type]}${account.certified ? "" : "（未认证）"}${account.callback ? "" : "，未接消息接口"}`;
  return phone(account.name, kind, person && pick, talk, person && wechatFoot(account, person));
}

/* Weibo, JPush, web push */

function weiboPhone(account) {
  const entries = seen.entries.filter((entry) => entry.platform === "weibo" && entry.account === account.uid);
  const gone = new Set(entries.filter((entry) => entry.kind === "post_deleted").map((entry) => entry.data.id));
  const talk = entries.flatMap((entry) => {
    const data = entry.data;
    if (entry.kind === "post") {
      return [el("article", { class: gone.has(data.id) ? "card gone" : "card" },
        el("p", { class: "card-label" }, `${clockOf(entry)}${gone.has(data.id) ? "，已删除" : ""}`),
        el("div", { class: "card-body" }, data.text, data.picture && el("img", { src: data.picture, alt: "微博配图" })))];
    }
    if (entry.kind === "comment") return [el("div", { class: `bubble ${data.ours ? "said" : "heard"}` }, data.text, el("small", {}, `评论：${data.name}`))];
    if (entry.kind === "fan_message") return [el("div", { class: "bubble said" }, data.text || data.type, el("small", {}, "私信"))];
    if (entry.kind === "fan_reply") return [el("div", { class: "bubble heard" }, data.text, el("small", {}, "私信回复"))];
    return [];
  });
  const field = el("input", { "aria-label": "以粉丝身份私信", placeholder: "发私信", maxlength: 300 });
  const send = async (event) => {
    event.preventDefault();
    const text = field.value.trim();
    field.value = "";
    if (text) await ask(`/control/weibo/${account.uid}/push`, "POST", { type: "text", text });
    await refresh(true);
  };
  const foot = account.fan_service_url && el("form", { onsubmit: send }, field, el("button", {}, "发送"));
  return phone(account.name, "微博", null, talk, foot ? [foot] : null);
}

function pushesGone(app) {
  const gone = new Map();
  for (const entry of seen.entries) {
    if (entry.platform !== "jpush" || entry.account !== app.app_key) continue;
    if (entry.kind === "push_revoked") gone.set(entry.data.msg_id, "已撤销");
    if (entry.kind === "push" && entry.data.replaces) gone.set(entry.data.replaces, "已被更正替换");
  }
  return gone;
}

function jpushPhone(app, device) {
  const gone = pushesGone(app);
  const talk = seen.entries.flatMap((entry) => {
    const data = entry.data;
    if (entry.platform !== "jpush" || entry.account !== app.app_key || entry.kind !== "push") return [];
    const shown = data.shown[device.registration_id];
    if (!shown) return [];
    const fate = gone.has(data.msg_id) ? `，${gone.get(data.msg_id)}` : "";
    return [el("article", { class: fate ? "notice gone" : "notice" }, el("b", {}, shown.title || app.name), shown.alert,
      el("small", {}, `${clockOf(entry)}${shown.silent ? "，应用内消息" : ""}${fate}`))];
  });
  const kind = `极光推送，${{ android: "安卓", ios: "苹果", hmos: "鸿蒙", quickapp: "快应用" }[device.platform]}`;
  return phone(device.name || device.registration_id, kind, null, talk, null);
}

function webpushPhone(subscription) {
  const entries = seen.entries.filter((entry) => entry.platform === "webpush" && entry.account === subscription.id);
  const talk = entries.flatMap((entry) => {
    const data = entry.data;
    if (entry.kind === "subscription_gone") return [when(entry, "", "订阅已失效")];
    if (entry.kind !== "notification") return [];
    const json = data.json || {};
    const words = data.readable ? json.body || data.text : "内容无法解密";
    return [el("article", { class: data.readable ? "notice" : "notice unread-key" }, el("b", {}, json.title || ""), words,
      el("small", {}, clockOf(entry)))];
  });
  return phone(subscription.name || subscription.id, subscription.gone ? "网页推送，订阅已失效" : "网页推送", null, talk, null);
}

function withLinks(text) {
  return text.split(/(https?:\/\/[^\s，。；）]+)/).map((part, place) =>
    (place % 2 ? el("a", { href: part, target: "_blank", rel: "noopener" }, part) : part));
}

function smsPhone(one) {
  const entries = seen.entries.filter((entry) => entry.platform === "sms" && entry.account === one.number);
  const talk = entries.map((entry) => el("div", { class: "bubble heard" }, el("b", {}, entry.data.title), " ", ...withLinks(entry.data.text),
    entry.data.link && el("p", {}, el("a", { href: entry.data.link, target: "_blank", rel: "noopener" }, entry.data.link)),
    el("small", {}, clockOf(entry))));
  return phone(`${one.name || one.number}的手机`, "短信", null, talk, null);
}

/* The 12345 desk */

function hotlinePhone() {
  const entries = seen.entries.filter((entry) => entry.platform === "hotline");
  const talk = entries.map((entry) => el("article", { class: "card" },
    el("p", { class: "card-label" }, `${clockOf(entry)} 收到${entry.data.case.kind}，编号 ${entry.data.given}`),
    el("p", { class: "card-body" }, entry.data.case.text),
    el("p", { class: "card-label" }, `来自工单 ${entry.data.case.number} · ${entry.data.case.name || "匿名"} ${entry.data.case.contact || ""}`)));
  return phone("12345 热线", "12345 系统", null, talk, null);
}

/* A site on another platform: by its interface, and as files in a folder */

function cmsPhone(site) {
  const entries = seen.entries.filter((entry) => entry.platform === "cms" && entry.account === site.site);
  const gone = new Set(entries.filter((entry) => entry.kind === "taken_back").map((entry) => entry.data.id));
  const acts = { article: "发布", changed: "更正", taken_back: "撤稿" };
  const talk = entries.filter((entry) => acts[entry.kind]).map((entry) => {
    const id = entry.data.id;
    const label = `${clockOf(entry)} ${acts[entry.kind]}，编号 ${id}${gone.has(id) && entry.kind !== "taken_back" ? "，已撤下" : ""}`;
    if (entry.kind === "taken_back") return when(entry, `撤稿，编号 ${id}`);
    return el("article", { class: gone.has(id) ? "card gone" : "card" }, el("p", { class: "card-label" }, label),
      el("p", { class: "card-body" }, gone.has(id) ? entry.data.fields.title || "" : el("a", {
        href: `/cms/${site.site}/pages/${id}.html`, target: "_blank", rel: "noopener" }, entry.data.fields.title || `文章 ${id}`)));
  });
  return phone(site.name || site.site, "集约化平台", null, talk, null);
}

function sftpPhone(site) {
  const entries = seen.entries.filter((entry) => entry.platform === "sftp" && entry.account === site.user);
  const there = new Set(site.files);
  const talk = entries.filter((entry) => ["file", "file_gone"].includes(entry.kind)).map((entry) => {
    const path = entry.data.path;
    if (entry.kind === "file_gone") return when(entry, `删除文件 ${path}`);
    return el("article", { class: there.has(path) ? "card" : "card gone" },
      el("p", { class: "card-label" }, `${clockOf(entry)} 收到文件，${entry.data.size} 字节`),
      el("p", { class: "card-body" }, there.has(path) ? el("a", {
        href: `/sftp/${site.user}/files${path.split("/").map(encodeURIComponent).join("/")}`, target: "_blank", rel: "noopener" }, path) : path));
  });
  return phone(site.name || site.user, "集约化平台收件目录（SFTP）", null, talk, null);
}

/* The desk */

function phone(name, kind, pick, talk, foot) {
  const list = el("div", { class: "phone-talk", tabindex: 0, role: "log", "aria-label": `${name}收到的内容` },
    talk.length ? talk : el("p", { class: "nothing" }, "还没有收到内容"));
  return el("section", { class: kind.includes("推送") ? "phone short" : "phone", "aria-label": `${name}，${kind}` },
    el("div", { class: "phone-head" }, el("h2", {}, name), el("p", { class: "phone-kind" }, kind), pick),
    list, foot && el("div", { class: "phone-foot" }, foot));
}

function plan() {
  const all = [];
  for (const account of seen.accounts.wechat || []) all.push([`wechat ${account.appid}`, () => wechatPhone(account)]);
  for (const account of seen.accounts.weibo || []) all.push([`weibo ${account.uid}`, () => weiboPhone(account)]);
  for (const app of seen.accounts.jpush || []) {
    for (const device of app.devices) all.push([`jpush ${app.app_key} ${device.registration_id}`, () => jpushPhone(app, device)]);
  }
  for (const one of seen.accounts.webpush || []) all.push([`webpush ${one.id}`, () => webpushPhone(one)]);
  for (const one of seen.accounts.cms || []) all.push([`cms ${one.site}`, () => cmsPhone(one)]);
  for (const one of seen.accounts.sftp || []) all.push([`sftp ${one.user}`, () => sftpPhone(one)]);
  for (const one of seen.accounts.sms || []) all.push([`sms ${one.number}`, () => smsPhone(one)]);
  for (const one of seen.accounts.hotline || []) all.push([`hotline ${one.name}`, () => hotlinePhone()]);
  return all;
}

function draw(key) {
  const planned = plan().find(([name]) => name === key);
  const old = seen.drawn[key];
  if (!planned) return;
  const typed = old && old.querySelector("input");
  const kept = typed && { value: typed.value, focused: document.activeElement === typed };
  const fresh = planned[1]();
  if (old) old.replaceWith(fresh);
  seen.drawn[key] = fresh;
  const field = fresh.querySelector("input");
  if (kept && field) {
    field.value = kept.value;
    if (kept.focused) field.focus();
  }
  const talk = fresh.querySelector(".phone-talk");
  talk.scrollTop = talk.scrollHeight;
}

function drawAll() {
  const desk = document.getElementById("phones");
  const planned = plan();
  const keys = planned.map(([key]) => key);
  if (keys.join("|") === Object.keys(seen.drawn).join("|")) {
    keys.forEach(draw);
    return;
  }
  desk.replaceChildren();
  seen.drawn = {};
  for (const [key, make] of planned) {
    seen.drawn[key] = make();
    desk.append(seen.drawn[key]);
    const talk = seen.drawn[key].querySelector(".phone-talk");
    talk.scrollTop = talk.scrollHeight;
  }
  document.getElementById("empty").hidden = planned.length > 0;
}

async function drawFaults() {
  const faults = (await ask("/control/faults")).filter((fault) => !fault.count || fault.hits < fault.count);
  const line = document.getElementById("faults");
  line.hidden = !faults.length;
  line.textContent = faults.length ? `注入的故障：${faults.map((fault) => `${fault.platform} ${fault.path} ${fault.kind}`).join("；")}` : "";
}

let refreshing = false;
async function refresh(withAccounts = false) {
  if (refreshing) return;
  refreshing = true;
  try {
    const answer = await ask(`/ledger?since=${seen.last}&kind=${KINDS}`);
    const cleared = answer.cleared !== seen.cleared || answer.last < seen.last;
    if (cleared) {
      seen.entries = seen.entries.filter((entry) => entry.seq > answer.cleared);
      seen.cleared = answer.cleared;
    }
    seen.entries.push(...answer.entries);
    seen.last = answer.last;
    const before = JSON.stringify(seen.accounts);
    seen.accounts = await ask("/control/accounts");
    const changed = before !== JSON.stringify(seen.accounts);
    if (cleared || changed || withAccounts) {
      drawAll();
    } else {
      const touched = new Set(answer.entries.map((entry) => `${entry.platform} ${entry.account}`));
      Object.keys(seen.drawn).filter((key) => [...touched].some((one) => key === one || key.startsWith(`${one} `))).forEach(draw);
    }
    document.getElementById("clock").textContent = answer.now.slice(0, 19).replace("T", " ");
    const ahead = Math.abs(Date.parse(answer.now) - Date.now()) > 5000;
    document.getElementById("right").hidden = !ahead;
    await drawFaults();
    document.getElementById("lost").hidden = true;
  } catch (error) {
    document.getElementById("lost").hidden = false;
  } finally {
    refreshing = false;
  }
}

let reading = null;
function openReader(account, address, reader) {
  if (!address) return;
  const url = new URL(address, location.href);
  reading = { account, reader, page: url.pathname.split("/").pop() };
  url.searchParams.set("reader", reader);
  document.getElementById("reader-page").src = url.href;
  document.getElementById("reader").showModal();
}

document.getElementById("reader-close").addEventListener("click", () => document.getElementById("reader").close());
document.getElementById("reader").addEventListener("close", () => { document.getElementById("reader-page").src = "about:blank"; });
document.querySelectorAll("[data-act]").forEach((button) => button.addEventListener("click", async () => {
  await ask(`/control/wechat/${reading.account.appid}/pages/${reading.page}`, "POST", { act: button.dataset.act, reader: reading.reader });
  button.disabled = true;
  setTimeout(() => { button.disabled = false; }, 1500);
}));
document.querySelectorAll("[data-step]").forEach((button) => button.addEventListener("click", async () => {
  await ask("/control/clock", "POST", { step: Number(button.dataset.step) });
  await refresh();
}));
document.getElementById("right").addEventListener("click", async () => {
  await ask("/control/clock", "POST", { right: true });
  await refresh();
});
document.getElementById("reset").addEventListener("click", async () => {
  if (!confirm("清空全部账号收到的内容、草稿、令牌和故障？此操作不能撤销。")) return;
  await ask("/control/reset", "POST");
  await refresh(true);
});
refresh(true);
setInterval(refresh, 1000);
