// The inbox of tasks, for callers and for other departments.
import { api, attempt, byId, day, daysLater, el, fill, logOut, minorOf, money, reasonOf, text, when, whoAmI, words } from "/assets/common.js";
import { contested } from "/assets/contested.js";
import { ladder } from "/assets/ladder.js";
import { agreed } from "/assets/plans.js";

const me = await whoAmI();
const { departments, people } = await api("GET", "/api/departments");
const called = new Map(departments.map((one) => [one.code, one.name]));
const floor = me.role !== "department";
let cursor = null;
let shown = null;

text(byId("me"), me.department ? `${me.name}, ${called.get(me.department) ?? me.department}` : me.name);
byId("out").addEventListener("click", logOut);

const own = me.department ?? { agent: "collections", supervisor: "supervision", admin: "management" }[me.role];
fill(byId("whose"),
  el("option", { value: `department=${own}` }, called.get(own) ?? own),
  el("option", { value: "mine=true" }, "What I have taken"),
  el("option", { value: "" }, floor ? "Every department" : "Also what went on to others"),
  floor ? departments.filter((one) => one.code !== own).map((one) => el("option", { value: `department=${one.code}` }, one.name)) : null);

/** Whom a task can be given to: departments, then people. */
function recipients(select) {
  fill(select,
    el("optgroup", { label: "Departments" }, departments.map((one) => el("option", { value: `department ${one.code}` }, one.name))),
    el("optgroup", { label: "People" }, people.map((one) => el("option", { value: `user ${one.id}` }, one.name))));
}
const recipient = (value) => Object.fromEntries([value.split(" ")]);

async function load(more) {
  const query = new URLSearchParams(byId("whose").value);
  query.set("state", byId("state").value);
  if (byId("overdue").checked) query.set("overdue", "true");
  if (more) query.set("cursor", cursor);
  const page = await api("GET", `/api/tasks?${query}`);
  const lines = page.items.map(line);
  if (more) byId("list").append(...lines);
  else fill(byId("list"), lines);
  cursor = page.next ?? null;
  byId("more").hidden = !cursor;
  byId("none").hidden = byId("list").children.length > 0;
}

function line(task) {
  const open = el("button", { type: "button", "aria-current": String(task.id === shown), "data-task": task.id, onclick: () => show(task.id) },
    el("b", {}, task.subject), due(task),
    el("span", { class: "quiet small" }, [task.account?.name, called.get(task.department) ?? task.department, task.user_name].filter(Boolean).join(" · ")),
    urgency(task));
  return el("li", {}, open);
}

const due = (task) => el("span", { class: `small figure ${task.overdue ? "late" : "quiet"}` }, task.state === "open" ? `by ${day(task.due_on)}` : words(task.state));

function urgency(task) {
  const said = [task.priority === "normal" ? null : words(task.priority), task.overdue ? "overdue" : null, task.moved_up ? `moved up ${task.moved_up}×` : null].filter(Boolean);
  return said.length ? el("span", { class: `tag ${task.overdue || task.priority === "urgent" ? "bad" : "warn"}` }, said.join(", ")) : el("span", {});
}

const show = (id) => attempt(async () => {
  const full = await api("GET", `/api/tasks/${id}`);
  const again = () => Promise.all([load(false), show(id)]);
  const [dispute, plan, steps] = await Promise.all([contested(full.task, again), agreed(full.task, me, again), ladder(full.task, me, again)]);
  shown = id;
  for (const button of document.querySelectorAll("#list button")) button.setAttribute("aria-current", String(button.dataset.task === id));
  const place = byId("task");
  place.hidden = false;
  fill(place, head(full.task), about(full), dispute, plan, approval(full), posting(full, again), difference(full), steps, story(full.events), acts(full));
  place.focus({ preventScroll: false });
});

/** A supervisor allows a promise that is outside of the caller's limits. */
function approval({ task }) {
  if (task.kind !== "approve" || task.source || !task.account || !["supervisor", "admin"].includes(me.role)) return null;
  const { currency } = task.account.balance;
  const amount = el("input", { name: "least", inputmode: "decimal", autocomplete: "off", required: true });
  const last = el("input", { name: "last", type: "date", required: true, value: daysLater(me.business_date, 30) });
  const allow = (event) => {
    event.preventDefault();
    attempt(async () => {
      await api("POST", `/api/accounts/${task.account.id}/promise-approvals`, { least_minor: minorOf(amount.value, currency) ?? 0, last_due_on: last.value });
      await api("POST", `/api/tasks/${task.id}/finish`, { note: `Allowed: at least ${amount.value} ${currency} by ${last.value}.` });
      await Promise.all([load(false), show(task.id)]);
    });
  };
  return el("form", { class: "stack", id: "approval", onsubmit: allow },
    el("h2", {}, "Allow one promise, within your limits, for a day"),
    el("div", { class: "row" }, el("label", {}, `At least (${currency}) `, amount), el("label", {}, "By ", last), el("button", { class: "main" }, "Allow")));
}

/** A posting above the limit of whoever asked for it: another person approves or refuses it. */
function posting({ task }, again) {
  if (task.source?.kind !== "posting" || task.state !== "open" || !floor) return null;
  const note = el("input", { name: "posting-note", maxlength: "500", placeholder: "Why", "aria-label": "Why" });
  const decide = (approve) => () => attempt(async () => {
    await api("POST", `/api/approvals/${task.source.id}`, { approve, note: note.value });
    await again();
  });
  return el("section", { class: "stack", id: "posting" }, el("h2", {}, "Posting above a limit"),
    el("p", {}, "What it is for stands with what waits for approval on the page of the account."),
    el("div", { class: "row" }, note, el("button", { type: "button", class: "main", onclick: decide(true) }, "Approve and post"),
      el("button", { type: "button", onclick: decide(false) }, "Refuse")));
}

/** A difference between what came and what was expected is worked to an end on the page of the cash. */
const difference = ({ task }) => (task.source?.kind !== "difference" || !floor ? null
  : el("p", {}, "It is closed ", el("a", { href: "/cash" }, "with the cash"), ", and this task with it."));

const head = (task) => el("div", {},
  el("h1", {}, task.subject),
  el("p", { class: "row" }, el("span", { class: "tag" }, words(task.kind)), due(task), urgency(task)),
  el("p", { class: "quiet small" }, `${called.get(task.department) ?? task.department}${task.user_name ? `, taken by ${task.user_name}` : ""}. Asked for by ${task.opened_by ?? "the service"} on ${when(task.opened_at)}.`));

function about({ task, open_items: items }) {
  if (!task.account) return null;
  const rows = items.map((item) => el("tr", {},
    el("td", {}, item.seq > 1 ? `${item.invoice_number} / ${item.seq}` : item.invoice_number),
    el("td", { class: "figure" }, day(item.due_on)), el("td", { class: "num" }, money(item.open)),
    el("td", { class: "num quiet" }, item.disputed.minor ? money(item.disputed) : "–")));
  return el("section", {}, el("h2", {}, "Account"),
    el("p", {}, floor ? el("a", { href: `/accounts/${task.account.id}` }, task.account.name) : el("b", {}, task.account.name), ` ${task.account.number}, balance `, el("b", { class: "figure" }, money(task.account.balance))),
    items.length ? el("details", {}, el("summary", {}, `${items.length} open items`),
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Open items" }, el("table", {},
        el("thead", {}, el("tr", {}, el("th", {}, "Invoice"), el("th", {}, "Due"), el("th", { class: "num" }, "Open"), el("th", { class: "num" }, "Disputed"))),
        el("tbody", {}, rows)))) : null);
}

function story(events) {
  const line = (event) => el("li", {},
    el("span", { class: "quiet small" }, `${when(event.at)} · ${event.by ?? "the service"} · ${words(event.what)}`,
      ["handed_on", "moved_up", "opened"].includes(event.what) ? ` ${event.what === "opened" ? "for" : "to"} ${event.user ?? called.get(event.department) ?? event.department}` : ""),
    event.body ? el("p", { class: "pre" }, event.body) : null);
  return el("section", {}, el("h2", {}, "What happened"), el("ul", { class: "story", id: "story" }, events.map(line)));
}

function acts({ task, may_work: may }) {
  const note = el("textarea", { id: "note", maxlength: "4000" });
  const to = el("select", { id: "to" });
  recipients(to);
  const act = (path, body) => () => attempt(async () => {
    await api("POST", `/api/tasks/${task.id}/${path}`, body?.());
    await Promise.all([load(false), show(task.id)]);
  });
  const button = (label, name, path, body) => el("button", { type: "button", id: name, onclick: act(path, body) }, label);
  const said = () => ({ note: note.value });
  return el("section", { class: "stack" },
    el("label", {}, "Comment or result ", note),
    el("div", { class: "row" },
      button("Comment", "comment", "comments", said),
      may && task.user !== me.user ? button("Take it", "claim", "claim") : null,
      may && task.user ? button("Give back", "release", "release") : null,
      may && task.source?.kind !== "difference" ? button("Done", "finish", "finish", said) : null,
      task.state !== "open" ? button("Open anew", "reopen", "reopen", said) : null),
    may ? el("div", { class: "row" }, el("label", {}, "Hand on to ", to), button("Hand on", "hand-on", "hand-on", () => ({ ...recipient(to.value), ...said() }))) : null);
}

recipients(document.querySelector("#new .to"));
byId("new").elements.due_on.value = daysLater(me.business_date, 3);
byId("new").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target.elements;
  const wrong = event.target.querySelector(".wrong");
  const body = { kind: "other", subject: form.subject.value, due_on: form.due_on.value, priority: form.priority.value, ...recipient(form.to.value) };
  const account = new URLSearchParams(location.search).get("account");
  if (account) body.account = account;
  try {
    const { id } = await api("POST", "/api/tasks", body);
    wrong.hidden = true;
    event.target.reset();
    form.due_on.value = daysLater(me.business_date, 3);
    await Promise.all([load(false), show(id)]);
  } catch (error) {
    text(wrong, reasonOf(error));
    wrong.hidden = false;
  }
});
byId("filter").addEventListener("change", () => attempt(() => load(false)));
byId("filter").addEventListener("submit", (event) => event.preventDefault());
byId("more").addEventListener("click", () => attempt(() => load(true)));
await load(false);
const asked = new URLSearchParams(location.search).get("task");
if (asked) await show(asked);
