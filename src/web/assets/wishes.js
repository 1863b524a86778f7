// What the debtor wants and does not want, recorded in the middle of a call; and what was recorded before.
import { api, el, fill, reasonOf, when, words } from "/assets/common.js";

export const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
export const said = (name, label) => el("label", {}, label, el("input", { name, required: true, maxlength: "200" }));
const hours = () => [
  el("fieldset", { class: "row" }, el("legend", {}, "On"), DAYS.map((day) => el("label", { class: "check" }, el("input", { type: "checkbox", name: day }), day))),
  el("div", { class: "pair" },
    el("label", {}, "From", el("input", { type: "time", name: "from", required: true, value: "12:00" })),
    el("label", {}, "To", el("input", { type: "time", name: "to", required: true, value: "14:00" })))];
const speaks = () => [el("label", {}, "Language", el("input", { name: "language", required: true, maxlength: "35", placeholder: "es, fr-CA …" }))];

/** What may be recorded: label, fields, and the request. */
export const KINDS = {
  number: ["Does not want calls on this number", () => [said("reason", "What was said")], (on, form) =>
    ["POST", "do-not-call", { scope: "number", phone: on.number, reason: form.reason.value }]],
  account: ["Nobody here wants to be called", () => [said("reason", "What was said")], (on, form) =>
    ["POST", "do-not-call", { scope: "account", reason: form.reason.value }]],
  not_at: ["Not at these hours", hours, (on, form) =>
    ["POST", "wishes", { wish: { kind: "not_at", days: DAYS.filter((day) => form[day].checked), from: `${form.from.value}:00`, to: `${form.to.value}:00` } }]],
  not_at_work: ["Not at work", () => [], () => ["POST", "wishes", { wish: { kind: "not_where", label: "work" } }]],
  frequency: ["Asked to be called again", () => [said("source", "What was said")], (on, form) => consent(on, form, "frequency", "granted")],
  revoked: ["Withdraws consent to calls on this number", () => [said("source", "What was said")], (on, form) => consent(on, form, "calls", "revoked")],
  language: ["Speaks another language", speaks, (on, form) => ["PUT", "language", { language: form.language.value.trim() }]],
  hardship: ["In financial hardship", () => [said("note", "What was said")], (on, form) => hold(form, "hardship")],
  vulnerable: ["In a vulnerable situation", () => [said("note", "What was said")], (on, form) => hold(form, "vulnerable")],
};

const consent = (on, form, purpose, action) =>
  ["POST", "consents", { contact_point: on.point, purpose, action, source: form.source.value }];
const hold = (form, reason) => ["POST", "holds", { reason, note: form.note.value }];

/** The form that records one of `kinds`; `on` gives the account and the number or address that it is about. */
export function recorder(kinds, on, done) {
  const fields = el("div", { class: "stack" });
  const outcome = el("p", { class: "small", role: "status" });
  const kind = el("select", { id: "wish-kind", onchange: () => draw() }, Object.entries(kinds).map(([name, [label]]) => el("option", { value: name }, label)));
  const form = el("form", { id: "wish", class: "stack", onsubmit: (event) => { event.preventDefault(); record(); } },
    el("label", {}, "The debtor", kind), fields, el("button", {}, "Record"), outcome);
  const draw = () => fill(fields, ...kinds[kind.value][1](on));

  async function record() {
    try {
      const [method, path, body] = kinds[kind.value][2](on, form.elements);
      await api(method, `/api/accounts/${on.account}/${path}`, body);
      outcome.textContent = "Recorded. It counts from now on.";
      outcome.className = "small";
      await done();
    } catch (error) {
      outcome.textContent = reasonOf(error);
      outcome.className = "wrong";
    }
  }
  draw();
  return form;
}

/** What was ever wished, held, consented to or taken back. */
export async function history(account, place) {
  const { items } = await api("GET", `/api/accounts/${account}/restrictions`);
  fill(place, items.length ? items.map((item) => el("li", {},
    el("span", {}, words(item.what.replace(":", ": ")), item.ended_at ? el("span", { class: "quiet" }, ` until ${when(item.ended_at)}`) : null),
    el("span", { class: "quiet small" }, [when(item.at), item.by, item.ended_by ? `ended by ${item.ended_by}` : null].filter(Boolean).join(", ")))) : el("li", { class: "quiet small" }, "Nothing was recorded."));
  return items;
}

/** The card of an account; `number` is the one on the line. */
export function wishes(account, number) {
  const before = el("ul", { class: "list", id: "wishes-before" });
  const read = () => history(account.id, before);
  const form = recorder(KINDS, { account: account.id, point: account.contact.contact_point, number }, read);
  const opened = (event) => event.target.open && read().catch((error) => fill(before, el("li", { class: "wrong" }, error.message)));
  return el("details", { class: "card", id: "wishes", ontoggle: opened },
    el("summary", {}, "Wishes, consent, language"), form, before);
}
