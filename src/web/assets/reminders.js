// Ladders of reminders, what would go out today, and what waits for approval.
import { api, attempt, byId, day, el, fill, logOut, money, text, when, whoAmI, words } from "/assets/common.js";
import { ladderForm } from "/assets/reminderform.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);
let next = null;

const EXAMPLE = {
  segment: {},
  steps: [
    { key: "before_due", days: -5, channel: "email", template: "before_due" },
    { key: "reminder_1", days: 5, channel: "email", template: "reminder_1" },
    { key: "call", days: 12, channel: "call" },
    { key: "reminder_2", days: 20, channel: "email", template: "reminder_2" },
    { key: "final_notice", days: 40, channel: "email", template: "final_notice" },
  ],
  min_days_between: 7, tolerance_minor: 500, approval: false,
  hours: [{ days: ["Mon", "Tue", "Wed", "Thu", "Fri"], from: "08:00:00", to: "20:00:00" }],
};

const act = (what, done) => attempt(async () => { await what(); await show(); }, done);

const account = (one) => el("a", { href: `/accounts/${one.account}` }, `${one.number} ${one.name}`);
const leftOut = (list, currency) => (list.length ? `left out: ${list.map((one) => `${words(one.reason)} ${money({ minor: one.minor, currency })}`).join(", ")}` : "");

function outlook(one) {
  const decision = one.decision;
  const due = decision.is === "due";
  return el("tr", { "data-due": String(due), hidden: byId("due-only").checked && !due }, el("td", {}, account(one)), el("td", {}, one.ladder ?? "–"),
    el("td", {}, due ? el("b", {}, words(decision.step)) : "nothing"), el("td", { class: "num" }, due ? money({ minor: decision.total_minor, currency: one.currency }) : ""),
    el("td", { class: "small" }, due ? `${one.to ?? "a call: no address"} ` : `${one.barred ?? words(decision.why)}${decision.until ? ` until ${day(decision.until)}` : ""} `,
      el("span", { class: "quiet" }, leftOut(decision.left_out, one.currency))));
}

async function preview(more) {
  const page = await api("GET", `/api/reminders/preview${more ? `?cursor=${encodeURIComponent(next)}` : ""}`);
  if (more) byId("today").append(...page.items.map(outlook));
  else fill(byId("today"), page.items.map(outlook));
  next = page.next ?? null;
  byId("more").hidden = !next;
}

const waiting = (one) => el("li", { class: "row" }, account(one), el("b", {}, words(one.step)), el("span", { class: "figure" }, money(one.total)), el("span", { class: "quiet small" }, one.invoices.join(", ")),
  el("button", { class: "slim main", onclick: () => act(() => api("POST", `/api/reminders/${one.id}/approve`), "Approved.") }, "Send"),
  el("button", { class: "slim", onclick: () => act(() => api("POST", `/api/reminders/${one.id}/reject`, { reason: "not this time", days: 7 }), "Not reminded for a week.") }, "Not for a week"));

async function show() {
  const [ladders, proposed, done] = await Promise.all([api("GET", "/api/reminders/ladders"), api("GET", "/api/reminders?state=proposed"), api("GET", "/api/reminders?state=done&limit=20"), preview(false)]);
  text(byId("mail"), ladders.mail_is_on ? "" : "Mail is off: no mail goes out until a mail server is configured.");
  fill(byId("ladders"), ladders.items.map((one) => el("li", { class: "row" }, el("b", {}, one.name), el("span", { class: one.active ? "tag good" : "tag" }, one.active ? "active" : "off"),
    el("span", { class: "quiet small" }, one.ladder.steps.map((step) => `${words(step.key)} ${step.days > 0 ? "+" : ""}${step.days}`).join(", ")),
    el("button", { class: "slim", type: "button", onclick: () => { edit(one); byId("name").focus(); } }, "Edit"))), ladders.items.length ? null : el("li", { class: "quiet" }, "None yet: nobody is reminded. The one below is a start."));
  fill(byId("waiting"), proposed.items.map(waiting), proposed.items.length ? null : el("li", { class: "quiet" }, "Nothing."));
  fill(byId("sent"), done.items.map((one) => el("li", { class: "row" }, account(one), words(one.step), el("span", { class: "figure" }, money(one.total)), el("span", { class: "quiet small" }, when(one.at)),
    el("span", { class: "tag" }, words(one.message_state ?? "call")))), done.items.length ? null : el("li", { class: "quiet" }, "Nothing."));
}

const form = await ladderForm();
function edit(one) {
  byId("name").value = one.name;
  byId("position").value = one.position;
  byId("active").checked = one.active;
  form.set(one.ladder);
}

byId("edit").addEventListener("submit", (event) => {
  event.preventDefault();
  act(() => api("PUT", "/api/reminders/ladders", { name: byId("name").value, position: Number(byId("position").value), active: byId("active").checked, ladder: form.get() }), "Saved.");
});
byId("due-only").addEventListener("change", () => {
  for (const row of byId("today").children) row.hidden = byId("due-only").checked && row.dataset.due !== "true";
});
byId("more").addEventListener("click", () => attempt(() => preview(true)));
byId("edit").querySelector("button.main").hidden = me.role === "agent";
edit({ name: "Standard", position: 0, active: false, ladder: EXAMPLE });
await attempt(show);
