// Everything about one account.
import { agreed } from "/assets/agreed.js";
import { booking } from "/assets/booking.js";
import { api, attempt, byId, day, decimal, el, fill, logOut, minorOf, money, say, text, when, whoAmI, words } from "/assets/common.js";
import { showInvoice } from "/assets/invoice.js";
import { reach } from "/assets/reach.js";
import { Rows } from "/assets/rows.js";

const id = location.pathname.split("/").pop();
const at = `/api/accounts/${id}`;
const me = await whoAmI();
const boss = me.role !== "agent";
const MOST = 500;
let next = null;
let currency = "USD";
let emails = [];
const ADDRESS = ["address_line", "city", "region", "postal_code", "country"];
const owners = await api("GET", "/api/owners");

text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);
for (const part of document.querySelectorAll(".boss")) part.hidden = !boss;
const sum = (minor) => money({ minor, currency });

/** Does something, says what came of it, and shows the account anew. */
const act = (what, done) => attempt(async () => { await what(); await show(); }, done);

const pair = (name, value) => el("div", {}, el("dt", {}, name), el("dd", { class: "figure" }, value));

function head({ account, figures, aging, holds, possible_cash: possible }, credit) {
  currency = account.currency;
  document.title = `${account.number} ${account.name} · Ledgerline`;
  text(byId("name"), account.name);
  text(byId("about"), [account.number, account.portfolio, account.party_kind, account.city, account.country, account.language].filter(Boolean).join(" · "));
  const balance = (figures?.open.minor ?? 0) - (figures?.unapplied.minor ?? 0);
  fill(byId("flags"),
    holds.map((hold) => el("li", { class: "tag bad" }, `${words(hold.reason)}${hold.until_at ? ` until ${when(hold.until_at)}` : ""}`)),
    credit.holds.filter((hold) => !hold.released_at).map((hold) => el("li", { class: "tag warn" }, `deliveries held: ${words(hold.reason)}`)),
    possible.length ? el("li", { class: "tag warn" }, "money on the bank may be theirs: look before you ask for it") : null,
    figures?.unapplied.minor > 0 ? el("li", { class: "tag warn" }, `${money(figures.unapplied)} not applied yet: ask before you call about it`) : null,
    figures?.promise_broken ? el("li", { class: "tag bad" }, "promise broken") : null,
    figures?.open_promise_on ? el("li", { class: "tag good" }, `promise due ${day(figures.open_promise_on)}`) : null,
    account.status === "closed" ? el("li", { class: "tag" }, "closed") : null);
  fill(byId("figures"), pair("Balance", sum(balance)), pair("Open", sum(figures?.open.minor ?? 0)), pair("Unapplied", sum(figures?.unapplied.minor ?? 0)),
    pair("Disputed", sum(figures?.disputed.minor ?? 0)), pair("Collectible", sum(figures?.collectible.minor ?? 0)),
    pair("Promises", figures ? `${figures.kept_promises} kept, ${figures.broken_promises} broken` : "–"));
  fill(byId("possible"), possible.map((line) => el("li", { class: "small" }, el("b", { class: "figure" }, money(line.amount)), ` came to the bank on ${day(line.booked_on)}`, line.payer_name ? ` from ${line.payer_name}` : "",
    el("span", { class: "quiet" }, [line.reference, line.because || "it has the amount of an open item or of all that is owed"].filter(Boolean).map((said) => ` · ${said}`).join("")),
    " ", boss ? el("a", { href: `/cash?portfolio=${encodeURIComponent(line.portfolio)}&state=${line.state}#lines-title` }, "Decide") : null)));
  const buckets = ["Not yet due", "1–30", "31–60", "61–90", "91–120", "Over 120"];
  fill(byId("aging"), buckets.map((name, index) => pair(name, sum(aging[index]))));
  byId("statement").href = `${at}/statement`;
}

function items(list) {
  const today = Date.parse(me.now);
  const late = (due) => Math.max(0, Math.floor((today - Date.parse(`${due}T00:00:00Z`)) / 86400000));
  fill(byId("items"), list.slice(0, MOST).map((item) => el("tr", {},
    el("td", {}, el("button", { type: "button", class: "link", onclick: () => attempt(() => showInvoice(item, byId("invoice"), emails, show)) }, item.seq > 1 ? `${item.invoice_number} (${item.seq})` : item.invoice_number)), el("td", { class: "quiet" }, item.po_number ?? ""),
    el("td", {}, day(item.issued_on)), el("td", {}, day(item.due_on)), el("td", { class: "num" }, late(item.due_on) || ""),
    el("td", { class: "num" }, money(item.amount)), el("td", { class: "num" }, money(item.open)), el("td", { class: "num" }, item.disputed.minor ? money(item.disputed) : ""))));
  text(byId("items-more"), list.length > MOST ? `The ${MOST} oldest of ${list.length}; the statement has them all.` : "");
  byId("items-more").hidden = list.length <= MOST;
  const invoices = new Map(list.slice(0, MOST).map((item) => [item.invoice, item.invoice_number]));
  fill(byId("stop").elements.invoice, el("option", { value: "" }, "the whole account"), [...invoices].map(([invoice, number]) => el("option", { value: invoice }, number)));
}

function people(contacts) {
  emails = contacts.flatMap((contact) => contact.points.filter((point) => point.kind === "email" && !point.invalid_reason).map((point) => ({ ...point, name: contact.name })));
  fill(byId("people"), contacts.map((contact) => el("li", {}, el("b", {}, contact.name), el("span", { class: "quiet" }, ` ${contact.role}`),
    el("ul", {}, contact.points.map((point) => el("li", { class: "row" }, el("span", {}, `${point.value} `), el("span", { class: "quiet small" }, point.label),
      point.do_not_call ? el("span", { class: "tag bad" }, "do not call") : null,
      point.invalid_reason ? el("span", { class: "tag warn" }, point.invalid_reason) : null,
      point.opted_out ? el("span", { class: "tag bad" }, "opted out") : null,
      el("button", { class: "slim", type: "button", onclick: () => usable(point) }, point.invalid_reason ? "Usable again" : "Of no use")))))));
  fill(byId("person").elements.contact, el("option", { value: "" }, "somebody new"), contacts.map((contact) => el("option", { value: contact.id }, contact.name)));
  fill(byId("letter").elements.contact_point, emails.map((point) => el("option", { value: point.id }, `${point.name}, ${point.value}`)));
}

function usable(point) {
  if (point.invalid_reason) return act(() => api("DELETE", `/api/points/${point.id}/invalid`), "Usable again.");
  return act(() => api("PUT", `/api/points/${point.id}/invalid`, { reason: "marked by hand" }), "Marked as of no use.");
}

function facts(account) {
  const owner = owners.find((one) => one.id === account.owner);
  text(byId("facts"), [[account.address_line, account.city, account.region, account.postal_code, account.country].filter(Boolean).join(", ") || "no address",
    account.stated_zone ? `says that it is in ${account.stated_zone}` : null, `owner ${owner?.name ?? "nobody"}`].filter(Boolean).join(" · "));
  byId("zone").elements.zone.value = account.stated_zone ?? "";
  for (const name of ADDRESS) byId("address").elements[name].value = account[name] ?? "";
  byId("kind").elements.party_kind.value = account.party_kind;
  fill(byId("owner").elements.owner, el("option", { value: "" }, "nobody"), owners.map((one) => el("option", { value: one.id, selected: one.id === account.owner }, one.name)));
}

function entry(one) {
  const what = one.kind === "note" ? "" : words(one.what);
  const body = one.kind === "message" && one.id ? el("a", { href: "#", onclick: (event) => { event.preventDefault(); letter(one.id); } }, one.text) : el("span", { class: "pre" }, one.text ?? "");
  return el("li", { "data-kind": one.kind }, el("span", { class: "quiet small figure" }, when(one.at)),
    el("div", {}, el("b", {}, words(one.kind)), ` ${what} `, one.minor === null ? null : el("span", { class: "figure" }, `${sum(one.minor)} `), body,
      one.by ? el("span", { class: "quiet small" }, ` ${one.by}`) : null,
      one.decision ? el("a", { class: "small", href: `/receipts/${one.decision}` }, " why it was allowed") : null));
}

async function letter(message) {
  const full = await api("GET", `/api/messages/${message}`);
  fill(byId("shown"), el("b", {}, full.subject), el("p", { class: "pre" }, full.body),
    full.attachments.map((file, index) => el("a", { href: `/api/messages/${message}/files/${index}`, target: "_blank", rel: "noopener" }, file)));
  byId("shown").hidden = false;
  byId("shown").scrollIntoView({ block: "nearest" });
}

async function line(more) {
  const page = await api("GET", `${at}/timeline${more ? `?cursor=${encodeURIComponent(next)}` : ""}`);
  if (more) byId("line").append(...page.items.map(entry));
  else fill(byId("line"), page.items.map(entry));
  next = page.next ?? null;
  byId("line-more").hidden = !next;
}

function messages(list) {
  fill(byId("messages"), list.slice(0, 10).map((one) => el("li", { class: "row" },
    el("a", { href: "#", onclick: (event) => { event.preventDefault(); letter(one.id); } }, one.subject),
    el("span", { class: `tag ${{ sent: "good", bounced: "bad", failed: "bad", not_sent: "warn" }[one.state] ?? ""}`, title: one.reason ?? "" }, words(one.state)),
    el("span", { class: "quiet small" }, when(one.at)),
    ["failed", "not_sent"].includes(one.state) ? el("button", { class: "slim", onclick: () => act(() => api("POST", `/api/messages/${one.id}/send-again`), "Sent again.") }, "Send again") : null)));
}

function credit(found) {
  const score = found.review?.score;
  fill(byId("credit"), pair("Terms", found.terms ?? "–"), pair("Limit", found.limit_minor === null ? "none" : sum(found.limit_minor)),
    pair("Exposure", sum(found.exposure_minor)), pair("Tax number", found.tax_id || "–"), pair("Order required", found.po_required ? "yes" : "no"),
    found.party ? pair("Customer", found.party.parent_name ? `${found.party.name}, of ${found.party.parent_name}` : found.party.name) : null,
    found.party ? pair("Family owes", `${sum(found.party.family_minor)}${found.party.family_limit_minor === null ? "" : ` of ${sum(found.party.family_limit_minor)}`} on ${found.party.family_accounts} accounts`) : null,
    pair("Score", score?.score === null || score === undefined ? "no score: too little history" : `${score.score} of 100${found.review.previous === null ? "" : `, was ${found.review.previous}`}`),
    score?.days_late_milli !== null && score ? pair("Days late", (score.days_late_milli / 1000).toFixed(1)) : null,
    found.review?.proposal_minor ? pair("Limit by rule", sum(found.review.proposal_minor)) : null);
  fill(byId("credit-holds"), found.holds.map((hold) => el("li", { class: "row" },
    el("span", {}, `${words(hold.reason)} since ${when(hold.placed_at)}`), hold.released_at ? el("span", { class: "quiet small" }, `released ${when(hold.released_at)}`) : null,
    boss && !hold.released_at ? releasing(hold) : null)));
  const form = byId("terms").elements;
  form.terms.value = found.terms ?? "";
  form.tax_id.value = found.tax_id;
  form.po_required.checked = found.po_required;
  const family = byId("party").elements;
  family.name.value = found.party?.name ?? "";
  family.parent.value = found.party?.parent_name ?? "";
  family.limit.value = found.party?.limit_minor == null ? "" : decimal(found.party.limit_minor, currency);
  party = found.party;
  byId("leave-party").hidden = !party;
  if (found.party) customers.set(found.party.name, found.party.id);
  if (found.party?.parent) customers.set(found.party.parent_name, found.party.parent);
  form.limit.value = found.limit_minor === null ? "" : decimal(found.limit_minor, currency);
}

/** A form that releases a hold until a day, and says why. */
function releasing(hold) {
  const next = new Date(Date.parse(me.now) + 7 * 86400000).toISOString().slice(0, 10);
  return el("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    const { until, note } = event.target.elements;
    act(() => api("POST", `/api/credit-holds/${hold.id}/release`, { until: until.value, note: note.value }), `Released until ${day(until.value)}.`);
  } }, el("label", {}, "Until ", el("input", { name: "until", type: "date", value: next, required: "" })),
  el("label", { class: "grow" }, "Why ", el("input", { name: "note", maxlength: "200", required: "" })), el("button", { class: "slim" }, "Release"));
}

function reminders({ outlook, reminders: list, stops }) {
  const decision = outlook.decision;
  text(byId("remind"), decision.is === "due" ? `Due now: step ${words(decision.step)}, ${sum(decision.total_minor)}, ${outlook.to ?? "a call: no address"}.`
    : `Nothing today: ${outlook.barred ?? words(decision.why)}${decision.until ? `, at the earliest ${day(decision.until)}` : ""}.`);
  fill(byId("reminders"), list.slice(0, 10).map((one) => el("li", {}, `${words(one.step)}, ${money(one.total)}, ${when(one.at)} `,
    el("span", { class: "tag" }, words(one.message_state ?? (one.task ? "call" : one.state))), el("span", { class: "quiet small" }, ` ${one.invoices.join(", ")}`))));
  fill(byId("stops"), stops.map((stop) => el("li", { class: "row" }, el("span", {}, `${stop.invoice ?? "the whole account"}: ${stop.reason}${stop.until_on ? `, until ${day(stop.until_on)}` : ""}`),
    stop.lifted_at ? el("span", { class: "quiet small" }, `lifted ${when(stop.lifted_at)}`) : el("button", { class: "slim", onclick: () => act(() => api("DELETE", `/api/reminder-stops/${stop.id}`), "Lifted.") }, "Lift"))));
}

async function show() {
  const [everything, found, reminded, sent, tasks] = await Promise.all([api("GET", at), api("GET", `${at}/credit`), api("GET", `${at}/reminders`),
    api("GET", `${at}/messages`), api("GET", `/api/tasks?account=${id}`), line(false)]);
  head(everything, found);
  items(everything.open_items);
  people(everything.contacts);
  facts(everything.account);
  credit(found);
  reminders(reminded);
  messages(sent.items);
  const open = everything.open_items.slice(0, MOST);
  /** After a change in a card the focus is at its head, since what was clicked is drawn anew. */
  const then = (card) => async () => { await show(); byId(`${card}-title`).focus(); };
  const cards = { agreed: agreed(everything, open, me, then("agreed")), booking: booking(everything.account, open, me, then("booking")), reach: reach(everything, me, then("reach")) };
  for (const [card, parts] of Object.entries(cards)) fill(byId(card), await parts);
  fill(byId("tasks"), tasks.items.map((task) => el("li", {}, el("a", { href: `/tasks?task=${task.id}` }, task.subject), el("span", { class: "quiet small" }, ` by ${day(task.due_on)}, ${words(task.department)}`))),
    tasks.items.length ? null : el("li", { class: "quiet" }, "None."));
}

const written = () => {
  const form = byId("letter").elements;
  return { contact_point: form.contact_point.value, template: form.template.value, facts: form.template.value === "letter" ? { text: form.text.value } : {} };
};
const on = (form, does) => byId(form).addEventListener("submit", (event) => {
  event.preventDefault();
  does(event.target.elements, event.target);
});

on("zone", (form) => act(() => api("PUT", `${at}/zone`, { zone: form.zone.value.trim() || null }), "Set: it is called only where that zone allows it, too."));
on("address", (form) => act(() => api("PUT", `${at}/address`, Object.fromEntries(ADDRESS.map((name) => [name, form[name].value.trim() || null]))), "Set."));
on("kind", (form) => act(() => api("PUT", `${at}/party-kind`, { party_kind: form.party_kind.value }), "Set."));
on("owner", (form) => act(() => api("PUT", `${at}/owner`, { owner: form.owner.value || null }), "Set."));
on("note", (form, element) => act(async () => { await api("POST", `${at}/notes`, { body: form.body.value }); element.reset(); }, "Noted."));
on("letter", () => act(() => api("POST", `${at}/messages`, written()), "Sent: what becomes of it is shown below."));
byId("preview").addEventListener("click", () => attempt(async () => {
  const shown = await api("POST", `${at}/messages/preview`, written());
  fill(byId("shown"), el("b", {}, shown.subject), el("p", { class: "pre" }, shown.body));
  byId("shown").hidden = false;
}));
byId("send-statement").addEventListener("click", () => act(() => api("POST", `${at}/statement`, { contact_point: written().contact_point }), "The statement is on its way."));
byId("letter").elements.template.addEventListener("change", (event) => { byId("words").hidden = event.target.value !== "letter"; });
on("person", (form) => act(async () => {
  const contact = form.contact.value || (await api("POST", `${at}/contacts`, { name: form.name.value, role: form.role.value })).id;
  if (form.value.value) await api("POST", `${at}/points`, { contact, kind: form.kind.value, value: form.value.value, label: form.label.value });
}, "Added."));
byId("person").elements.contact.addEventListener("change", (event) => { byId("new-person").hidden = event.target.value !== ""; });
on("stop", (form, element) => act(async () => {
  await api("POST", `${at}/reminder-stops`, { invoice: form.invoice.value || null, reason: form.reason.value, until_on: form.until_on.value || null });
  element.reset();
}, "Stopped."));
on("terms", (form) => act(() => api("PATCH", `${at}/credit`, { terms: form.terms.value, tax_id: form.tax_id.value, po_required: form.po_required.checked, reason: form.reason.value,
  ...(form.limit.value.trim() ? { limit_minor: minorOf(form.limit.value, currency) } : { no_limit: true }) }), "Changed."));
/** Customers by name, as far as somebody has looked for them. */
const customers = new Map();
for (const input of [byId("party").elements.name, byId("party").elements.parent]) {
  input.addEventListener("input", async () => {
    const name = input.value.trim();
    if (name.length < 2 || customers.has(name)) return;
    const found = await api("GET", `/api/parties?name=${encodeURIComponent(name)}`).catch(() => []);
    for (const one of found) customers.set(one.name, one.id);
    fill(byId("customers"), found.map((one) => el("option", { value: one.name }, one.parent_name ? `of ${one.parent_name}` : `${one.accounts} accounts`)));
  });
}
function parentOf(name) {
  if (!name.trim()) return null;
  const found = customers.get(name.trim());
  if (!found) throw Object.assign(new Error("choose one of the customers that are offered when you type a name"), { field: "belongs to" });
  return found;
}
/** The customer that the account is under. */
let party = null;
on("party", (form) => act(() => {
  const known = customers.get(form.name.value.trim());
  if (known && known !== party?.id) return api("PATCH", `${at}/party`, { party: known });
  return api("PUT", `${at}/party`, { id: known ?? null, name: form.name.value, parent: parentOf(form.parent.value), limit_minor: form.limit.value.trim() ? minorOf(form.limit.value, currency) : null });
}, "Set."));
byId("leave-party").addEventListener("click", () => act(() => api("PATCH", `${at}/party`, { party: null }), "It belongs to no customer any more."));
byId("review").addEventListener("click", () => act(() => api("POST", `${at}/credit/review`), "Reviewed."));
byId("hold-credit").addEventListener("click", () => act(() => api("POST", `${at}/credit/holds`, { note: "held on the account page" }), "Deliveries are held."));
byId("line-more").addEventListener("click", () => line(true));

const billed = new Rows(byId("bill-lines"), "Lines", [
  { name: "description", label: "What", required: true, maxlength: "500" },
  { name: "quantity", label: "Quantity", required: true, inputmode: "decimal", width: "short" },
  { name: "net", label: "Net, of the line", required: true, inputmode: "decimal", width: "short" },
  { name: "rate", label: "Tax, %", inputmode: "decimal", width: "short" },
], { add: "Add a line" });
billed.set([{ quantity: "1", rate: "0" }]);

/** Thousandths or hundredths of what somebody typed, without a float. */
function scaled(typed, places, name) {
  const match = /^(\d{1,9})(?:[.,](\d*))?$/.exec(typed || "0");
  if (!match || (match[2] ?? "").length > places) throw Object.assign(new Error(`expected a number with at most ${places} decimals`), { field: name });
  return Number(match[1] + (match[2] ?? "").padEnd(places, "0"));
}

function bill() {
  const form = byId("bill").elements;
  const lines = billed.get().map(({ description, quantity, net, rate }, nth) => {
    const minor = minorOf(net.replace(/^-/, ""), currency);
    if (minor === null) throw Object.assign(new Error(`expected an amount such as ${decimal(123456, currency)}`), { field: `net of line ${nth + 1}` });
    const signed = net.startsWith("-") ? -minor : minor;
    const basis = scaled(rate, 2, `tax of line ${nth + 1}`);
    // Half a minor unit is rounded up; what comes out is checked by the service.
    return { description, quantity_milli: scaled(quantity, 3, `quantity of line ${nth + 1}`), net_minor: signed, tax_rate_bp: basis, tax_minor: Math.floor((signed * basis + 5000) / 10000) };
  });
  return { po_number: form.po_number.value || null, terms: form.terms.value || null, issued_on: form.issued_on.value || null, lines };
}
byId("check-bill").addEventListener("click", () => act(async () => {
  const { faults } = await api("POST", `${at}/issued-invoices/check`, bill());
  fill(byId("faults"), faults.map((fault) => el("li", {}, `${fault.field}: ${fault.detail}`)));
  if (faults.length === 0) say("Nothing is missing.");
}));
on("bill", (form, element) => {
  if (!confirm("Issue the invoice? It gets the next number, is posted and mailed, and can only be credited after that.")) return;
  act(async () => {
    await api("POST", `${at}/issued-invoices`, bill());
    element.reset();
    billed.set([{ quantity: "1", rate: "0" }]);
  }, "Issued and mailed.");
});

const { items: templates } = await api("GET", "/api/templates");
fill(byId("letter").elements.template, [...new Set(templates.map((one) => one.name))].filter((name) => !["invoice", "statement"].includes(name)).map((name) => el("option", { value: name, selected: name === "letter" }, words(name))));
await show();
