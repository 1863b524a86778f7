// The disposition: chosen by key or click; the fields it requires appear; sent once, however often it is tried.
import { api, daysLater, decimal, el, fill, minorOf, momentIn, words } from "/assets/common.js";
import { planFields, planOf, showParts } from "/assets/plans.js";

const CATEGORIES = ["right_party", "third_party", "wrong_party", "no_contact"];
/** Where this tab keeps what was typed for the present call. */
const DRAFT = "disposition";
const catalogues = new Map();
let reasons = [];

/** The dispositions an agent may choose from; asked for once. */
function catalogue(set) {
  if (!catalogues.has(set)) {
    const asked = api("GET", `/api/dispositions/${encodeURIComponent(set)}`).then((found) => found.items.filter((item) => !item.automatic));
    asked.catch(() => catalogues.delete(set));
    catalogues.set(set, asked);
  }
  return catalogues.get(set);
}

const disputedField = (item) => `disputed-${item.id}`;

export class Wrap {
  constructor(form, { me, picked, recorded }) {
    Object.assign(this, { form, me, picked, recorded });
    form.addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    form.addEventListener("items", () => { this.suggestAmount(); this.listDisputed(); this.remember(); });
    form.addEventListener("input", () => this.remember());
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.chosen) this.choose(null);
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.save();
    });
  }

  /** A new call is on the screen. */
  async start(pop) {
    Object.assign(this, { pop, chosen: null, attempt: null, amountTyped: false, choices: [] });
    fill(this.form, el("h2", {}, "What did the call lead to?"), el("p", { class: "quiet small" }, "Loading …"));
    try {
      this.choices = await catalogue(pop.disposition_set);
      if (!reasons.length) reasons = (await api("GET", "/api/dispute-reasons")).items;
    } catch (error) {
      fill(this.form, el("p", { class: "bar bad", role: "alert" }, `The dispositions could not be loaded: ${error.message}`),
        el("button", { type: "button", onclick: () => this.start(pop) }, "Try again"));
      return;
    }
    if (this.pop.call !== pop.call) return;
    this.draw();
    this.recall();
  }

  /** The same call: there may be more to see of it than before. */
  update(pop) {
    const more = this.pop.ask_for && !pop.ask_for;
    this.pop = pop;
    if (more && this.choices.length) this.draw();
  }

  /** What has been agreed about a debt was agreed with somebody whose name is known. */
  offered() {
    return this.choices.filter((item) => !this.pop.ask_for || item.category !== "right_party");
  }

  /** What was typed so far, kept by this tab: a reload in the middle of a call loses nothing. */
  remember() {
    if (!this.pop) return;
    const typed = [...this.form.elements].filter((field) => field.name).map((field) => [field.name, field.type === "checkbox" ? field.checked : field.value]);
    const draft = { call: this.pop.call, code: this.chosen?.code ?? null, items: this.picked().map((item) => item.id), typed: Object.fromEntries(typed) };
    sessionStorage.setItem(DRAFT, JSON.stringify(draft));
  }

  recall() {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
    if (draft?.call !== this.pop.call) return;
    for (const id of draft.items) {
      const box = document.getElementById(`item-${id}`);
      if (box && !box.checked) box.click();
    }
    const choice = this.offered().find((item) => item.code === draft.code);
    if (choice) this.choose(choice);
    for (const [name, value] of Object.entries(draft.typed)) {
      const field = this.field(name);
      if (field?.type === "checkbox") field.checked = value;
      else if (field) field.value = value;
    }
    this.amountTyped = "amount" in draft.typed;
    this.remember();
  }

  /** A key was pressed outside of a field; true if it chose a disposition. */
  press(key) {
    const choice = this.offered().find((item) => item.hotkey === key);
    if (choice) this.choose(choice);
    return Boolean(choice);
  }

  choose(choice) {
    this.chosen = choice;
    this.attempt = null;
    this.draw();
    this.remember();
    if (!choice) return this.form.querySelector(".codes button")?.focus();
    const first = this.form.querySelector("fieldset input, fieldset select") ?? (this.needs("note") ? this.field("note") : this.form.querySelector("#save"));
    first.focus();
    first.select?.();
  }

  draw() {
    const note = this.field("note")?.value ?? "";
    const groups = CATEGORIES.map((category) => [category, this.offered().filter((item) => item.category === category)]);
    fill(this.form,
      el("h2", {}, "What did the call lead to?"),
      this.chosen
        ? el("p", { class: "chosen" }, this.chosen.label, el("button", { type: "button", class: "slim", onclick: () => this.choose(null) }, "Change ", el("kbd", {}, "Esc")))
        : el("div", { class: "codes" }, groups.flatMap(([category, items]) => (items.length ? [el("h3", {}, words(category)), ...items.map((item) => this.button(item))] : []))),
      this.chosen ? el("fieldset", {}, el("legend", { class: "only-read" }, this.chosen.label), ...this.required()) : null,
      el("label", {}, this.needs("note") ? "Note" : "Note (if there is something to add)", el("textarea", { name: "note", maxlength: "4000", rows: "2" })),
      el("p", { class: "wrong", role: "alert", hidden: true }),
      el("button", { id: "save", class: "main", disabled: !this.chosen }, this.chosen ? `Record: ${this.chosen.label}` : "Choose a disposition", " ", el("kbd", {}, "Enter")));
    this.field("note").value = note;
  }

  button(item) {
    return el("button", { type: "button", "aria-keyshortcuts": item.hotkey, onclick: () => this.choose(item) },
      item.label, item.hotkey ? el("kbd", {}, item.hotkey) : null);
  }

  needs = (field) => Boolean(this.chosen?.required.includes(field));
  field = (name) => this.form.elements.namedItem(name);

  required() {
    const fields = [];
    if (this.needs("promise")) fields.push(this.promiseFields());
    if (this.needs("plan")) fields.push(this.planFields());
    if (this.needs("callback_at")) fields.push(this.callbackFields());
    if (this.needs("dispute")) fields.push(this.disputeFields());
    if (this.needs("items") && !this.needs("dispute")) fields.push(el("p", { class: "quiet small" }, "Tick the open items it is about."));
    return fields;
  }

  promiseFields() {
    const { currency } = this.pop.account.collectible;
    const today = this.me.business_date;
    const amount = el("input", { name: "amount", inputmode: "decimal", autocomplete: "off", class: "figure", value: decimal(this.suggested(), currency), oninput: () => { this.amountTyped = true; } });
    return el("div", { class: "pair" },
      el("label", {}, `Amount (${currency})`, amount),
      el("label", {}, "Will be paid by", el("input", { name: "due_on", type: "date", min: today, max: daysLater(today, 366), value: this.workday(daysLater(today, 7)) })),
      this.pop.account.promises.some((promise) => promise.status === "open")
        ? el("label", { class: "check" }, el("input", { name: "besides", type: "checkbox" }), "The promises before stay besides it")
        : null);
  }

  /** What is outside of the caller's limits a supervisor may allow. */
  async ask() {
    const { amount_minor, due_on } = this.body().promise;
    const { currency } = this.pop.account.collectible;
    const subject = `May ${this.pop.account.name} pay ${decimal(amount_minor, currency)} ${currency} by ${due_on}?`.slice(0, 200);
    const task = { kind: "approve", account: this.pop.account.id, subject, department: "supervision", due_on: this.me.business_date, priority: "urgent" };
    const place = this.form.querySelector(".wrong");
    try {
      await api("POST", "/api/tasks", task);
      place.textContent = "A supervisor was asked. Record it once it is allowed.";
    } catch (error) {
      place.textContent = error.message;
    }
  }

  planFields() {
    const { currency } = this.pop.account.collectible;
    const show = async () => {
      const place = this.form.querySelector("#plan-parts");
      try {
        await showParts(place, this.pop.account.id, planOf(this.field, currency, this.picked().map((item) => item.id)), currency);
      } catch (error) {
        fill(place, el("p", { class: "wrong" }, error.message));
      }
    };
    return el("div", { class: "stack" }, planFields(this.suggested(), currency, this.me.business_date),
      el("button", { type: "button", id: "plan-show", onclick: show }, "Show the instalments"));
  }

  callbackFields() {
    const zone = this.zone();
    const today = new Intl.DateTimeFormat("sv", { timeZone: zone }).format(new Date(Date.parse(`${this.me.business_date}T12:00:00Z`)));
    return el("div", {},
      el("label", {}, `Call back at (time in ${zone})`, el("input", { name: "callback_at", type: "datetime-local", value: `${this.workday(daysLater(today, 1))}T10:00` })),
      el("label", { class: "check" }, el("input", { name: "callback_mine", type: "checkbox", checked: true }), "Give the call to me, if I am free then"));
  }

  disputeFields() {
    return el("div", {},
      el("label", {}, "Reason", el("select", { name: "dispute_reason" }, reasons.map((reason) => el("option", { value: reason.code }, reason.name)))),
      el("div", { id: "disputed" }, this.disputedItems()));
  }

  /** How much of each ticked item is disputed: all that is left of it, unless something else is typed. */
  disputedItems() {
    const items = this.picked();
    if (!items.length) return [el("p", { class: "quiet small" }, "Tick the open items that are disputed.")];
    return items.map((item) => {
      const { currency } = item.open;
      const name = disputedField(item);
      const value = this.field(name)?.value ?? decimal(item.open.minor - item.disputed.minor, currency);
      return el("label", {}, `Disputed of ${item.invoice} (${currency})`, el("input", { name, inputmode: "decimal", autocomplete: "off", class: "figure", value }));
    });
  }

  listDisputed() {
    const place = this.form.querySelector("#disputed");
    if (place) fill(place, ...this.disputedItems());
  }

  zone = () => (this.pop.account?.contact ?? this.pop.ask_for)?.zones[0] ?? this.me.zone;

  /** The date itself, or the Monday after a weekend. */
  workday(date) {
    const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
    return daysLater(date, { 0: 1, 6: 2 }[weekday] ?? 0);
  }

  /** What is likely to be promised: the ticked items, else everything that may be asked for. */
  suggested() {
    const items = this.picked();
    const left = items.reduce((sum, item) => sum + item.open.minor - item.disputed.minor, 0);
    return items.length ? left : Math.max(0, this.pop.account.collectible.minor);
  }

  suggestAmount() {
    const amount = this.field("amount");
    if (amount && !this.amountTyped) amount.value = decimal(this.suggested(), this.pop.account.collectible.currency);
  }

  /** The body of the request; throws what is wrong with a field. */
  body() {
    const wrong = (field, detail) => { throw Object.assign(new Error(detail), { field }); };
    const items = this.picked();
    const ids = items.map((item) => item.id);
    const note = this.field("note").value.trim();
    const body = { code: this.chosen.code, items: ids, ...(note ? { note } : {}) };
    if (this.needs("note") && !note) wrong("note", "Write a note.");
    if (this.needs("promise")) {
      const amount_minor = minorOf(this.field("amount").value, this.pop.account.collectible.currency);
      if (!amount_minor) wrong("amount", "Enter an amount, such as 1250.00.");
      if (!this.field("due_on").value) wrong("due_on", "Enter a date.");
      body.promise = { amount_minor, due_on: this.field("due_on").value, items: ids, besides: Boolean(this.field("besides")?.checked) };
    }
    if (this.needs("plan")) body.plan = planOf(this.field, this.pop.account.collectible.currency, ids);
    if (this.needs("callback_at")) {
      if (!this.field("callback_at").value) wrong("callback_at", "Enter a date and a time.");
      body.callback_at = momentIn(this.zone(), this.field("callback_at").value);
      body.callback_mine = this.field("callback_mine").checked;
    }
    if (this.needs("dispute")) {
      if (!items.length) wrong("dispute_reason", "Tick the open items that are disputed.");
      const disputed = items.map((item) => {
        const amount_minor = minorOf(this.field(disputedField(item)).value, item.open.currency);
        if (!amount_minor || amount_minor > item.open.minor) wrong(disputedField(item), `Enter an amount up to ${decimal(item.open.minor, item.open.currency)}.`);
        return { id: item.id, amount_minor };
      });
      body.dispute = { reason: this.field("dispute_reason").value, items: disputed };
    }
    if (this.needs("items") && !items.length) wrong("note", "Tick the open items it is about.");
    return body;
  }

  async save() {
    if (!this.chosen || this.saving) return;
    const { pop } = this;
    try {
      const body = this.body();
      const sent = JSON.stringify(body);
      // The same request again, after a lost connection, is the same attempt: it is recorded once.
      if (this.attempt?.sent !== sent) this.attempt = { sent, key: crypto.randomUUID() };
      this.busy(true);
      const answer = await api("POST", `/api/calls/${pop.call}/disposition`, body, { "idempotency-key": this.attempt.key });
      sessionStorage.removeItem(DRAFT);
      this.recorded(answer);
    } catch (error) {
      if (this.pop === pop) this.refuse(error);
    } finally {
      this.busy(false);
    }
  }

  busy(saving) {
    this.saving = saving;
    const save = this.form.querySelector("#save");
    if (save) save.disabled = saving || !this.chosen;
  }

  refuse(error) {
    const names = { "promise.amount_minor": "amount", "promise.due_on": "due_on", "promise.besides": "besides", "plan.total_minor": "plan_total", "plan.covers_minor": "plan_covers", "plan.down_minor": "plan_down", "plan.instalments": "plan_instalments", "plan.first_on": "plan_first_on", "dispute.reason": "dispute_reason" };
    const field = this.field(names[error.field] ?? error.field ?? "");
    const place = this.form.querySelector(".wrong");
    place.hidden = false;
    place.textContent = error instanceof TypeError ? "The connection was lost. Try again: it is recorded once." : error.message;
    if (/ask a supervisor/.test(error.message ?? "")) place.append(" ", el("button", { type: "button", class: "slim", id: "ask", onclick: () => this.ask() }, "Ask a supervisor"));
    this.form.querySelectorAll("[aria-invalid]").forEach((other) => other.removeAttribute("aria-invalid"));
    field?.setAttribute?.("aria-invalid", "true");
    field?.focus?.();
  }
}
