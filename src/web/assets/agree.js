// What is agreed or contested otherwise than on a call: a promise, a plan, a dispute that came by letter or by e-mail.
import { api, daysLater, decimal, el, fill, minorOf, money, say } from "/assets/common.js";
import { onSubmit, said, send, wrong } from "/assets/forms.js";
import { planFields, planOf, showParts } from "/assets/plans.js";
import { Rows } from "/assets/rows.js";

/** A form that opens under its title. */
function asked(id, title, fields, button, act) {
  const form = el("form", { id, class: "stack" }, fields, el("div", { class: "row" }, button, said()));
  onSubmit(form, () => act(form.elements));
  return el("details", { class: "ask" }, el("summary", {}, title), form);
}

/** The forms; `done` shows the account anew after a change. */
export async function byHand({ account, figures }, items, me, done) {
  const at = `/api/accounts/${account.id}`;
  const { currency } = account;
  const { items: reasons } = await api("GET", "/api/dispute-reasons");
  const owed = Math.max(0, figures?.collectible.minor ?? 0);
  const today = me.business_date;
  const named = (item) => `${item.invoice_number}${item.seq > 1 ? ` (${item.seq})` : ""}, ${money(item.open)} open`;
  const left = (item) => item.open.minor - item.disputed.minor;
  const amount = (typed, most) => {
    const minor = minorOf(typed, currency);
    return minor && minor <= most ? minor : wrong("amount", `expected more than 0 and at most ${decimal(most, currency)}`);
  };
  const which = () => el("label", {}, "For which items, several with Ctrl or Shift; none: the oldest first", el("select", { name: "items", multiple: true, size: "4" }, items.map((item) => el("option", { value: item.instalment }, named(item)))));
  const chosen = (form) => [...form.items.selectedOptions].map((option) => option.value);
  const main = (title) => el("button", { class: "main" }, title);
  if (!items.length) return [];

  const promise = asked("promise", "A promise that came otherwise than on a call …", [
    el("div", { class: "pair" },
      el("label", {}, `Amount (${currency})`, el("input", { name: "amount", inputmode: "decimal", autocomplete: "off", required: true, value: decimal(owed, currency) })),
      el("label", {}, "Will be paid by", el("input", { name: "due_on", type: "date", required: true, min: today, max: daysLater(today, 366), value: daysLater(today, 7) }))),
    which(),
    el("label", { class: "check" }, el("input", { name: "besides", type: "checkbox" }), "The promises before stay besides it"),
  ], main("Record the promise"), async (form) => {
    await api("POST", `${at}/promises`, { amount_minor: amount(form.amount.value, owed), due_on: form.due_on.value, items: chosen(form), besides: form.besides.checked });
    await done();
    say("The promise is recorded.");
  });

  const planned = (form) => planOf((name) => form.namedItem(name), currency, chosen(form));
  const plan = asked("plan-form", "A plan or settlement …", [planFields(owed, currency, today), which()], [
    el("button", { type: "button", onclick: (event) => { const { form } = event.target; send(form, () => showParts(form.querySelector("#plan-parts"), account.id, planned(form.elements), currency)); } }, "Show the instalments"), main("Agree the plan")], async (form) => {
    const { status } = await api("POST", `${at}/plans`, planned(form));
    await done();
    say(status === "proposed" ? "It goes beyond your limits: it waits for the approval of another person." : "The plan is agreed.");
  });

  const place = el("div", {});
  const rows = new Rows(place, "What is disputed", [
    { name: "item", label: "Item", choices: items.map((item) => [item.instalment, named(item)]) },
    { name: "amount", label: `Disputed of it (${currency})`, inputmode: "decimal", required: true, width: "short" },
  ], { add: "Add an item" });
  const suggested = (item) => ({ item: item.instalment, amount: decimal(left(item), currency) });
  rows.set([suggested(items.find((item) => left(item) > 0) ?? items[0])]);
  place.addEventListener("change", ({ target }) => {
    const item = target.name === "item" && items.find((one) => one.instalment === target.value);
    if (item) target.closest("li").fields.amount.input.value = decimal(left(item), currency);
  });
  const dispute = asked("dispute-form", "A dispute that came otherwise than on a call …", [
    el("label", {}, "Reason", el("select", { name: "reason" }, reasons.map((reason) => el("option", { value: reason.code }, reason.name)))), place,
  ], main("Open the dispute"), async (form) => {
    const disputed = rows.get().map((row) => ({ id: row.item, amount_minor: amount(row.amount, left(items.find((item) => item.instalment === row.item))) }));
    await api("POST", `${at}/disputes`, { reason: form.reason.value, items: disputed });
    await done();
    say("The dispute is open: its department has a task.");
  });
  return [promise, plan, dispute];
}

const REASONS = [["withdrawn", "the debtor took it back"], ["error", "it was recorded by mistake"], ["credited", "all of it was credited"], ["dispute_upheld", "it is disputed, rightly"]];

/** A form that takes an open promise back; callers may say that the debtor has withdrawn it. */
export function takeBack(promise, me, done) {
  const reasons = me.role === "agent" ? REASONS.slice(0, 1) : REASONS;
  return asked(`promise-${promise.id}`, "Take back …", el("label", {}, "Why", el("select", { name: "reason" }, reasons.map(([value, title]) => el("option", { value }, title)))), el("button", { class: "danger" }, "Take the promise back"), async (form) => {
    await api("POST", `/api/promises/${promise.id}/cancel`, { reason: form.reason.value });
    await done();
    say("The promise is taken back.");
  });
}

/** A button that shows what is behind a line in `place`. */
export const opener = (label, place, read) => el("button", { type: "button", class: "slim", "aria-label": label, onclick: async () => {
  fill(place, await read());
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
} }, "Open");
