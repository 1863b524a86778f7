// By which rules a payment finds its items: in which order they are tried, and what is too little to ask for.
import { api, attempt, byId, decimal, el, fill, minorOf, words } from "/assets/common.js";
import { onSubmit, said, wrong } from "/assets/forms.js";
import { Rows } from "/assets/rows.js";

/** Minor units are shown with two decimals, which most currencies have. */
const SHOWN = "USD";
const STEPS = {
  specified: "the remittance advice names the invoices", reference: "the payer's text names invoices or orders", exact: "one item has this amount",
  combination: "one combination of items has this amount", clear_account: "it is all that may be asked for", clear_past_due: "it is all that is past due",
  oldest_first: "the oldest due date first",
};
const ORDERS = [["fee", "interest", "principal"], ["interest", "fee", "principal"], ["principal", "interest", "fee"], ["principal", "fee", "interest"], ["fee", "principal", "interest"], ["interest", "principal", "fee"]];
const PARTIES = { "*": "anybody", consumer: "natural persons", commercial: "businesses" };
const form = byId("policy");
const steps = new Rows(byId("steps"), "Rules, tried from the top until one fits; what none takes stays unapplied", [{ name: "step", label: "Rule", choices: Object.entries(STEPS) }], { add: "Add a rule" });

function line(policy, admin) {
  const { portfolio, party_kind, spare_disputed, rules } = policy;
  const whose = `${portfolio === "*" ? "All portfolios without a line of their own" : portfolio}, ${PARTIES[party_kind]}`;
  return el("li", { "data-policy": `${portfolio} ${party_kind}` },
    el("div", { class: "head" }, el("b", {}, whose), spare_disputed ? el("span", { class: "tag" }, "spares what is disputed") : null,
      admin ? el("button", { type: "button", class: "slim amount", "aria-label": `Change: ${whose}`, onclick: () => { draw(policy); byId("policy-part").open = true; form.elements.portfolio.focus(); } }, "Change") : null),
    el("p", {}, rules.steps.length ? rules.steps.map(words).join(", then ") : "No rule: everything stays unapplied."),
    el("p", { class: "quiet small" }, `${rules.order.map(words).join(" before ")}; too little to ask for: up to ${decimal(rules.tolerance_minor, SHOWN)} and ${decimal(rules.tolerance_bp, SHOWN)} % of the item; combinations of at most ${rules.combination_items} items`));
}

/** Shows the rules of some debtors in the form. */
function draw({ portfolio, party_kind, spare_disputed, rules }) {
  const { elements } = form;
  elements.portfolio.value = portfolio;
  elements.party_kind.value = party_kind;
  elements.spare_disputed.checked = spare_disputed;
  steps.set(rules.steps.map((step) => ({ step })));
  elements.order.value = rules.order.join();
  elements.tolerance.value = decimal(rules.tolerance_minor, SHOWN);
  elements.share.value = decimal(rules.tolerance_bp, SHOWN);
  elements.combination.value = rules.combination_items;
  elements.tries.value = rules.combination_steps;
}

/** Hundredths of what somebody typed with at most two decimals. */
const hundredths = (field) => minorOf(form.elements[field].value, SHOWN) ?? wrong(field, "expected a number such as 0.50");

function typed() {
  const { portfolio, party_kind, spare_disputed, order, combination, tries } = form.elements;
  return { portfolio: portfolio.value.trim(), party_kind: party_kind.value, spare_disputed: spare_disputed.checked,
    rules: { steps: steps.get().map(({ step }) => step), order: order.value.split(","), tolerance_minor: hundredths("tolerance"), tolerance_bp: hundredths("share"),
      combination_items: Number(combination.value), combination_steps: Number(tries.value) } };
}

/** Supervisors see the rules, administrators change them. */
export function startPolicies(me) {
  const admin = me.role === "admin";
  const list = async () => {
    const policies = await api("GET", "/api/cash/policies");
    fill(byId("policies"), policies.length ? policies.map((policy) => line(policy, admin)) : el("li", { class: "quiet" }, "None of your own: the usual rules apply."));
    return policies;
  };
  byId("policy-part").hidden = !admin;
  form.querySelector("div.row:last-of-type").append(said());
  fill(form.elements.order, ORDERS.map((order) => el("option", { value: order.join() }, order.map(words).join(", "))));
  onSubmit(form, async () => {
    await api("PUT", "/api/cash/policies", typed());
    await list();
  }, "Kept: the next payment goes by it.");
  attempt(async () => {
    const [first] = await list();
    const usual = { portfolio: "*", party_kind: "*", spare_disputed: false, rules: { steps: Object.keys(STEPS), order: ORDERS[0], tolerance_minor: 100, tolerance_bp: 50, combination_items: 24, combination_steps: 20000 } };
    draw(first ?? usual);
  });
}
