// What all pages share: the API, elements, money, time.

/** A refusal of the API. */
export class Refusal extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title ?? "the request failed");
    this.status = problem.status;
    this.field = problem.field;
    this.refusal = problem.refusal;
  }
}

/** Calls the API; a refusal is thrown as a Refusal, a lost connection as a TypeError. */
export async function api(method, path, body, headers = {}) {
  const options = { method, headers: { ...headers } };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await fetch(path, options);
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Refusal({ status: response.status, ...answer });
}

/** Who is logged in; leads to the log-in page where nobody is. */
export async function whoAmI() {
  try {
    const me = await api("GET", "/api/session");
    clock.set(me.now);
    menu(me);
    return me;
  } catch (error) {
    if (error.status === 401) {
      location.replace(`/login?to=${encodeURIComponent(location.pathname)}`);
      return new Promise(() => {});
    }
    throw error;
  }
}

const ROLES = ["department", "agent", "supervisor", "admin"];

/** The pages, and the least role that each is for. */
const PAGES = [["/desk", "Desk", "agent"], ["/accounts", "Accounts", "agent"], ["/tasks", "Tasks", "department"], ["/floor", "Floor", "supervisor"], ["/campaigns", "Campaigns", "supervisor"],
  ["/cash", "Cash", "supervisor"], ["/reminders", "Reminders", "agent"], ["/templates", "Templates", "agent"], ["/reports", "Reports", "supervisor"],
  ["/close", "Close", "supervisor"], ["/agreements", "Agreements", "supervisor"], ["/policy", "Policy", "supervisor"], ["/settings", "Settings", "supervisor"],
  ["/connections", "Connections", "admin"], ["/users", "Users", "admin"], ["/api", "API", "agent"]];

/** The pages that the role may see, at the top of each page but the desk: whoever is on a call stays there. */
function menu(me) {
  const nav = document.querySelector(".top nav");
  if (!nav || location.pathname === "/desk") return;
  const mine = PAGES.filter(([, , role]) => ROLES.indexOf(me.role) >= ROLES.indexOf(role));
  fill(nav, mine.map(([path, title]) => el("a", { href: path, "aria-current": path === location.pathname ? "page" : null }, title)));
}

/** Ends the session and leads to the log-in page. */
export async function logOut() {
  await api("DELETE", "/api/session").catch(() => {});
  sessionStorage.clear();
  location.assign("/login");
}

/** An element: attributes, listeners (`onclick: f`), children (strings are text, null is nothing). */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else if (key in element && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Replaces the children of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

/** Sets the text if it is another one: an unchanged element is not touched. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** A refusal in words, with the field that it is about; the path of a key in a text stays as it is written there. */
export function reasonOf({ field, message }) {
  return field ? `${field.includes(".") ? field : words(field)}: ${message}` : message;
}

/** Shows in the page's `said` what was done, or why it was not; nothing hides it. */
export function say(message, bad = false) {
  const bar = byId("said");
  text(bar, message || "");
  bar.hidden = !message;
  bar.classList.toggle("bad", bad);
  bar.classList.toggle("good", !bad);
  if (bad) bar.scrollIntoView({ block: "nearest" });
}

/** Does something and says `done`; a refusal is shown. Gives what came of it, or undefined. */
export async function attempt(action, done) {
  try {
    say("");
    const made = await action();
    if (done) say(done);
    return made;
  } catch (error) {
    say(reasonOf(error), true);
    return undefined;
  }
}

const decimalsOf = (currency) =>
  new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;

/** Minor units as a plain decimal text, without a float. */
export function decimal(minor, currency) {
  const places = decimalsOf(currency);
  const digits = String(Math.abs(minor)).padStart(places + 1, "0");
  const sign = minor < 0 ? "-" : "";
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** Money for reading. Intl takes the decimal text as it is, so nothing is rounded. */
export function money({ minor, currency }) {
  return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(decimal(minor, currency));
}

/** Minor units of what somebody typed, or null. */
export function minorOf(typed, currency) {
  const places = decimalsOf(currency);
  const match = /^(\d{1,13})(?:[.,](\d*))?$/.exec(typed.trim().replaceAll(/[\s']/g, ""));
  if (!match || (match[2] ?? "").length > places) return null;
  return Number(match[1] + (match[2] ?? "").padEnd(places, "0"));
}

/** The service's time: the difference to the browser's is learnt from every message. */
export const clock = {
  ahead: 0,
  set(now) { this.ahead = Date.parse(now) - Date.now(); },
  now() { return Date.now() + this.ahead; },
};

/** A span of time as 1:05 or 1:02:03. */
export function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Time since a moment, by the service's clock. */
export const since = (moment) => span(clock.now() - Date.parse(moment));

/** A moment as time of day in a zone. */
export function timeIn(zone, moment = clock.now()) {
  return new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", weekday: "short", timeZone: zone }).format(new Date(moment));
}

/** A moment as a short date and time. */
export function when(moment, zone) {
  const form = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: zone };
  return new Intl.DateTimeFormat(undefined, form).format(new Date(moment));
}

/** A calendar date for reading. */
export function day(date) {
  const form = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
  return new Intl.DateTimeFormat(undefined, form).format(new Date(`${date}T00:00:00Z`));
}

/** A calendar date so many days later. */
export function daysLater(date, days) {
  const moment = new Date(`${date}T00:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() + days);
  return moment.toISOString().slice(0, 10);
}

/** The moment at which clocks in a zone show the given local date and time ("2026-01-31T10:00"). */
export function momentIn(zone, local) {
  const wanted = Date.parse(`${local}Z`);
  const shown = (moment) => {
    const form = { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
    const part = Object.fromEntries(new Intl.DateTimeFormat("en", form).formatToParts(new Date(moment)).map((p) => [p.type, p.value]));
    return Date.parse(`${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}Z`);
  };
  let moment = wanted;
  // Twice: the first guess may lie on the other side of a change of the clocks.
  for (let round = 0; round < 2; round += 1) moment += wanted - shown(moment);
  return new Date(moment).toISOString();
}

const WORDS = {
  not_yet_due: "not yet due", covered_by_unapplied_cash: "covered by cash", on_call: "on call", wrap_up: "wrapping up",
  do_not_call: "do not call", no_callable_number: "no callable number",
};

/** A name of the API in words. */
export const words = (name) => WORDS[name] ?? String(name).replaceAll("_", " ");

/** A rate in per cent, or a dash where it is undefined. */
export const percent = (rate) => (rate === null ? "–" : `${(rate * 100).toFixed(1)} %`);

/**
 * A socket that connects again by itself. `greet` gives the first message of a connection, if any; `hear` gets every
 * message; `state` hears "connecting", "open" or "lost".
 */
export function connect(path, { greet, hear, state }) {
  let socket = null;
  let wait = 250;
  let stopped = false;
  const open = () => {
    state("connecting");
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
    socket.addEventListener("open", () => {
      wait = 250;
      state("open");
      const hello = greet?.();
      if (hello) socket.send(JSON.stringify(hello));
    });
    socket.addEventListener("message", (event) => hear(JSON.parse(event.data)));
    socket.addEventListener("close", () => {
      if (stopped) return;
      state("lost");
      setTimeout(open, wait + Math.random() * 250);
      wait = Math.min(wait * 2, 5000);
    });
  };
  open();
  return {
    send: (message) => socket.readyState === WebSocket.OPEN && (socket.send(JSON.stringify(message)), true),
    stop: () => { stopped = true; socket.close(); },
  };
}
