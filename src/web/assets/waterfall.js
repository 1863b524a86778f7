// Where every account of a campaign's list stands: held out by which rule, or ready. Each number opens the accounts behind.
import { api, byId, el, fill, money, text, words } from "/assets/common.js";

const NAMES = { not_listed: "Not in the list", held: "Held", waiting: "Waiting", rule: "Refused by", ready: "Ready" };
/** Accounts that are shown behind a step. */
const SHOWN = 200;
const campaigns = byId("waterfall-campaign");
// What was asked last: an answer to an earlier question is not shown.
let [looking, opening] = [0, 0];

/** The order in which the steps are asked. */
const place = (step) => Object.keys(NAMES).indexOf(step.split(":")[0]);

async function list() {
  const { items } = await api("GET", "/api/campaigns");
  fill(campaigns, items.map((campaign) => el("option", { value: campaign.id }, `${campaign.name} (${words(campaign.state)})`)));
}

/** `held:no_callable_number` as a person reads it. */
function named(step) {
  const [kind, what] = step.split(/:(.*)/);
  return what ? `${NAMES[kind]}: ${words(what.replace("/", ": "))}` : NAMES[kind];
}

/** Where the accounts stand; a long list comes in parts, which are added up as they come. */
async function look() {
  const id = campaigns.value;
  if (!id) return;
  const [wanted, counts] = [(looking += 1), new Map()];
  let [examined, next] = [0, ""];
  text(byId("waterfall-sum"), "Looking …");
  fill(byId("waterfall-accounts"));
  try {
    do {
      const fall = await api("GET", `/api/campaigns/${id}/waterfall${next && `?cursor=${next}`}`);
      if (wanted !== looking) return;
      fall.steps.forEach(({ step, accounts }) => counts.set(step, (counts.get(step) ?? 0) + accounts));
      [examined, next] = [examined + fall.examined, fall.next ?? ""];
      draw(id, counts);
      text(byId("waterfall-sum"), `${examined} accounts looked at${next ? ", looking on …" : ""}`);
    } while (next);
  } catch (error) {
    text(byId("waterfall-sum"), error.message);
  }
}

function draw(id, counts) {
  const steps = [...counts].sort(([one], [other]) => place(one) - place(other));
  const most = Math.max(1, ...counts.values());
  fill(byId("waterfall"), steps.map(([step, accounts]) => el("li", {},
    el("button", { type: "button", class: "slim figure", onclick: () => open(id, step) }, String(accounts)),
    el("span", {}, named(step)),
    el("meter", { min: "0", max: String(most), value: String(accounts), "aria-hidden": "true" }))));
}

/** The accounts behind a step: the list is searched on until some are found. */
async function open(id, step) {
  const [wanted, found] = [(opening += 1), []];
  let next = "";
  fill(byId("waterfall-accounts"), el("li", { class: "quiet" }, "Looking …"));
  do {
    const query = new URLSearchParams({ step, ...(next && { cursor: next }) });
    const part = await api("GET", `/api/campaigns/${id}/waterfall/accounts?${query}`);
    if (wanted !== opening) return;
    found.push(...part.items);
    next = part.next ?? "";
  } while (next && found.length < SHOWN);
  fill(byId("waterfall-accounts"), found.slice(0, SHOWN).map((account) => el("li", {},
    el("a", { href: `/accounts/${account.id}`, target: "_blank" }, el("b", { class: "figure" }, account.number), ` ${account.name}`),
    el("span", { class: "figure" }, money({ minor: account.collectible_minor, currency: account.currency })))),
  next || found.length > SHOWN ? el("li", { class: "quiet" }, `the first ${SHOWN}`) : null);
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
