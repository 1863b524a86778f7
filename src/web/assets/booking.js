// What was posted to an account, where it went, and the forms that post, take back and approve.
import { api, attempt, day, decimal, el, minorOf, money, say, text, words } from "/assets/common.js";

/** Kinds that lower what is owed, and those that raise it. */
const KINDS = ["credit_note", "write_off", "small_balance", "discount", "bank_charge", "short_pay", "interest", "fee", "waiver"];
const SHOWN = 20;
/** Postings that are read: those of invoices and payments are shown elsewhere. */
const READ = 200;
let numbered = 0;

/** A labelled field. */
function field(label, name, attributes = {}, kind = "input", ...children) {
  numbered += 1;
  const id = `booking-${name}-${numbered}`;
  return el("div", { class: "field" }, el("label", { for: id }, label), el(kind, { id, name, ...attributes }, ...children));
}
const why = () => field("Why", "reason", { maxlength: "500", required: true });

/** A form that opens under its title. */
function asked(title, fields, send, key = "") {
  const submit = (event) => {
    event.preventDefault();
    send(event.target.elements);
  };
  return el("details", { class: "ask" }, el("summary", {}, title), el("form", { class: "row", onsubmit: submit }, fields, el("button", { class: key }, title.replace(" …", ""))));
}

/** The parts of the card; `done` shows the account anew after a change. */
export async function booking(account, items, me, done) {
  const at = `/api/accounts/${account.id}`;
  const boss = me.role !== "agent";
  const { currency } = account;
  const sum = (minor) => money({ minor, currency });
  const [payments, postings, waiting, limits, { people }] = await Promise.all([api("GET", `${at}/payments?limit=${SHOWN}`), api("GET", `${at}/postings?limit=${READ}`),
    api("GET", `/api/approvals?state=requested&account=${account.id}`), api("GET", "/api/posting-limits"), api("GET", "/api/departments")]);
  const who = (id) => people.find((one) => one.id === id)?.name ?? (id ? "somebody" : "the service");

  /** Does it after a question, if there is one, and shows the account anew. */
  const change = (act, did, sure) => (sure && !confirm(sure) ? undefined : attempt(async () => {
    const outcome = await act();
    if (outcome === false) return;
    await done();
    say(outcome?.waiting ? "It is above your limit: it waits for the approval of another person." : did);
  }));
  const amount = (typed, most) => {
    const minor = minorOf(typed, currency);
    if (minor === null || minor === 0) throw Object.assign(new Error(`expected more than 0, such as ${decimal(most ?? 123456, currency)}`), { field: "amount" });
    return minor;
  };
  const named = (item) => `${item.invoice_number}${item.seq > 1 ? ` (${item.seq})` : ""}, ${money(item.open)} open`;
  const choices = (none) => [none ? el("option", { value: "" }, none) : null, ...items.map((item) => el("option", { value: item.instalment }, named(item)))];

  /** What the user may post of a kind without anybody else. */
  function reach(kind) {
    const mine = limits.filter((one) => one.role === me.role && one.kind === kind);
    const line = mine.find((one) => one.currency === currency) ?? mine.find((one) => one.currency === "***");
    if (!line) return "Another person has to approve it.";
    return line.most_minor === null ? "You may post it without a limit." : `You may post up to ${sum(line.most_minor)}; more waits for the approval of another person.`;
  }

  function poster() {
    const limit = el("p", { class: "quiet small", role: "status" });
    const kind = field("What", "kind", {}, "select", KINDS.map((name) => el("option", { value: name }, words(name))));
    const number = field("Its number", "number", { maxlength: "64", required: true });
    const item = field("Of which item", "instalment", {}, "select", choices("none: left on the account"));
    const value = field("Amount", "amount", { inputmode: "decimal", required: true });
    const [select, chosen] = [kind.querySelector("select"), item.querySelector("select")];
    const fit = () => {
      const note = select.value === "credit_note";
      number.hidden = number.querySelector("input").disabled = !note;
      chosen.options[0].hidden = chosen.options[0].disabled = !note;
      if (!note && chosen.value === "") chosen.selectedIndex = Math.min(1, items.length);
      text(limit, reach(select.value));
    };
    const fill = () => {
      const open = items.find((one) => one.instalment === chosen.value)?.open.minor;
      if (open) value.querySelector("input").value = decimal(open, currency);
    };
    select.addEventListener("change", () => { fit(); fill(); });
    chosen.addEventListener("change", fill);
    fit();
    return asked("Post a credit note or adjustment …", [kind, number, item, value, why(), limit], (form) => change(() => {
      const common = { account: account.id, amount: { minor: amount(form.amount.value), currency }, reason: form.reason.value };
      if (form.kind.value === "credit_note") {
        const applied = form.instalment.value ? [[form.instalment.value, common.amount.minor]] : [];
        return api("POST", "/api/credit-notes", { ...common, number: form.number.value, items: applied });
      }
      if (!form.instalment.value) throw Object.assign(new Error("there is no open item to adjust"), { field: "item" });
      return api("POST", "/api/adjustments", { ...common, kind: form.kind.value, instalment: form.instalment.value });
    }, "Posted."), "main");
  }

  const payer = () => asked("Record a payment …", [field("Amount", "amount", { inputmode: "decimal", required: true }), field("Received on", "on", { type: "date", required: true, value: me.business_date, max: me.business_date }),
    field("How", "method", { maxlength: "40", required: true, value: "transfer" }), field("What the payer wrote", "reference", { maxlength: "500" }), el("p", { class: "quiet small" }, reach("payment"))],
  (form) => change(() => api("POST", "/api/payments", { account: account.id, amount: { minor: amount(form.amount.value), currency }, received_on: form.on.value, method: form.method.value, reference: form.reference.value }),
    "Recorded, and applied by the rules."));
  const apply = (source, left) => asked("Apply …", [field("To", "instalment", {}, "select", choices()), field("Amount", "amount", { inputmode: "decimal", required: true, value: decimal(left, currency) })],
    (form) => change(() => api("POST", "/api/allocations", { source, instalment: form.instalment.value, minor: amount(form.amount.value, left) }), "Applied."));
  const refund = (source, left) => asked("Refund …", [field("Amount", "amount", { inputmode: "decimal", required: true, value: left ? decimal(left, currency) : "" }), why(), el("p", { class: "quiet small" }, reach("refund"))],
    (form) => change(() => {
      const minor = amount(form.amount.value, left);
      return api("POST", "/api/refunds", { account: account.id, source, amount: { minor, currency }, reason: form.reason.value });
    }, "The refund is posted: pay it out of the bank.", "Post a refund? Money goes back to the customer."));
  const unapply = (source, instalment, invoice) => el("button", { class: "slim", type: "button", "aria-label": invoice ? `Take off ${invoice}` : "Take off its items",
    onclick: () => change(() => api("POST", "/api/unapply", { source, instalment }), "Taken off: both sides are as before.") }, invoice ? "Take off" : "Take off its items");
  const takeBack = (document, bank) => asked("Take back …", [why(), bank ? el("label", { class: "check" }, el("input", { type: "checkbox", name: "returned" }), "The bank returned it") : null, el("p", { class: "quiet small" }, reach("reversal"))],
    (form) => change(() => api("POST", "/api/reversals", { document, reason: form.reason.value, returned: Boolean(form.returned?.checked) }), "Taken back.",
      "Take it back? A posting that mirrors it is made; this cannot be undone."), "danger");
  const clear = (payment) => el("button", { class: "slim", type: "button", "aria-label": `The bank has ${money(payment.amount)} for good`,
    onclick: () => change(() => api("POST", `/api/payments/${payment.id}/clear`), "Noted: the bank has it for good.") }, "Cleared");
  const move = (payment) => asked("Move to another account …", [field("Number of that account", "number", { maxlength: "64", required: true }), why()],
    (form) => change(async () => {
      const found = (await api("GET", `/api/accounts?number=${encodeURIComponent(form.number.value.trim())}`)).items.filter((one) => one.portfolio === account.portfolio && one.id !== account.id);
      if (found.length !== 1) throw Object.assign(new Error("there is no other account of that number in this portfolio"), { field: "number" });
      if (!confirm(`Move ${money(payment.amount)} to ${found[0].number} ${found[0].name}?`)) return false;
      return api("POST", `/api/payments/${payment.id}/move`, { account: found[0].id, reason: form.reason.value });
    }, "Moved: it is taken back here and recorded there."));

  function payment(one) {
    const source = { payment: one.id };
    const stands = one.state === "received" || one.state === "cleared";
    const { minor } = one.left;
    return el("li", { "data-payment": one.id },
      el("div", { class: "row" }, el("b", { class: "figure" }, money(one.amount)), el("span", {}, `${day(one.received_on)}, ${one.method}`), el("span", { class: "quiet small" }, one.reference),
        el("span", { class: `tag ${stands ? "" : "bad"}` }, words(one.state)), minor ? el("span", { class: "tag warn" }, `${money(one.left)} not applied`) : null,
        el("span", { class: "quiet small" }, `recorded by ${one.recorded_by ? who(one.recorded_by) : "an import"}`)),
      el("ul", {}, one.allocations.map((to) => el("li", { class: "row" }, el("span", {}, `${to.invoice_number}: `, el("span", { class: "figure" }, sum(to.minor))),
        el("span", { class: "quiet small" }, [words(to.mode), to.explanation.replace(/\.$/, ""), to.applied_by ? who(to.applied_by) : null, day(to.on)].filter(Boolean).join(", ")),
        boss && stands ? unapply(source, to.instalment, to.invoice_number) : null))),
      stands ? el("div", { class: "asks" }, boss && minor > 0 && items.length ? apply(source, minor) : null, minor > 0 ? refund(source, minor) : null, boss && one.state === "received" ? clear(one) : null, boss ? move(one) : null, takeBack(source, true)) : null);
  }

  function posting(one) {
    const stands = !one.reversed && one.reverses === null;
    const source = one.credit_note && one.kind === "credit_note" ? { credit_note: one.credit_note } : null;
    const document = source ?? (one.adjustment ? { adjustment: one.adjustment } : one.refund ? { refund: one.refund } : null);
    return el("li", { "data-posting": one.kind },
      el("div", { class: "row" }, el("b", { class: "figure" }, money(one.amount)), el("span", {}, `${day(one.business_date)}, ${words(one.kind)}${one.invoice_number ? ` ${one.invoice_number}` : ""}`),
        one.reverses === null ? null : el("span", { class: "tag" }, "taken back by this"), one.reversed ? el("span", { class: "tag bad" }, "taken back") : null,
        el("span", { class: "quiet small" }, `${one.reason}${one.reason ? ", " : ""}${one.posted_by ? who(one.posted_by) : "an import or a rule"}`)),
      stands && document ? el("div", { class: "asks" }, source && boss ? unapply(source, null, null) : null, source ? refund(source, null) : null, takeBack(document, false)) : null);
  }

  function approval(one) {
    const own = one.requested_by === me.user;
    const decide = (approve) => (form) => change(() => api("POST", `/api/approvals/${one.id}`, { approve, note: form.note.value }), approve ? "Approved and posted." : "Refused.");
    const note = () => field("What to say about it", "note", { maxlength: "500" });
    return el("li", { "data-approval": one.id }, el("div", { class: "row" }, el("b", { class: "figure" }, money(one.amount)), el("span", {}, words(one.kind)),
      el("span", { class: "quiet small" }, `${one.request.reason || one.request.reference || one.request.method}, asked by ${who(one.requested_by)}`), own ? el("span", { class: "tag" }, "another person decides") : null),
    own ? el("div", { class: "asks" }, el("button", { type: "button", onclick: () => change(() => api("POST", `/api/approvals/${one.id}/withdraw`), "Withdrawn.", "Withdraw what you have asked for?") }, "Withdraw"))
      : el("div", { class: "asks" }, asked("Approve …", [note()], decide(true), "main"), asked("Refuse …", [note()], decide(false))));
  }

  const list = (title, found, line, none) => [el("h3", {}, title), el("ul", { class: "booked" }, found.length ? found.map(line) : el("li", { class: "quiet" }, none))];
  const other = postings.items.filter((one) => !["payment", "invoice"].includes(one.kind));
  const rest = payments.next || postings.next || other.length > SHOWN ? el("p", { class: "quiet small" }, `The ${SHOWN} newest of each are shown; the time line has them all.`) : null;
  return [waiting.items.length ? list("Waiting for approval", waiting.items, approval, "") : null, payer(), poster(),
    list("Payments", payments.items, payment, "None."), list("Other postings", other.slice(0, SHOWN), posting, "None."), rest].flat();
}
