// Pairs this device: a code is typed, scanned or in the address; the shop answers what it makes of the device; a person
// confirms. Every text and every kind of device is in the page, so that languages and apps are known in one place.

import { canScan, scan } from "/assets/scanner.js";

const CODE_DIGITS = 8;
/** A shop on the same network answers within milliseconds; after this it does not. */
const ANSWER_MAX_MS = 10_000;
/** Seconds before the app opens by itself. */
const DONE_SECONDS = 9;
/** Without a Retry-After the page waits this many seconds. */
const RETRY_SECONDS = 5;
/** One page of the menu, to count its products. */
const PRODUCTS_PER_PAGE_MAX = 200;

const element = (id) => document.getElementById(id);
const kind = (name) => document.querySelector(`template[data-kind="${CSS.escape(name)}"]`);
const part = (name, of) => kind(of).content.querySelector(`[data-part=${name}]`).cloneNode(true);

let code = "";
let pairing = null;
let expiresAt = 0;
let blockedUntil = 0;
let isBusy = false;
let stopScanning = () => {};
/** The key of the last request to pair, so that the same request after a lost answer is not a second pairing. */
let sent = { body: "", key: "" };

/** The page's text of this name, with `{names}` filled in. Some texts differ for a kind of device: `connect.DISPENSER`. */
function text(name, values = {}) {
  const find = (wanted) => element("texts").content.querySelector(`[data-text="${wanted}"]`);
  const found = find(`${name}.${pairing?.kind}`) ?? find(name);
  return found.textContent.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

/** Shows one step, and moves the focus to its title. */
function show(step) {
  document.body.dataset.step = step;
  for (const each of document.querySelectorAll("[data-for]")) each.hidden = each.dataset.for !== step;
  showAside();
  if (step !== "code") stopScanning();
  const title = document.querySelector(`section[data-for=${step}] h1`);
  document.title = `${title.textContent} · ${document.title.split(" · ").pop()}`;
  (step === "code" ? element("code") : title).focus({ preventScroll: true });
}

function showAside() {
  element("scan").hidden = element("scan").dataset.for !== document.body.dataset.step || !element("scan").dataset.able;
  document.body.toggleAttribute("data-aside", Boolean(document.querySelector("aside:not([hidden])")));
}

/** A notice in the present step, in place of the sentence under its title. Without a name: none. */
function notice(name, values, tone = "warning") {
  for (const message of document.querySelectorAll(".message")) {
    const isHere = name && message.closest("section").dataset.for === document.body.dataset.step;
    message.querySelector(".lead").hidden = Boolean(isHere);
    message.querySelector(".slot").replaceChildren(...(isHere ? [noticeOf(name, values, tone)] : []));
  }
}

function noticeOf(name, values, tone) {
  const made = element("notice").content.firstElementChild.cloneNode(true);
  made.classList.add(`notice-${tone}`);
  made.querySelector("b").textContent = text(`${name}.title`);
  made.querySelector("p").textContent = text(name, values);
  return made;
}

// --- the code

function setCode(typed) {
  code = typed.replace(/[^0-9]/g, "").slice(0, CODE_DIGITS);
  element("code").value = code;
  [...element("boxes").children].forEach((box, index) => {
    box.textContent = code[index] ?? "";
    box.classList.toggle("now", index === Math.min(code.length, CODE_DIGITS - 1));
  });
  element("filled").textContent = code ? text("filled", { count: code.length }) : "";
  showButtons();
}

function showButtons() {
  const isBlocked = isBusy || Date.now() < blockedUntil;
  const isOver = document.body.dataset.step === "confirm" && Date.now() >= expiresAt;
  element("next").setAttribute("aria-disabled", String(isBlocked || code.length < CODE_DIGITS));
  element("next").textContent = isBusy ? text("checking") : text("next");
  element("connect").setAttribute("aria-disabled", String(isBlocked || isOver));
  element("cancel").setAttribute("aria-disabled", String(isBusy));
  const name = element("name").value.trim() || pairing?.name || "";
  element("connect").textContent = isBusy ? text("connecting") : text("connect", { name });
}

/** Runs one request at a time. */
async function once(work) {
  if (isBusy || Date.now() < blockedUntil) return;
  isBusy = true;
  showButtons();
  try {
    await work();
  } finally {
    isBusy = false;
    showButtons();
  }
}

/** The answer of the shop, as `{ status, body, headers }`. Throws if there is none. */
async function ask(path, options = {}) {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), ANSWER_MAX_MS);
  try {
    const response = await fetch(path, { ...options, signal: limit.signal, cache: "no-store", redirect: "error" });
    const body = await response.json().catch(() => ({}));
    return { status: response.status, headers: response.headers, body };
  } finally {
    clearTimeout(timer);
  }
}

async function lookUp() {
  if (code.length < CODE_DIGITS) return;
  const asked = code;
  notice();
  let answer;
  try {
    answer = await ask(`/api/Device/pairing/${asked}`);
  } catch {
    return notice("offline");
  }
  if (answer.status !== 200 || !kind(answer.body.kind)) return refuse(answer);
  pairing = answer.body;
  expiresAt = Date.parse(pairing.expiresAt) + clockDifference(answer.headers);
  keepInAddress(asked);
  showPairing();
}

/** This device's clock may be wrong: how far it is ahead of the shop's, in milliseconds. */
function clockDifference(headers) {
  const shopTime = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(shopTime) ? 0 : Date.now() - shopTime;
}

/** So that a reload and the other language continue here. Without a code: from the beginning. */
function keepInAddress(kept) {
  const set = (address) => {
    const url = new URL(address, location.href);
    kept ? url.searchParams.set("code", kept) : url.searchParams.delete("code");
    return url.pathname + url.search;
  };
  history.replaceState(null, "", set(location.href));
  for (const link of element("languages").children) link.setAttribute("href", set(link.getAttribute("href")));
}

/** Says why the shop refused, in the step in which it can be put right. */
function refuse({ status, headers, body }) {
  const type = String(body.type ?? "").split("/").pop();
  if (type === "invalid-pairing-code" || type === "pairing-code-used") {
    restart();
    return notice(type === "pairing-code-used" ? "used" : "unknown", {}, "danger");
  }
  if (status === 429) {
    const seconds = Number.parseInt(headers.get("retry-after"), 10) || RETRY_SECONDS;
    blockedUntil = Date.now() + seconds * 1000;
    setTimeout(() => { notice(); showButtons(); }, seconds * 1000 + 50);
    return notice("attempts", { seconds });
  }
  if (status >= 500 || !body.detail) return notice("failed");
  notice("refused", { detail: body.detail }, "danger");
}

function restart() {
  pairing = null;
  keepInAddress("");
  show("code");
  setCode("");
  notice();
}

// --- what the device becomes

function showPairing() {
  element("becomes").textContent = part("title", pairing.kind).textContent;
  element("made-by").textContent = text("made_by", { name: pairing.createdBy });
  element("name").value = pairing.name;
  element("name").placeholder = pairing.name;
  element("place").value = pairing.place ?? "";
  element("place").placeholder = pairing.place ?? "";
  element("code-shown").textContent = `${code.slice(0, 4)} ${code.slice(4)}`;
  element("facts").replaceChildren(...facts());
  element("picture").replaceChildren(...part("picture", pairing.kind).childNodes);
  element("picture").dataset.kind = pairing.kind;
  show("confirm");
  notice();
  showTimeLeft();
}

function facts() {
  const rows = [...part("facts", pairing.kind).children];
  for (const row of rows.filter((row) => "letter" in row.dataset)) {
    for (const each of row.querySelectorAll("b, small")) {
      each.textContent = each.textContent.replaceAll("{letter}", pairing.letter);
    }
  }
  return rows.filter((row) => !("letter" in row.dataset) || pairing.letter);
}

let timeLeft;

function showTimeLeft() {
  clearTimeout(timeLeft);
  if (document.body.dataset.step !== "confirm") return;
  const seconds = Math.max(0, Math.ceil((expiresAt - Date.now()) / 1000));
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  element("left").textContent = text("left", { time });
  // A request that is in flight may still be accepted: the shop decides.
  if (seconds === 0 && !isBusy) {
    restart();
    return notice("expired");
  }
  timeLeft = setTimeout(showTimeLeft, 500);
}

async function pair() {
  if (!pairing || Date.now() >= expiresAt) return;
  const body = { code };
  const [name, place] = [element("name").value.trim(), element("place").value.trim()];
  if (name && name !== pairing.name) body.name = name;
  if (place && place !== pairing.place) body.place = place;
  const json = JSON.stringify(body);
  if (sent.body !== json) sent = { body: json, key: randomKey() };
  notice();
  let answer;
  try {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": sent.key };
    answer = await ask("/api/Device/pair", { method: "POST", headers, body: json });
  } catch {
    return notice("unsure");
  }
  if (answer.status !== 201) return refuse(answer);
  showDone(answer.body);
}

/** `crypto.randomUUID` exists only on HTTPS and loopback. */
function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// --- done

function showDone({ device, signingKey }) {
  element("connected").textContent = text("connected", { name: device.name });
  element("connected-lead").textContent = part("done", device.kind).textContent;
  element("go").href = kind(device.kind).dataset.app;
  keepInAddress("");
  show("done");
  if (device.letter) addKnown(text("letter", { letter: device.letter }));
  if (signingKey) {
    element("device-id").textContent = device.deviceId;
    element("signing-key").textContent = signingKey;
    element("key").hidden = false;
    return stay();
  }
  countDown(DONE_SECONDS);
  countProducts();
}

function addKnown(words) {
  const item = document.createElement("li");
  item.append(document.querySelector(".ok .icon").cloneNode(true), words);
  element("known").append(item);
  element("known").hidden = false;
}

/** Only if the shop tells: a menu of more than one page, or a refusal, shows nothing. */
async function countProducts() {
  const answer = await ask(`/api/Product?limit=${PRODUCTS_PER_PAGE_MAX}`).catch(() => null);
  const items = answer?.status === 200 && !answer.body.nextCursor ? answer.body.items : null;
  if (items?.length > 0) addKnown(text("products", { count: items.length }));
}

let countdown;

function countDown(seconds) {
  if (seconds === 0) return location.assign(element("go").href);
  element("go").textContent = text("go_in", { seconds });
  countdown = setTimeout(() => countDown(seconds - 1), 1000);
}

function stay() {
  clearTimeout(countdown);
  element("go").textContent = text("go");
  element("stay").hidden = true;
}

// --- the camera

async function startCamera() {
  if (element("camera").hidden) return;
  element("camera").hidden = true;
  element("scan-state").textContent = text("scan.searching");
  const onEnd = () => {
    stopScanning = () => {};
    element("camera").hidden = false;
    element("scan-state").textContent = text("scan");
  };
  try {
    stopScanning = await scan(element("video"), {
      onCode: (found) => { setCode(found); once(lookUp); },
      onForeign: () => { element("scan-state").textContent = text("scan.foreign"); },
      onEnd,
    });
    if (document.body.dataset.step !== "code") stopScanning();
  } catch {
    onEnd();
    element("scan-state").textContent = text("scan.refused");
  }
}

// --- events

element("code").addEventListener("input", () => setCode(element("code").value));
element("pad").addEventListener("click", (event) => {
  const digit = event.target.closest("[data-digit]")?.dataset.digit;
  if (digit && !isBusy) setCode(code + digit);
});
element("erase").addEventListener("click", () => { if (!isBusy) setCode(code.slice(0, -1)); });
// Digits reach the code wherever the focus is on the first step.
document.addEventListener("keydown", (event) => {
  const isElsewhere = document.body.dataset.step !== "code" || event.target === element("code");
  if (isElsewhere || isBusy || event.ctrlKey || event.altKey || event.metaKey) return;
  if (/^[0-9]$/.test(event.key)) setCode(code + event.key);
  if (event.key === "Backspace") setCode(code.slice(0, -1));
  if (event.key === "Enter" && event.target === document.body) element("code-form").requestSubmit();
});
document.addEventListener("paste", (event) => {
  if (document.body.dataset.step !== "code" || isBusy) return;
  event.preventDefault();
  setCode(event.clipboardData.getData("text"));
});
element("code-form").addEventListener("submit", (event) => { event.preventDefault(); once(lookUp); });
element("confirm-form").addEventListener("submit", (event) => { event.preventDefault(); once(pair); });
element("cancel").addEventListener("click", () => { if (!isBusy) restart(); });
element("name").addEventListener("input", showButtons);
element("stay").addEventListener("click", stay);
element("camera").addEventListener("click", startCamera);
addEventListener("offline", () => notice("offline"));
addEventListener("online", () => notice());
addEventListener("pagehide", () => stopScanning());

canScan().then((isAble) => {
  if (isAble) element("scan").dataset.able = "yes";
  showAside();
});
setCode(document.body.dataset.code);
element("code").focus({ preventScroll: true });
if (code.length === CODE_DIGITS) once(lookUp);
