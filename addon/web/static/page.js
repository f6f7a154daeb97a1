"use strict";
// Asks for JSON now and then, and puts it on the page. Text goes in as text only: nothing here writes HTML.

const POLL_MS = 5000;
const shown = {};  // what was drawn last, so that nothing that is open or focused is drawn again without need

const $ = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 });

function dollars(amount) {
  if (amount === null || amount === undefined) return "unknown";
  const digits = Math.abs(amount) >= 100 ? 0 : Math.abs(amount) >= 0.1 ? 2 : 4;
  return (amount < 0 ? "-$" : "$") + Math.abs(amount).toFixed(digits);
}

function make(name, attributes, ...children) {
  const space = ["svg", "rect", "text", "title", "g"].includes(name) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const found = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) found.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) found.setAttribute(key, value);
  }
  found.append(...children.filter((one) => one !== null && one !== undefined));
  return found;
}

function time(seconds) {
  const at = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

async function ask(path) {
  const answer = await fetch(path);
  const found = await answer.json().catch(() => ({ error: "no answer that can be read" }));
  if (!answer.ok) throw new Error(found.error || answer.statusText);
  return found;
}

function changed(name, value) {
  const now = JSON.stringify(value);
  if (shown[name] === now) return false;
  shown[name] = now;
  return true;
}

function table(headings, rows) {
  const cell = (name, heading, value) => make(name, { class: heading.n ? "n" : "name", scope: name === "th" ? "col" : null }, value);
  return make("table", {},
    make("thead", {}, make("tr", {}, ...headings.map((one) => cell("th", one, one.text)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((value, at) => cell("td", headings[at], value))))));
}

const left = (text) => ({ text });
const right = (text) => ({ text, n: true });

// Money and tokens

function tile(name, value, of, tone) {
  return make("div", {}, make("dt", {}, name), make("dd", { class: tone || null }, value), make("dd", { class: "of" }, of));
}

function drawTotals(report) {
  const sums = report.totals;
  const arms = report.by_arm;
  const free = arms.changed || { saved: 0, paid: 0, without: 0, rounds: 0, caching: 0, priced: 0, texts_before: 0, texts_after: 0, retrieved: 0 };
  const share = free.without ? ` of ${dollars(free.without)} without us` : "";
  const less = free.texts_before ? percent.format(1 - free.texts_after / free.texts_before) + " less" : "nothing yet";
  $("tiles").replaceChildren(
    tile("saved, estimated", dollars(free.saved), `${free.without ? percent.format(free.saved / free.without) : "-"}${share}`, free.saved < 0 ? "bad" : "good"),
    tile("paid, measured", dollars(sums.paid), `${whole.format(sums.priced)} of ${whole.format(sums.requests)} requests have a price`),
    tile("tool results sent", `${short.format(free.texts_before)} → ${short.format(free.texts_after)}`, `tokens, ${less}`),
    tile("read from the cache", sums.cache_share === null ? "unknown" : percent.format(sums.cache_share), `of ${short.format(sums.input)} tokens of prompts, measured`),
    tile("asked for again", whole.format(sums.retrieved), `texts; cost ${dollars(sums.rounds)}, already subtracted`),
    ...(free.caching ? [tile("by our cache markers", dollars(free.caching), "estimated, not in “saved”")] : []));
  const held = report.holdout;
  const compared = held.per_session
    ? `Measured against the holdout: ${percent.format(held.per_session.value)} less a session (95 %: ${percent.format(held.per_session.low)} to ${percent.format(held.per_session.high)}; ${held.conversations} sessions against ${held.held}).`
    : `Measured against a holdout: ${held.why || "not enough data"}.`;
  $("basis").textContent = `${report.since} to ${report.until}, prices of ${report.prices}. ${compared}`;
}

function drawDays(byDay) {
  const days = Object.entries(byDay).sort(([one], [other]) => (one < other ? -1 : 1));
  if (!days.length) { $("by-day").replaceChildren(make("p", { class: "note" }, "No requests yet.")); return; }
  const width = Math.max(18, Math.min(64, 900 / days.length));
  const height = 140;
  const most = Math.max(...days.map(([, sums]) => Math.max(sums.paid, sums.without)), 1e-9);
  const scale = (amount) => Math.max(0, amount) / most * (height - 30);
  const bars = days.map(([day, sums], at) => {
    const paid = scale(sums.paid);
    const saved = scale(sums.saved);
    return make("g", {},
      make("title", {}, `${day}: paid ${dollars(sums.paid)}, saved ${dollars(sums.saved)}, ${sums.requests} requests`),
      make("rect", { class: "f-paid", x: at * width + 2, y: height - 18 - paid, width: width - 4, height: paid }),
      make("rect", { class: "f-saved", x: at * width + 2, y: height - 18 - paid - saved, width: width - 4, height: saved }),
      at % Math.ceil(40 / width) === 0 ? make("text", { x: at * width + 2, y: height - 4 }, day.slice(5)) : null);
  });
  const said = days.map(([day, sums]) => `${day}: ${dollars(sums.paid)} paid, ${dollars(sums.saved)} saved`).join("; ");
  $("by-day").replaceChildren(make("svg", { width: Math.max(days.length * width, 60), height, role: "img", "aria-label": said }, ...bars));
}

function drawTokens(id, heading, found) {
  const rows = Object.entries(found).slice(0, 12);
  const most = Math.max(...rows.map(([, one]) => one.before), 1);
  $(id).replaceChildren(rows.length ? table([left(heading), right("before"), right("after"), right("less")], rows.map(([name, one]) => {
    const kept = make("span", {});
    kept.style.width = `${100 * one.after / Math.max(one.before, 1)}%`;
    const bar = make("div", { class: "bar" }, kept);
    bar.style.width = `${100 * one.before / most}%`;
    return [make("div", {}, name, bar), short.format(one.before), short.format(one.after),
      one.before ? percent.format(1 - one.after / one.before) : "-"];
  })) : make("p", { class: "note" }, "Nothing yet."));
}

function drawModels(byModel) {
  const rows = Object.entries(byModel).sort(([, one], [, other]) => other.paid - one.paid).slice(0, 12);
  $("by-model").replaceChildren(rows.length ? table([left("model"), right("requests"), right("paid"), right("saved")],
    rows.map(([name, one]) => [name, whole.format(one.requests), one.priced ? dollars(one.paid) : "unknown", one.priced ? dollars(one.saved) : "unknown"]))
    : make("p", { class: "note" }, "Nothing yet."));
}

// Conversations

function timeline(requests) {
  const height = 34;
  const width = 6;
  const input = (one) => (one.read || 0) + (one.write || 0) + (one.fresh || 0);
  const most = Math.max(...requests.map(input), 1);
  const last = requests.slice(-40);
  const bars = last.flatMap((one, at) => {
    let y = height;
    return ["read", "write", "fresh"].map((part) => {
      const size = (one[part] || 0) / most * (height - 2);
      y -= size;
      return make("rect", { class: `f-${part}`, x: at * width, y, width: width - 1, height: size });
    });
  });
  return make("svg", { width: Math.max(last.length * width, 6), height, "aria-hidden": "true" }, ...bars);
}

function drawSessions(conversations) {
  const open = new Set([...$("sessions").querySelectorAll("details[open]")].map((one) => one.dataset.key));
  const held = document.activeElement && document.activeElement.parentElement;
  const focused = held && held.dataset ? held.dataset.key : null;
  $("sessions").replaceChildren(...conversations.map((one) => {
    const sums = one.sums;
    const tone = sums.saved < 0 ? "bad" : "good";
    const found = make("details", { "data-key": one.key },
      make("summary", {},
        make("span", { class: "grow" }, `${one.model}, ${one.client || "unknown client"}${one.arm === "changed" ? "" : `, ${one.arm}`}`),
        make("span", { class: "n" }, `${sums.requests} requests`),
        make("span", { class: "n" }, sums.priced ? `${dollars(sums.paid)} paid` : "price unknown"),
        make("span", { class: `n ${tone}` }, sums.priced ? `${dollars(sums.saved)} saved` : ""),
        timeline(one.requests), make("span", {}, time(one.seen))),
      make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `Requests of ${one.key.slice(0, 8)}` },
        make("p", { class: "note" }, `ID ${one.key}`),
        table([left("time"), right("results"), right("read"), right("written"), right("fresh"), right("output"), right("paid"), right("saved"), right("asked for"), left("cache")],
          one.requests.map((each) => [time(each.at), `${short.format(each.texts_before)} → ${short.format(each.texts_after)}`,
            ...[each.read, each.write, each.fresh, each.output].map((count) => (count === null ? "unknown" : short.format(count))),
            dollars(each.paid), dollars(each.saved), each.retrieved || "", each.miss || ""]))));
    found.open = open.has(one.key);
    return found;
  }));
  if (!conversations.length) $("sessions").replaceChildren(make("p", { class: "note" }, "None yet."));
  if (focused) $("sessions").querySelector(`[data-key="${focused}"] summary`)?.focus();
}

// Newest requests

async function drawTexts(holder, id) {
  const found = await ask(`/api/requests/${id}`);
  const name = found.conversation ? [make("p", { class: "note" }, `Conversation ${found.conversation}`)] : [];
  holder.replaceChildren(...name, ...found.texts.map((text) => {
    const inner = make("div", {});
    const one = make("details", { ontoggle: () => { if (one.open && !inner.childNodes.length) drawText(inner, id, text.number); } },
      make("summary", {}, make("span", { class: "grow" }, `${text.number} ${text.title}`), make("span", { class: "n" }, text.decision)), inner);
    return one;
  }));
  if (!found.texts.length) holder.replaceChildren(...name, make("p", { class: "note" }, "No tool results in it."));
}

function block(text) { return make("div", { class: "difference", tabindex: "0", role: "region", "aria-label": "text" }, text); }

async function drawText(holder, id, number) {
  const text = await ask(`/api/requests/${id}/texts/${number}`);
  const lines = text.difference.map((line) => make("span", { class: line[0] === "-" ? "minus" : line[0] === "+" ? "plus" : null }, line || " "));
  holder.replaceChildren(
    ...(text.changed ? [make("h3", {}, "Left out and put in"), make("div", { class: "difference", tabindex: "0", role: "region", "aria-label": "difference" }, ...lines),
      make("details", {}, make("summary", {}, "As it left"), block(text.after))] : []),
    make("details", {}, make("summary", {}, "As the client sent it"), block(text.before)));
}

function drawRequests(requests) {
  const known = new Map([...$("requests").querySelectorAll(":scope > details")].map((one) => [one.dataset.key, one]));
  $("requests").replaceChildren(...requests.slice(0, 12).map((one) => {
    const before = known.get(one.id);
    if (before) return before;
    const inner = make("div", {});
    const found = make("details", { "data-key": one.id, ontoggle: () => { if (found.open && !inner.childNodes.length) drawTexts(inner, one.id); } },
      make("summary", {}, make("span", { class: "grow" }, `${one.model}, ${time(one.at)}`),
        make("span", { class: "n" }, `results ${short.format(one.before)} → ${short.format(one.after)} tokens`)), inner);
    return found;
  }));
  if (!requests.length) $("requests").replaceChildren(make("p", { class: "note" }, "None since the proxy started."));
}

function drawLevels(rows) {
  $("levels").replaceChildren(rows.length
    ? table([left("of"), left("level"), right("outcomes"), right("misses"), right("left of the text"), right("tokens a miss brought")], rows)
    : make("p", { class: "note" }, "Nothing yet: no shortened text has been asked for, or lived for eight turns."));
}

// All together

async function refresh() {
  try {
    const days = $("days").value;
    const [state, report, sessions, requests, levels] = await Promise.all(
      ["/api/state", `/api/report?days=${days}`, "/api/conversations?limit=30", "/api/requests", "/api/levels"].map(ask));
    $("problem").hidden = true;
    const line = `${state.version}, mode ${state.mode}, store ${state.store}`;
    if ($("state").textContent !== line) $("state").textContent = line;
    if (changed("report", report)) {
      drawTotals(report);
      drawDays(report.by_day);
      drawTokens("by-source", "source", report.by_source);
      drawTokens("by-tool", "tool", report.by_tool);
      drawTokens("by-compressor", "compressor", report.by_compressor);
      drawModels(report.by_model);
    }
    if (changed("sessions", sessions)) drawSessions(sessions.conversations);
    if (changed("requests", requests)) drawRequests(requests.requests);
    if (changed("levels", levels)) drawLevels(levels.rows);
    document.body.dataset.ready = "yes";
  } catch (error) {
    $("problem").textContent = `The proxy does not answer: ${error.message}`;
    $("problem").hidden = false;
  }
}

$("days").addEventListener("change", refresh);
refresh();
setInterval(() => { if (!document.hidden) refresh(); }, POLL_MS);
