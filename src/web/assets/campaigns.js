// Campaigns: which there are, what each does, who takes its calls, by which settings.
import { api, attempt, byId, el, fill, logOut, reasonOf, say, text, whoAmI, words } from "/assets/common.js";
import { onSubmit, refuse, said } from "/assets/forms.js";
import { showAgents, startAgents } from "/assets/campaignagents.js";
import { showPacing, showQueue, startQueue } from "/assets/campaignqueue.js";
import { showSettings, startSettings } from "/assets/campaignsettings.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);

const TONE = { running: "good", draining: "warn", paused: "" };
const MODES = {
  preview: "The agent sees the account first, and decides to dial or to skip.",
  progressive: "One line for each agent who is ready.",
  ratio: "A fixed number of lines for each agent who is ready.",
  predictive: "As many lines as the risk of an abandoned call allows.",
};
const STEPS = [["start", "Start", "main"], ["pause", "Pause", ""], ["drain", "Drain", ""]];
/** What is read only where it is looked at. */
const PARTS = [["queue-part", showQueue], ["pacing-part", showPacing]];
const dials = byId("dials");
const fresh = byId("new");
/** The campaigns by id, and the one that is open below. */
let campaigns = new Map();
let one = null;

async function list() {
  const [{ items }, { items: agents }] = await Promise.all([api("GET", "/api/campaigns"), api("GET", "/api/agents")]);
  campaigns = new Map(items.map((campaign) => [campaign.id, campaign]));
  const staff = (id) => agents.filter((agent) => agent.campaign === id).length;
  fill(byId("list"), items.length ? items.map((campaign) => line(campaign, staff(campaign.id))) : el("li", { class: "quiet" }, "None yet: make one below."));
  const chosen = fresh.elements.like.value;
  fill(fresh.elements.like, el("option", { value: "" }, "the usual ones"), items.map(({ id, name }) => el("option", { value: id, selected: id === chosen }, `as ${name} has them`)));
}

function line(campaign, agents) {
  const { id, name, state, mode, ratio_milli } = campaign;
  const off = { start: state === "running", pause: state === "paused", drain: state !== "running" };
  return el("li", { "data-campaign": name },
    el("button", { type: "button", class: "link", onclick: () => attempt(() => open(id, true)) }, name),
    el("span", { class: `tag ${TONE[state]}` }, state),
    el("span", { class: "quiet small" }, [mode === "ratio" ? `${(ratio_milli / 1000).toFixed(1)} lines an agent` : mode, campaign.settings.list.portfolio, agents === 1 ? "1 agent" : `${agents} agents`].filter(Boolean).join(" · ")),
    el("div", { class: "end" }, STEPS.map(([what, title, key]) => el("button", { type: "button", class: key, "data-do": what, disabled: off[what], "aria-label": `${title} ${name}`, onclick: () => steer(campaign, what) }, title))));
}

const DONE = { start: "dials.", pause: "is paused: calls in progress go on.", drain: "places no new calls, and pauses when the last one is done." };

/** Starts, pauses or drains a campaign; the focus stays on its line, or goes to the setting that is missing. */
async function steer(campaign, what) {
  let refused = null;
  await attempt(async () => {
    const after = await api("POST", `/api/campaigns/${campaign.id}/${what}`).catch((error) => { refused = error; throw error; });
    await list();
    if (one?.id === campaign.id) adopt(after);
  }, `${campaign.name} ${DONE[what]}`);
  if (refused?.field?.startsWith("settings.")) return attempt(() => lacking(campaign.id, refused));
  const buttons = [...byId("list").querySelectorAll("[data-do]:not(:disabled)")];
  buttons.find((button) => button.getAttribute("aria-label").endsWith(` ${campaign.name}`))?.focus();
  return undefined;
}

/** Leads to the setting without which a campaign cannot start. */
async function lacking(id, refused) {
  if (one?.id !== id) await open(id, false);
  byId("settings-part").open = true;
  say(`It cannot start yet: ${reasonOf(refused)}`, true);
  // Last, since it leads to the field.
  refuse(byId("settings"), refused);
}

/** Shows what has become of the open campaign beside its forms; what was typed into its settings stays. */
function adopt(campaign) {
  one = campaign;
  text(byId("one-title"), campaign.name);
  byId("one-state").className = `tag ${TONE[campaign.state]}`;
  text(byId("one-state"), campaign.state);
  dials.elements.mode.value = campaign.mode;
  dials.elements.ratio.value = (campaign.ratio_milli / 1000).toFixed(1);
  fit();
  showSettings(campaign);
}

/** Opens a campaign below the list. */
async function open(id, focus) {
  const campaign = await api("GET", `/api/campaigns/${id}`);
  byId("one").hidden = false;
  adopt(campaign);
  byId("to-floor").href = `/floor#campaign-${id}`;
  byId("to-waterfall").href = `/floor?campaign=${id}#waterfall-title`;
  history.replaceState(null, "", `?campaign=${id}`);
  await Promise.all([showAgents(campaign, campaigns), ...PARTS.map(([id, show]) => (byId(id).open ? show(campaign) : null))]);
  if (focus) byId("one-title").focus();
}

function fit() {
  const { mode } = dials.elements;
  byId("ratio-part").hidden = dials.elements.ratio.disabled = mode.value !== "ratio";
  text(byId("mode-about"), MODES[mode.value]);
}

for (const { elements } of [dials, fresh]) fill(elements.mode, Object.keys(MODES).map((mode) => el("option", { value: mode }, words(mode))));
fresh.elements.mode.value = "progressive";
dials.append(said());
fresh.append(said());
dials.elements.mode.addEventListener("change", fit);
onSubmit(dials, async () => {
  const path = `/api/campaigns/${one.id}`;
  const { mode, ratio } = dials.elements;
  if (mode.value === "ratio") await api("PUT", `${path}/ratio`, { ratio_milli: Math.round(Number(ratio.value) * 1000) });
  adopt(await api("PUT", `${path}/mode`, { mode: mode.value }));
  await list();
}, "Set.");
onSubmit(fresh, async () => {
  const { name, mode, like } = fresh.elements;
  const given = { name: name.value.trim(), mode: mode.value, ratio_milli: 1500 };
  if (like.value) given.settings = (await api("GET", `/api/campaigns/${like.value}`)).settings;
  const made = await api("POST", "/api/campaigns", given);
  fresh.reset();
  mode.value = "progressive";
  await list();
  byId("settings-part").open = true;
  await open(made.id, true);
}, "Created, paused: its settings, agents and start are above.");
for (const [id, show] of PARTS) byId(id).addEventListener("toggle", (event) => event.target.open && one && attempt(() => show(one)));
startAgents(async () => { await list(); await showAgents(one, campaigns); });
startQueue(() => one);
await attempt(async () => {
  const [, { books }, { packs }] = await Promise.all([list(), api("GET", "/api/periods"), api("GET", "/api/policy")]);
  startSettings({ portfolios: books.map(({ portfolio }) => portfolio), policies: packs.filter(({ base }) => base) }, async (campaign) => { await list(); adopt(campaign); });
  const wanted = new URLSearchParams(location.search).get("campaign");
  if (campaigns.has(wanted)) await open(wanted, false);
});
