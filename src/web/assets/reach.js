// May an account be contacted: by each number and address, with every rule; what stands in the way, and what is recorded.
import { api, attempt, day, daysLater, el, momentIn, say, when, words } from "/assets/common.js";
import { KINDS, history, recorder, said } from "/assets/wishes.js";

const HOLDS = ["hold", "cease", "attorney", "bankruptcy", "deceased", "escalated"];
const NOT_NOW = "not now";

/** A value as it is read: a moment by the clock, a list with commas. */
function valueOf(value) {
  if (Array.isArray(value)) return value.map(valueOf).join(", ");
  if (typeof value === "string") return /^\d{4}-\d\d-\d\dT/.test(value) ? when(value) : words(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What a rule was found on, in words; the ids of calls say nothing to people. */
const factsOf = (facts) => Object.entries(facts ?? {}).filter(([name, value]) => value !== null && value !== false && name !== "calls").map(([name, value]) => `${words(name)}: ${valueOf(value)}`).join(", ");

/** What a rule says. */
function verdictOf(verdict) {
  if (verdict === "allowed") return "allows it";
  return verdict?.until ? `not before ${when(verdict.until)}` : "forbids it";
}

/** Every rule with what it says, on what, and its source; those that forbid come first. */
export const findings = (list) => el("ul", { class: "standing" }, [...list].sort((a, b) => (a.verdict === "allowed") - (b.verdict === "allowed")).map((one) => el("li", {},
  el("b", {}, words(one.rule.replace("/", ": "))), el("span", { class: one.verdict === "allowed" ? "" : "wrong" }, verdictOf(one.verdict)), factsOf(one.facts) ? el("span", {}, factsOf(one.facts)) : null, el("span", { class: "quiet small" }, one.cite))));

/** A wish as it was said. */
function wishOf(wish) {
  if (wish.kind === "not_at") return `not on ${wish.days.join(", ")} from ${wish.from.slice(0, 5)} to ${wish.to.slice(0, 5)}`;
  if (wish.kind === "not_on") return `not from ${day(wish.from)} to ${day(wish.to)}`;
  return `not on numbers with the label ${wish.label}`;
}

/** The parts of the card; `done` shows the account anew after a change. */
export async function reach({ account, contacts, holds }, me, done) {
  const at = `/api/accounts/${account.id}`;
  const boss = me.role !== "agent";
  const persons = new Map(contacts.map((contact) => [contact.person, contact.name]));
  const points = contacts.flatMap((contact) => contact.points);
  const past = el("ul", { class: "plain" });
  // An account that is outside of the list of one's campaign has no verdict by that campaign's rules.
  const [asked, recorded] = await Promise.all([api("GET", `${at}/may-contact`).catch((error) => ({ points: [], wishes: [], error })), history(account.id, past)]);
  const change = (act, did) => attempt(async () => { await act(); await done(); }, did);
  const button = (title, label, act) => el("button", { type: "button", class: "slim end", "aria-label": label, onclick: act }, title);

  const point = (one) => el("li", { "data-point": one.value }, el("b", {}, one.value), el("span", { class: "quiet small" }, `${persons.get(one.person) ?? ""}, ${one.label}`),
    el("span", { class: `tag ${one.allowed ? "good" : "bad"}` }, one.allowed ? "may be contacted" : NOT_NOW),
    one.refusal ? el("p", { class: "small" }, `${words(one.refusal.rule.replace("/", ": "))}: `, one.refusal.next_allowed_at ? `from ${when(one.refusal.next_allowed_at)}` : "not before something changes",
      el("span", { class: "quiet" }, ` · ${one.refusal.cite}`)) : null,
    el("details", { class: "small" }, el("summary", {}, `Every rule (${one.findings.length})`), findings(one.findings)));
  const hold = (one) => el("li", {}, el("b", {}, words(one.reason)), el("span", { class: "quiet small" }, `since ${when(one.from_at)}${one.until_at ? `, until ${when(one.until_at)}` : ""}`),
    boss ? button("Release", `Release the hold: ${words(one.reason)}`, () => change(() => api("DELETE", `/api/holds/${one.id}`), "Released.")) : null, one.note ? el("p", { class: "small" }, one.note) : null);
  const wish = (one) => el("li", {}, el("span", {}, `${one.person ? persons.get(one.person) ?? "somebody" : "everybody"}: ${wishOf(one.wish)}`),
    button("Take back", `Take back: ${wishOf(one.wish)}`, () => change(() => api("DELETE", `/api/wishes/${one.id}`), "Taken back.")));

  /** A wish not to be called that stands; the house's own list is kept on the page of policies. */
  function barred({ what, detail }) {
    const scope = what.split(":")[1];
    const whom = { number: detail.value, person: persons.get(detail.value) ?? "a person", account: "the account", house: `${detail.value}, by the house's list` }[scope];
    const body = { scope, reason: "the debtor asked for it", ...(scope === "number" ? { phone: detail.value } : scope === "person" ? { person: detail.value } : {}) };
    return el("li", {}, el("span", {}, `Do not call ${whom}`), el("span", { class: "quiet small" }, detail.reason),
      boss && scope !== "house" ? button("Take back", `Take back: do not call ${whom}`, () => change(() => api("POST", `${at}/do-not-call/revoke`, body), "Taken back: it may be called again.")) : null);
  }
  const bars = recorded.filter((one) => one.what.startsWith("do_not_call:") && !one.ended_at);
  const standing = [...holds.map(hold), ...bars.map(barred), ...asked.wishes.map(wish)];

  const ofKind = (kind) => points.filter((one) => one.kind === kind);
  const choose = (name, label, options) => el("label", {}, label, el("select", { name, required: true }, options.map(([value, title]) => el("option", { value }, title))));
  const phones = () => choose("point", "Number", ofKind("phone").map((one) => [one.id, `${one.value} ${one.label}`]));
  const emails = () => choose("point", "Address", ofKind("email").map((one) => [one.id, one.value]));
  const of = (form) => ({ account: account.id, point: form.point?.value, number: points.find((one) => one.id === form.point?.value)?.value });
  /** A kind of the desk, with the number that is on the line there to be chosen here. */
  const withPhone = ([label, fields, request]) => [label, () => [phones(), ...fields()], (on, form) => request(of(form), form)];
  const consent = (purpose, action) => (on, form) => ["POST", "consents", { contact_point: form.point.value, purpose, action, source: form.source.value }];
  const today = me.business_date;
  const kinds = {
    hold: ["Is not to be contacted: a hold", () => [choose("reason", "Why", HOLDS.map((one) => [one, words(one)])), el("label", {}, "Note", el("input", { name: "note", maxlength: "4000" })),
      el("label", {}, "Until and with; empty: until released", el("input", { name: "until", type: "date", min: today }))],
    (on, form) => ["POST", "holds", { reason: form.reason.value, note: form.note.value, until_at: form.until.value ? momentIn(me.zone, `${daysLater(form.until.value, 1)}T00:00`) : null }]],
    hardship: KINDS.hardship, vulnerable: KINDS.vulnerable,
    number: withPhone(KINDS.number),
    person: ["A person does not want calls", () => [choose("person", "Who", [...persons]), said("reason", "What was said")], (on, form) => ["POST", "do-not-call", { scope: "person", person: form.person.value, reason: form.reason.value }]],
    account: KINDS.account, not_at: KINDS.not_at,
    not_on: ["Not on these days", () => [el("div", { class: "pair" }, el("label", {}, "From", el("input", { name: "from", type: "date", required: true, value: today })), el("label", {}, "To", el("input", { name: "to", type: "date", required: true, value: daysLater(today, 7) })))],
      (on, form) => ["POST", "wishes", { wish: { kind: "not_on", from: form.from.value, to: form.to.value } }]],
    not_at_work: KINDS.not_at_work,
    frequency: withPhone(KINDS.frequency), revoked: withPhone(KINDS.revoked),
    granted: ["Consents to calls on a number", () => [phones(), said("source", "How we know")], consent("calls", "granted")],
    no_mail: ["Does not want e-mail at an address", () => [emails(), said("source", "How we know")], consent("messages", "revoked")],
    mail: ["Wants e-mail at an address again", () => [emails(), said("source", "How we know")], consent("messages", "granted")],
    language: KINDS.language,
  };
  return [
    asked.error ? el("p", { class: "quiet small" }, `No verdict: ${asked.error.message}`) : null,
    el("ul", { class: "standing" }, asked.points.length ? asked.points.map(point) : el("li", { class: "quiet" }, "There is no way to reach it: add one under People.")),
    standing.length ? el("h3", {}, "What stands in the way") : null, standing.length ? el("ul", { class: "standing", id: "standing" }, standing) : null,
    el("details", { class: "ask" }, el("summary", {}, "Record a hold, a wish or consent …"), recorder(kinds, { account: account.id }, async () => { await done(); say("Recorded. It counts from now on."); })),
    el("details", {}, el("summary", {}, "Everything that was recorded"), past),
  ];
}
