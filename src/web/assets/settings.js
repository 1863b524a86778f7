// What a house settles once: who bills, credit rules, who may post how much, payment terms.
import { api, attempt, byId, decimal, el, fill, logOut, minorOf, text, whoAmI, words } from "/assets/common.js";
import { Rows } from "/assets/rows.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);
const admin = me.role === "admin";
/** What is not said in a currency is shown with two decimals, which most have. */
const SHOWN = "USD";
const house = byId("house").elements;
const credit = byId("credit").elements;
const limit = byId("limit").elements;
const term = byId("term").elements;
const KINDS = ["payment", "credit_note", "write_off", "small_balance", "discount", "bank_charge", "short_pay", "interest", "fee", "waiver", "refund", "reversal"];
const ISSUER = ["name", "address", "email", "phone", "tax_id", "bank"];

const of = (form) => `portfolio=${encodeURIComponent(form.portfolio.value)}`;
const submit = (id, act, done) => byId(id).addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(act, done);
});

function minor(input, currency = SHOWN) {
  const found = minorOf(input.value, currency);
  if (found === null) throw Object.assign(new Error(`expected an amount such as ${decimal(50000, currency)}`), { field: input.name.replace("_minor", "") });
  return found;
}

/** Hundredths of a per cent of what somebody typed. */
function basis(typed, field) {
  const match = /^(\d{1,3})(?:[.,](\d{1,2}))?$/.exec(typed.trim());
  if (!match) throw Object.assign(new Error("expected per cent, such as 50 or 33.33"), { field });
  return Number(match[1] + (match[2] ?? "").padEnd(2, "0"));
}

const example = () => text(byId("example"), house.prefix.value + String(house.next.value || 1).padStart(Number(house.width.value) || 1, "0"));

async function showHouse() {
  const { issuer, numbers } = await api("GET", `/api/issuers?${of(house)}`);
  for (const name of ISSUER) house[name].value = issuer[name];
  for (const name of ["prefix", "width", "next"]) house[name].value = numbers[name];
  house.next.min = numbers.next;
  example();
}

async function showCredit() {
  const rules = await api("GET", `/api/credit-rules?${of(credit)}`);
  credit.hold_over_limit.checked = rules.hold_over_limit;
  for (const name of ["hold_overdue_days", "flag_points", "review_days"]) credit[name].value = rules[name] ?? "";
  for (const name of ["hold_overdue_minor", "starting_limit_minor"]) credit[name].value = decimal(rules[name], SHOWN);
}

async function showLimits() {
  const limits = await api("GET", "/api/posting-limits");
  const roles = ["agent", "supervisor", "admin"];
  const currencies = [...new Set(limits.map((one) => one.currency))].sort();
  const cell = (role, kind) => {
    const lines = currencies.flatMap((currency) => limits.filter((one) => one.role === role && one.kind === kind && one.currency === currency));
    return lines.map((one) => `${one.most_minor === null ? "no limit" : decimal(one.most_minor, one.currency === "***" ? SHOWN : one.currency)}${one.currency === "***" ? "" : ` ${one.currency}`}`).join(", ") || "nothing";
  };
  fill(byId("limit-heads"), el("tr", {}, ["Posting", ...roles].map((name) => el("th", { scope: "col" }, name))));
  fill(byId("limits"), KINDS.map((kind) => el("tr", {}, el("th", { scope: "row" }, words(kind)), roles.map((role) => el("td", { class: "figure" }, cell(role, kind))))));
}

const parts = new Rows(byId("parts"), "Parts", [
  { name: "share", label: "Share, %", inputmode: "decimal", required: true, width: "short" },
  { name: "net", label: "Days after the invoice date", type: "number", min: "0", max: "3650", required: true, width: "short" },
  { name: "end", label: "Moved to the end of its month", choices: [["", "no"], ["yes", "yes"]], width: "short" },
], { add: "Add a part" });

async function showTerms() {
  const all = await api("GET", "/api/payment-terms");
  const part = (one) => `${decimal(one.share_bp, SHOWN)} % in ${one.net_days} days${one.end_of_month ? ", end of month" : ""}`;
  fill(byId("terms"), all.map(({ code, terms }) => el("li", {}, el("b", {}, code), el("span", {}, terms.parts.map(part).join("; ")),
    terms.discount ? el("span", { class: "quiet small" }, `${decimal(terms.discount.share_bp, SHOWN)} % within ${terms.discount.days} days`) : null,
    admin ? el("button", { class: "slim end", type: "button", "aria-label": `Change ${code}`, onclick: () => editTerms(code, terms) }, "Change") : null)));
}

function editTerms(code, terms) {
  term.code.value = code;
  parts.set(terms.parts.map((one) => ({ share: decimal(one.share_bp, SHOWN), net: String(one.net_days), end: one.end_of_month ? "yes" : "" })));
  term.discount.value = terms.discount ? decimal(terms.discount.share_bp, SHOWN) : "";
  term.days.value = terms.discount?.days ?? "";
  term.code.focus();
}

submit("house", async () => {
  const issuer = Object.fromEntries(ISSUER.map((name) => [name, house[name].value]));
  await api("PUT", `/api/issuers?${of(house)}`, { issuer, numbers: { prefix: house.prefix.value, width: Number(house.width.value), next: Number(house.next.value) } });
  await showHouse();
}, "Kept.");
submit("credit", async () => {
  await api("PUT", `/api/credit-rules?${of(credit)}`, { hold_over_limit: credit.hold_over_limit.checked, hold_overdue_days: credit.hold_overdue_days.value ? Number(credit.hold_overdue_days.value) : null,
    hold_overdue_minor: minor(credit.hold_overdue_minor), flag_points: Number(credit.flag_points.value), review_days: Number(credit.review_days.value), starting_limit_minor: minor(credit.starting_limit_minor) });
}, "Kept: the next look at each account goes by it.");
submit("limit", async () => {
  const currency = limit.currency.value.toUpperCase();
  await api("PUT", "/api/posting-limits", { role: limit.role.value, kind: limit.kind.value, currency, most_minor: limit.most.value.trim() ? minor(limit.most, currency === "***" ? SHOWN : currency) : null });
  await showLimits();
}, "Set.");
submit("term", async () => {
  const given = { parts: parts.get().map(({ share, net, end }) => ({ share_bp: basis(share, "share"), net_days: Number(net), end_of_month: end === "yes" })) };
  if (term.discount.value.trim()) given.discount = { share_bp: basis(term.discount.value, "discount"), days: Number(term.days.value) };
  await api("PUT", "/api/payment-terms", { code: term.code.value, terms: given });
  await showTerms();
}, "Set: invoices that were issued before stay as they are.");
house.portfolio.addEventListener("change", () => attempt(showHouse));
credit.portfolio.addEventListener("change", () => attempt(showCredit));
for (const name of ["prefix", "width", "next"]) house[name].addEventListener("input", example);
byId("limit").hidden = byId("term").hidden = !admin;

await attempt(async () => {
  const { books } = await api("GET", "/api/periods");
  const names = books.map(({ portfolio }) => el("option", { value: portfolio }, portfolio));
  fill(house.portfolio, names);
  fill(credit.portfolio, el("option", { value: "" }, "all that have no rules of their own"), names.map((one) => one.cloneNode(true)));
  fill(limit.kind, KINDS.map((name) => el("option", { value: name }, words(name))));
  parts.set([{ share: "100", net: "30" }]);
  await Promise.all([books.length ? showHouse() : null, showCredit(), showLimits(), showTerms()]);
});
