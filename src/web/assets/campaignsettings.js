// The settings of a campaign: a form, made of what there is to say about each of them.
import { api, attempt, byId, decimal, el, fill, minorOf } from "/assets/common.js";
import { Hours } from "/assets/hours.js";
import { forget, onSubmit, said, wrong } from "/assets/forms.js";

/** Minor units are shown with two decimals, which most currencies have. */
const SHOWN = "USD";
const number = (name, label, min, max) => ({ name, label, kind: "number", attributes: { type: "number", min: String(min), max: String(max), required: true } });
const money = (name, label) => ({ name, label, kind: "money", attributes: { inputmode: "decimal", required: true } });
const check = (name, label) => ({ name, label, kind: "check" });
const area = (name, label, maxlength, rows = "2") => ({ name, label, kind: "area", wide: true, attributes: { maxlength, rows } });

/** What there is, in the order in which people think of it; names are paths in the settings. */
const GROUPS = [
  ["Who calls, and what is said", [
    { name: "creditor_name", label: "Who calls, as messages say it", attributes: { maxlength: "120" } },
    { name: "caller_ids", label: "From which numbers, one a line", kind: "lines", attributes: { rows: "2" } },
    area("script", "What the agent says; {name} and {balance} are filled in on the screen", "10000", "4"),
    area("abandoned_message", "Said to a person for whom no agent was free: {creditor} and {number}, nothing about a debt; empty: the usual words", "2000"),
    area("machine_message", "Left on a machine, in the same way; empty: hangs up", "2000"),
  ]],
  ["Whom it calls", [
    { name: "list.portfolio", label: "Portfolio", kind: "choice", empty: null },
    money("list.min_collectible_minor", "At least so much to collect"),
    check("list.include_not_yet_due", "Also accounts of which nothing is due yet"),
    check("list.remind_promises", "Also promises that are due today, as a reminder"),
    { name: "languages", label: "Languages of its agents, such as en, es; empty: any", kind: "commas", attributes: {} },
  ]],
  ["When, in the debtor's own time", []],
  ["By which rules", [
    { name: "policy", label: "Policy", kind: "choice" },
    { name: "collector", label: "Who collects", kind: "choice", choices: [["first", "the creditor, in its own name"], ["third", "an agency"]] },
    { name: "purpose", label: "What the calls are for", kind: "choice", choices: [["collection", "collecting, and nothing else"], ["sales", "selling, too"]] },
    number("limits.attempts_per_number_per_day", "Attempts on a number in a day", 1, 10),
    number("limits.attempts_per_person_per_week", "Attempts on a person in seven days", 1, 7),
    number("limits.attempts_per_account", "Attempts on an account altogether", 1, 100),
  ]],
  ["Lines and seconds", [
    number("limits.max_lines", "Lines at the same time", 1, 1000),
    number("limits.ring_seconds", "A line rings for, seconds", 15, 60),
    number("limits.hold_seconds", "An agent is on the line within, seconds", 1, 10),
    number("limits.wrap_up_seconds", "Time to record the outcome, seconds", 5, 600),
    { name: "disposition_set", label: "Set of outcomes to choose from", attributes: { maxlength: "64", required: true } },
  ]],
  ["Rest after a call, minutes", [
    number("retry.busy", "Engaged", 1, 43200), number("retry.no_answer", "No answer", 1, 43200), number("retry.machine", "Machine", 1, 43200),
    number("retry.failed", "Could not be placed", 1, 43200), number("retry.abandoned", "No agent was free", 1, 43200),
    number("retry.canceled", "Given up by us", 1, 43200), number("retry.contact", "Talk that settled nothing", 1, 43200),
  ]],
  ["Promises", [
    number("limits.promise_grace_days", "Grace after the day, business days", 0, 30),
    money("limits.promise_tolerance_minor", "May be missing, amount …"),
    number("limits.promise_tolerance_percent", "… or per cent; the higher counts", 0, 50),
    check("limits.promise_cleared_only", "Only money that has cleared keeps a promise"),
  ]],
  ["Who comes first: points at most for", [
    number("weights.balance", "The amount", 0, 1000), number("weights.age", "Its age", 0, 1000), number("weights.promise_history", "Promises broken before", 0, 1000),
    number("weights.freshness", "Few attempts so far", 0, 1000), number("weights.reach", "A number where people answer", 0, 1000), number("weights.answer_chance", "The chance of an answer at this hour", 0, 1000),
  ]],
];
const FIELDS = GROUPS.flatMap(([, fields]) => fields);
const form = byId("settings");
const hours = new Hours("hours");
/** The campaign as the form shows it. */
let shown = null;

const at = (settings, name) => name.split(".").reduce((part, key) => part[key], settings);
function put(settings, name, value) {
  const keys = name.split(".");
  const last = keys.pop();
  keys.reduce((part, key) => part[key], settings)[last] = value;
}

function input({ name, kind, attributes, choices }) {
  if (kind === "choice") return el("select", { name }, (choices ?? []).map(([value, title]) => el("option", { value }, title)));
  if (kind === "check") return el("input", { type: "checkbox", name });
  if (kind === "area" || kind === "lines") return el("textarea", { name, ...attributes });
  return el("input", { name, autocomplete: "off", ...attributes });
}
function part(field) {
  if (field.kind === "check") return el("label", { class: "check" }, input(field), field.label);
  return el("label", { class: field.wide ? "wide" : "" }, `${field.label} `, input(field));
}

function draw({ name, kind, empty }, settings) {
  const value = at(settings, name);
  const field = form.elements.namedItem(name);
  if (kind === "check") field.checked = value;
  else if (kind === "money") field.value = decimal(value, SHOWN);
  else if (kind === "lines") field.value = value.join("\n");
  else if (kind === "commas") field.value = value.join(", ");
  else {
    // A portfolio or policy of which the service no longer has anything is kept as it is.
    if (kind === "choice" && value && ![...field.options].some((option) => option.value === value)) field.append(el("option", { value }, value));
    field.value = value === empty ? "" : value ?? "";
  }
}
function typed({ name, kind, empty }) {
  const field = form.elements.namedItem(name);
  if (kind === "check") return field.checked;
  if (kind === "number") return Number(field.value);
  if (kind === "money") return minorOf(field.value, SHOWN) ?? wrong(name, `expected an amount such as ${decimal(50000, SHOWN)}`);
  if (kind === "lines") return field.value.split("\n").map((one) => one.trim()).filter(Boolean);
  if (kind === "commas") return field.value.split(/[\s,;]+/).filter(Boolean);
  return kind === "choice" && empty !== undefined && !field.value ? empty : field.value;
}

/** Shows the settings; those of the campaign that is shown already only where they have changed. */
export function showSettings(campaign) {
  const same = shown?.id === campaign.id && JSON.stringify(shown.settings) === JSON.stringify(campaign.settings);
  shown = campaign;
  if (same || !form.elements.length) return;
  for (const field of FIELDS) draw(field, campaign.settings);
  hours.set(campaign.settings.hours);
}

/** Makes the form; `kept` hears of the campaign as it is afterwards. */
export function startSettings({ portfolios, policies }, kept) {
  const groups = GROUPS.map(([title, fields]) => el("fieldset", {}, el("legend", {}, title), fields.length ? el("div", { class: "fields" }, fields.map(part)) : hours.place));
  const again = el("button", { type: "button", onclick: () => attempt(async () => {
    const campaign = await api("GET", `/api/campaigns/${shown.id}`);
    shown = null;
    forget(form);
    await kept(campaign);
  }) }, "Forget what was typed");
  fill(form, groups, el("p", { class: "quiet small" }, "Amounts in a currency with two decimals; where it has none, 5.00 counts as 500. The queue is built anew by what is kept."),
    el("div", { class: "row" }, el("button", { class: "main" }, "Keep"), again, said()));
  fill(form.elements.namedItem("list.portfolio"), el("option", { value: "" }, "all"), portfolios.map((name) => el("option", { value: name }, name)));
  fill(form.elements.namedItem("policy"), policies.map(({ name, title }) => el("option", { value: name }, `${name}: ${title}`)));
  if (shown) {
    const campaign = shown;
    shown = null;
    showSettings(campaign);
  }
  onSubmit(form, async () => {
    const settings = structuredClone(shown.settings);
    for (const field of FIELDS) put(settings, field.name, typed(field));
    settings.hours = hours.get();
    const campaign = await api("PUT", `/api/campaigns/${shown.id}/settings`, { version: shown.version, settings });
    await kept(campaign);
  }, "Kept.");
}
