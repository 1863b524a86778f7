// Who takes the calls of a campaign.
import { api, attempt, byId, el, fill, words } from "/assets/common.js";
import { onSubmit, said } from "/assets/forms.js";

const form = byId("assign");
let campaign = null;
let changed = null;

const assign = (agent, to) => api("PUT", `/api/agents/${agent}/campaign`, { campaign: to });

/** Those of the campaign, and those who could be: agents who may log in, and whoever has been at a desk. */
export async function showAgents(one, campaigns) {
  campaign = one;
  const [{ items: seen }, owners] = await Promise.all([api("GET", "/api/agents"), api("GET", "/api/owners")]);
  const known = new Set(seen.map(({ id }) => id));
  const all = [...seen, ...owners.filter(({ id }) => !known.has(id)).map((agent) => ({ ...agent, campaign: null, state: "offline" }))];
  all.sort((a, b) => a.name.localeCompare(b.name));
  const mine = all.filter((agent) => agent.campaign === one.id);
  const others = all.filter((agent) => agent.campaign !== one.id);
  fill(byId("agents"), mine.length ? mine.map(line) : el("li", { class: "quiet" }, "Nobody takes its calls yet."));
  const choice = ({ id, name, campaign: now }) => el("option", { value: id }, now ? `${name}, now in ${campaigns.get(now)?.name ?? "another campaign"}` : name);
  fill(form.elements.agents, others.length ? others.map(choice) : el("option", { disabled: true }, "There is nobody else."));
}

const line = (agent) => el("li", { "data-agent": agent.name }, el("b", {}, agent.name), el("span", { class: "quiet small" }, words(agent.state)),
  el("div", { class: "end" }, el("button", { type: "button", class: "slim", "aria-label": `Take ${agent.name} out`, onclick: () => out(agent) }, "Take out")));

async function out(agent) {
  await attempt(async () => {
    await assign(agent.id, null);
    await changed();
  }, `${agent.name} takes no calls of ${campaign.name} any more.`);
  (byId("agents").querySelector("button") ?? form.elements.agents).focus();
}

/** `done` shows the campaigns and these agents anew. */
export function startAgents(done) {
  changed = done;
  form.append(said());
  onSubmit(form, async () => {
    try {
      for (const option of [...form.elements.agents.selectedOptions]) {
        await assign(option.value, campaign.id).catch((error) => { throw Object.assign(new Error(`${option.text}: ${error.message}`), { field: "agents" }); });
      }
    } finally {
      // Those before the one that was refused are assigned.
      await changed();
    }
  }, "Assigned.");
}
