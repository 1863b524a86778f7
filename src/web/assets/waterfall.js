// Where every account of a campaign's list stands: held out by which rule, or ready. Each number opens the accounts behind.
import { api, byId, el, fill, money, text, words } from "/assets/common.js";

const NAMES = { not_listed: "Not in the list", held: "Held", waiting: "Waiting", rule: "Refused by", ready: "Ready" };
const campaigns = byId("waterfall-campaign");

async function list() {
  const { items } = await api("GET", "/api/campaigns");
  fill(campaigns, items.map((campaign) => el("option", { value: campaign.id }, `${campaign.name} (${words(campaign.state)})`)));
}

/** `held:no_callable_number` as a person reads it. */
function named(step) {
  const [kind, what] = step.split(/:(.*)/);
  return what ? `${NAMES[kind]}: ${words(what.replace("/", ": "))}` : NAMES[kind];
}

async function look() {
  const id = campaigns.value;
  if (!id) return;
  text(byId("waterfall-sum"), "Looking …");
  fill(byId("waterfall-accounts"));
  try {
    const fall = await api("GET", `/api/campaigns/${id}/waterfall`);
    const most = Math.max(1, ...fall.steps.map((step) => step.accounts));
    fill(byId("waterfall"), fall.steps.map((step) => el("li", {},
      el("button", { type: "button", class: "slim figure", onclick: () => open(id, step.step) }, String(step.accounts)),
      el("span", {}, named(step.step)),
      el("meter", { min: "0", max: String(most), value: String(step.accounts), "aria-hidden": "true" }))));
    text(byId("waterfall-sum"), `${fall.examined} accounts looked at${fall.cut_off ? "; the list goes on" : ""}`);
  } catch (error) {
    text(byId("waterfall-sum"), error.message);
  }
}

async function open(id, step) {
  const { items } = await api("GET", `/api/campaigns/${id}/waterfall/accounts?step=${encodeURIComponent(step)}`);
  fill(byId("waterfall-accounts"), items.map((account) => el("li", {},
    el("a", { href: `/accounts/${account.id}`, target: "_blank" }, el("b", { class: "figure" }, account.number), ` ${account.name}`),
    el("span", { class: "figure" }, money({ minor: account.collectible_minor, currency: account.currency })))));
}

byId("waterfall-form").addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});
await list();
// Another page names the campaign that it asks about.
const asked = new URLSearchParams(location.search).get("campaign");
if (asked) {
  campaigns.value = asked;
  await look();
  byId("waterfall-title").scrollIntoView();
}
