// The target's page: asks the target what it thinks of a fault, shows what it says, tries it, and shows the rules.
//
// Whatever comes from the target, the address bar or a person is shown as text, never read as markup. Addresses are relative
// to this file, which lies in page/ below whatever prefix there is. What a fault means, and every line to copy, is the
// target's answer: nothing of the language is known here but where its pairs end.

const here = new URL("./", import.meta.url);
const root = new URL("../", here);
const byId = (id) => document.getElementById(id);
const field = byId("fault");

/** An element with text, or with other elements, in it. */
function make(name, attributes, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
}

/** Puts text in place, and leaves the place alone if it says so already: who listens hears changes only. */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const ms = (value) => (value < 10 ? value.toFixed(1) : Math.round(value)) + " ms";
const span = (seconds) => (seconds < 1 ? ms(seconds * 1000) : Number(seconds.toPrecision(3)) + " s");
function bytes(count) {
  if (count < 10240) return count + (count === 1 ? " byte" : " bytes");
  return count < 1 << 20 ? (count / 1024).toFixed(1) + " KiB" : (count / (1 << 20)).toFixed(1) + " MiB";
}

// ---- The fault as text, and the fields that are a part of it -------------------------------------------------------

const pairs = () => field.value.split("&").filter((pair) => pair.trim() !== "");
const keyOf = (pair) => pair.split("=", 1)[0].trim();

function fill() {
  const now = pairs();
  for (const input of document.querySelectorAll("[data-key]")) {
    if (input === document.activeElement && input.tagName !== "SELECT") continue;
    const pair = now.find((pair) => keyOf(pair) === input.dataset.key);
    const value = pair === undefined ? "" : pair.slice(pair.indexOf("=") + 1).trim();
    if (input.tagName === "SELECT") {
      input.querySelector("[data-own]")?.remove();
      // A kind with weights or other arguments is none of those that are offered.
      if (![...input.options].some((option) => option.value === value)) input.append(make("option", { value, "data-own": "" }, value));
    }
    input.value = value;
  }
}

function set(key, value) {
  const now = pairs();
  const at = now.findIndex((pair) => keyOf(pair) === key);
  const pair = value.trim() === "" ? [] : [key + "=" + value.trim()];
  if (at >= 0) now.splice(at, 1, ...pair);
  else now.push(...pair);
  field.value = now.join("&");
  changed();
}

function replace(text) {
  field.value = text;
  changed();
  fill();
}

let due = 0;
let running = null;
function changed() {
  const text = field.value.trim();
  history.replaceState(null, "", text === "" ? location.pathname + location.search : "#" + encodeURIComponent(text));
  if (running === null) {
    // What came of another fault.
    byId("outcome").replaceChildren();
    byId("tally").hidden = true;
  }
  clearTimeout(due);
  due = setTimeout(compose, 120);
}

// ---- What the target thinks of it ----------------------------------------------------------------------------------

let asked = 0;
let url = null;
async function compose() {
  const mine = ++asked;
  const text = field.value.trim();
  let said;
  try {
    const body = JSON.stringify({ fault: text, origin: location.origin });
    const answer = await fetch(new URL("compose", here), { method: "POST", body, cache: "no-store", signal: AbortSignal.timeout(10000) });
    said = await answer.json();
    if (!answer.ok) throw new Error(said.message);
  } catch (error) {
    if (mine === asked) {
      byId("told").replaceChildren(make("p", { class: "note warn" }, "The target did not check this: " + error.message));
      byId("lines").classList.add("stale");
      url = null;
    }
    return;
  }
  // An answer that was overtaken is about another text.
  if (mine !== asked) return;
  byId("lines").classList.remove("stale");
  tell(text, said);
  show(said.lines);
}

function tell(text, said) {
  const isWrong = said.errors.length > 0;
  field.setAttribute("aria-invalid", String(isWrong));
  const told = byId("told");
  if (isWrong) return told.replaceChildren(make("div", { class: "note bad" }, ...said.errors.map((error) => mistake(text, error))));
  if (said.asks.length === 0) return told.replaceChildren(make("p", { class: "note" }, "Nothing is asked for: a plain answer."));
  const items = said.asks.map((ask) => {
    const who = ask.percent === 100 ? "" : " for " + ask.percent + " % of requests";
    return make("li", {}, make("code", {}, ask.key), " ", make("strong", {}, ask.value), who, make("span", { class: "quiet" }, " — " + ask.meaning));
  });
  const notes = [];
  if (said.delay) {
    const [mean, p99] = [span(said.delay.mean_seconds), span(said.delay.p99_seconds)];
    notes.push(make("p", {}, "Its delays come to " + (mean === p99 ? mean : mean + " in the mean, and to " + p99 + " for the slowest hundredth") + "."));
  }
  if (said.withheld === "disabled") notes.push(make("p", {}, make("strong", {}, "Not now: "), "faults that requests ask for are switched off here. The answer is the one without."));
  if (said.withheld === "forbidden") notes.push(make("p", {}, make("strong", {}, "Not from here: "), "your address is outside of --fault-cidrs. The answer is the one without."));
  told.replaceChildren(make("div", { class: said.withheld ? "note warn" : "note good" }, make("ul", {}, ...items), ...notes));
}

/** The text with the wrong part marked: positions are in bytes of UTF-8. */
function mistake(text, error) {
  const whole = new TextEncoder().encode(text);
  const length = Math.max(1, new TextEncoder().encode(error.value).length);
  const part = (from, to) => new TextDecoder().decode(whole.slice(from, to));
  const at = Math.min(error.position, whole.length);
  const quoted = make("code", {}, part(0, at), make("mark", {}, part(at, at + length) || " "), part(at + length));
  return make("p", {}, error.reason + (error.reason.endsWith("?") ? "" : ".") + " Expected: " + error.expected + ".", make("br", {}), quoted);
}

function show(lines) {
  const list = byId("lines");
  url = lines.find((line) => line.carrier === "query")?.text ?? null;
  byId("try").disabled = byId("try-many").disabled = url === null || running !== null;
  const known = new Map([...list.children].map((item) => [item.dataset.carrier, item]));
  // Elements stay where they are, so that nobody loses the focus of a button by a keystroke elsewhere.
  for (const line of lines) {
    const item = known.get(line.carrier) ?? list.appendChild(make("li", { "data-carrier": line.carrier }, make("div", { class: "what" })));
    known.delete(line.carrier);
    item.className = line.text === undefined ? "refused" : "";
    item.firstChild.replaceChildren(line.title + " ", make("span", {}, line.on));
    if (line.text === undefined) {
      item.replaceChildren(item.firstChild, make("div", { class: "no" }, "Not this way: " + line.refused));
    } else if (item.querySelector("code")) {
      put(item.querySelector("code"), line.text);
    } else {
      const button = make("button", { type: "button", "aria-label": "Copy: " + line.title }, "Copy");
      button.addEventListener("click", () => copy(button, item.querySelector("code").textContent, line.title));
      item.replaceChildren(item.firstChild, make("code", {}, line.text), button);
    }
  }
  known.forEach((item) => item.remove());
  if (lines.length === 0) list.replaceChildren(make("li", { class: "quiet" }, "No line: the fault is empty or cannot be read."));
}

async function copy(button, text, title) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers have a clipboard for pages on https and localhost only.
    const area = make("textarea", { class: "unseen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    button.focus();
  }
  // What is heard begins with what is read: who steers by voice says what stands there.
  const label = (word) => {
    put(button, word);
    button.setAttribute("aria-label", word + ": " + title);
  };
  label(done ? "Copied" : "Failed");
  put(byId("copied"), done ? title + " copied" : title + " could not be copied");
  setTimeout(label, 1500, "Copy");
}

// ---- Trying it ---------------------------------------------------------------------------------------------------------

/** One request, as far as a browser lets a page see. */
async function once(address, signal) {
  const patience = Number(byId("patience").value);
  const timeout = AbortSignal.timeout(patience * 1000);
  const start = performance.now();
  const since = () => performance.now() - start;
  const seen = { status: 0, received: 0, body: "" };
  try {
    const answer = await fetch(address, { cache: "no-store", redirect: "manual", signal: AbortSignal.any([signal, timeout]) });
    seen.head = since();
    seen.status = answer.status;
    seen.name = answer.statusText;
    seen.headers = answer.headers;
    const reader = answer.body?.getReader();
    const decoder = new TextDecoder();
    for (let part; reader && !(part = await reader.read()).done; ) {
      seen.received += part.value.length;
      if (seen.body.length < 400) seen.body += decoder.decode(part.value, { stream: true }).slice(0, 400);
    }
  } catch (error) {
    if (signal.aborted) return null;
    seen.failure = timeout.aborted ? "gave up after " + patience + " s" : "broke";
    seen.words = error.message;
  }
  seen.took = since();
  return seen;
}

/** In a few words, the same for the same fate. */
function fate(seen) {
  if (!seen.failure) return "status " + seen.status;
  if (seen.failure !== "broke") return seen.status ? "status " + seen.status + ", then " + seen.failure : "no answer, " + seen.failure;
  return seen.status ? "status " + seen.status + ", then broken off" : "no answer, the connection broke";
}

function report(seen) {
  const kind = seen.failure ? "bad" : seen.status >= 400 ? "warn" : "good";
  const name = seen.failure ? "" : " " + (seen.name || "");
  const times = seen.head === undefined ? (seen.failure === "broke" ? ["after " + ms(seen.took)] : []) : ["head after " + ms(seen.head), "all after " + ms(seen.took), bytes(seen.received)];
  const facts = make("dl", { class: "facts" });
  const fact = (title, text) => text && facts.append(make("dt", {}, title), make("dd", {}, text));
  if (seen.failure === "broke" && !seen.status) fact("Browser says", seen.words + ": browsers do not tell pages a reset, an empty answer and garbage apart");
  for (const name of ["x-cload-fault", "x-cload-rule", "server-timing", "x-cload-server", "content-type", "content-length", "content-encoding", "retry-after"]) {
    fact(name, seen.headers?.get(name));
  }
  const isText = /^(text\/|application\/json)/.test(seen.headers?.get("content-type") ?? "");
  const body = isText && seen.body !== "" ? [make("pre", { tabindex: "0", "aria-label": "The body's beginning" }, seen.body)] : [];
  const headline = make("p", {}, make("span", { class: "state " + kind }, fate(seen) + name.trimEnd()), " ", times.join(", "));
  byId("outcome").replaceChildren(headline, ...(facts.children.length > 0 ? [facts] : []), ...body);
}

function count(all) {
  const fates = new Map();
  for (const seen of all) fates.set(fate(seen), [...(fates.get(fate(seen)) ?? []), seen.took]);
  const rows = [...fates].sort((a, b) => b[1].length - a[1].length).map(([name, times]) => {
    times.sort((a, b) => a - b);
    const cells = [times.length, ms(times[0]), ms(times[times.length >> 1]), ms(times.at(-1))];
    return make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", { class: "number" }, String(cell))));
  });
  byId("tally").hidden = all.length < 2;
  byId("tally").querySelector("tbody").replaceChildren(...rows);
}

async function attempt(times) {
  if (url === null || running) return;
  const address = url;
  running = new AbortController();
  const all = [];
  const buttons = () => {
    byId("stop").disabled = running === null;
    byId("try").disabled = byId("try-many").disabled = running !== null || url === null;
  };
  buttons();
  byId("outcome").replaceChildren(make("p", { class: "quiet" }, "Asking …"));
  while (all.length < times && !running.signal.aborted) {
    const seen = await once(address, running.signal);
    if (seen === null) break;
    all.push(seen);
    count(all);
  }
  const wasStopped = running.signal.aborted;
  running = null;
  buttons();
  if (all.length === 0) byId("outcome").replaceChildren(make("p", { class: "quiet" }, "Stopped before there was an answer."));
  else if (all.length === 1) report(all[0]);
  else byId("outcome").replaceChildren(make("p", {}, all.length + " requests, one after another" + (wasStopped ? ", then stopped" : "") + "."));
}

// ---- Who answers, and the rules --------------------------------------------------------------------------------------

const WHAT = { http: "HTTP", https: "HTTPS", grpc: "gRPC", tcp: "TCP", udp: "UDP", dns: "DNS", admin: "admin" };
let shown = { rules: [], at: 0 };
let lastHeard = null;

function about(said) {
  put(byId("hostname"), said.info.hostname);
  put(byId("version"), said.info.version + (said.info.revision === "unknown" ? "" : " (" + said.info.revision + ")"));
  put(byId("place"), said.place);
  put(byId("zone"), said.zone);
  put(byId("message"), said.info.message);
  const ports = said.listeners.map(({ name, port }) => (WHAT[name] ?? name) + " " + port);
  if (byId("ports").dataset.ports !== ports.join()) byId("ports").replaceChildren(...ports.map((port) => make("li", {}, port)));
  byId("ports").dataset.ports = ports.join();
  const back = said.switch_expires_in_seconds;
  const until = back === undefined ? "" : ", again in " + left(back);
  const own = { disabled: "of requests off" + until, forbidden: "of requests not for your address" }[said.withheld] ?? "of requests on";
  const ruled = said.rules_enabled ? "of rules on" : "of rules off" + until;
  put(byId("switch"), said.withheld || !said.rules_enabled ? own + "; " + ruled : "on");
  document.title = said.info.hostname + " · target-server";
  if (CSS.supports("color", said.info.color)) document.documentElement.style.setProperty("--own", said.info.color);
  const logo = byId("logo");
  if (said.info.logo && logo.getAttribute("src") !== said.info.logo) logo.src = said.info.logo;
  logo.hidden = !said.info.logo || logo.dataset.broken === said.info.logo;
}

function left(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  return whole < 60 ? whole + " s" : Math.floor(whole / 60) + " min " + String(whole % 60).padStart(2, "0") + " s";
}

function rules(list, isOn) {
  const place = byId("rules");
  const active = isOn ? (list ?? []).filter((rule) => rule.state === "active").length : 0;
  put(byId("active"), active + (active === 1 ? " rule active" : " rules active"));
  byId("active").hidden = active === 0;
  if (list === undefined) return place.replaceChildren(make("p", { class: "quiet" }, "Rules are shown to addresses within --fault-cidrs."));
  if (list.length === 0) return place.replaceChildren(make("p", {}, "None: requests that ask for nothing are answered well."));
  place.replaceChildren(...list.map((rule) => {
    const share = rule.every ? "1 in " + rule.every : (rule.percent ?? 100) + " %";
    const of = rule.protocols.join(", ") + (rule.is_narrowed ? ", some of them" : "");
    const how = isOn && rule.state === "active" ? "warn" : "";
    const word = isOn ? rule.state : "switched off";
    const ends = rule.expires_in_seconds === undefined ? "stands, by a flag" : "";
    return make("article", { class: "rule", "aria-label": "Rule " + rule.id },
      make("div", { class: "row" }, make("strong", {}, rule.id), make("span", { class: "state " + how }, word)),
      make("p", {}, make("code", {}, rule.fault)),
      make("p", { class: "quiet small" }, share + " of " + of + "; matched " + rule.hits + ", struck " + rule.injected + (rule.overflow ? ", too many for " + rule.overflow : "")),
      make("p", { class: "small" }, "ends: ", make("strong", { "data-ends": rule.expires_in_seconds ?? "" }, ends)));
  }));
  tick();
}

/** Counts down between two answers. */
function tick() {
  const since = (performance.now() - shown.at) / 1000;
  for (const place of document.querySelectorAll("[data-ends]")) {
    if (place.dataset.ends !== "") put(place, "in " + left(Number(place.dataset.ends) - since));
  }
}

function pulse(text, kind) {
  put(byId("state"), text);
  byId("state").className = "state " + kind;
}

async function refresh() {
  if (!document.hidden) {
    try {
      const answer = await fetch(new URL("state", here), { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error("status " + answer.status);
      const said = await answer.json();
      about(said);
      const next = JSON.stringify(said.rules?.map((rule) => ({ ...rule, expires_in_seconds: undefined })) ?? null) + said.rules_enabled;
      shown = { ...shown, at: performance.now() };
      if (next !== shown.next) rules(said.rules, said.rules_enabled);
      else document.querySelectorAll("[data-ends]").forEach((place, at) => (place.dataset.ends = said.rules[at].expires_in_seconds ?? ""));
      shown.next = next;
      lastHeard = new Date();
      pulse("answering", "good");
      put(byId("asof"), "as of " + lastHeard.toLocaleTimeString());
      byId("rules").classList.remove("stale");
    } catch (error) {
      pulse("no answer", "bad");
      put(byId("asof"), (lastHeard ? "since " + lastHeard.toLocaleTimeString() : "yet") + ": it is down, or out of reach");
      byId("rules").classList.add("stale");
      byId("active").hidden = true;
      shown.next = null;
    }
  }
  // After the answer, so that a slow target is never asked twice at once.
  setTimeout(refresh, 2000);
}

// ---- Beginning ---------------------------------------------------------------------------------------------------------

field.addEventListener("input", () => {
  changed();
  fill();
});
for (const input of document.querySelectorAll("[data-key]")) input.addEventListener("input", () => set(input.dataset.key, input.value));
byId("k-value").addEventListener("input", () => set(byId("k-other").value, byId("k-value").value));
byId("k-other").addEventListener("change", () => {
  const pair = pairs().find((pair) => keyOf(pair) === byId("k-other").value) ?? "=";
  byId("k-value").value = pair.slice(pair.indexOf("=") + 1);
});
for (const button of document.querySelectorAll("[data-fault], .examples button")) {
  button.addEventListener("click", () => {
    replace(button.dataset.fault ?? button.textContent);
    if (button.closest(".manual")) {
      byId("compose").scrollIntoView({ block: "start" });
      field.focus({ preventScroll: true });
    }
  });
}
byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(1);
});
field.addEventListener("keydown", (event) => {
  // A line feed means nothing in the language.
  if (event.key === "Enter") {
    event.preventDefault();
    attempt(1);
  }
});
byId("try").addEventListener("click", () => attempt(1));
byId("try-many").addEventListener("click", () => attempt(20));
byId("stop").addEventListener("click", () => running?.abort());
byId("logo").addEventListener("error", () => {
  byId("logo").dataset.broken = byId("logo").getAttribute("src");
  byId("logo").hidden = true;
});
document.addEventListener("visibilitychange", tick);
setInterval(tick, 1000);

let given = "";
try {
  given = decodeURIComponent(location.hash.slice(1));
} catch {
  // A fragment that is no fault.
}
replace(given.includes("=") ? given : "status=503:20&delay=20ms..80ms");
refresh();
