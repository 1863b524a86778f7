// The live board: a snapshot, then patches; one render a message. Parts that did not change are not touched.
import { api, byId, clock, connect, day, el, fill, logOut, money, percent, since, text, whoAmI, words } from "/assets/common.js";

const CALL_STATES = ["planned", "dialing", "ringing", "answered", "held", "bridged", "wrapping"];
const UPCOMING = 6;
const me = await whoAmI();
const board = { seq: null, day: null, total: null, campaigns: new Map(), agents: new Map() };
/** Entries of the queues by campaign, asked for apart: they are long and change with every call. */
const upcoming = new Map();
let link = null;
let first = true;

byId("me").textContent = me.name;
byId("out").addEventListener("click", logOut);

const heard = {
  snapshot: ({ seq, floor }) => {
    Object.assign(board, { seq, day: floor.day, total: floor.total });
    board.campaigns = new Map(floor.campaigns.map((campaign) => [campaign.id, campaign]));
    board.agents = new Map(floor.agents.map((agent) => [agent.id, agent]));
    clock.set(floor.at);
    renderTotal();
    renderCampaigns();
    renderAgents();
    look();
    // What a link leads to has its place only now.
    if (first && location.hash.startsWith("#campaign-")) byId(location.hash.slice(1))?.scrollIntoView();
    first = false;
  },
  patch: (patch) => {
    clock.set(patch.at);
    if (patch.seq !== board.seq + 1) return again();
    board.seq = patch.seq;
    if (patch.day) board.day = patch.day;
    if (patch.total) board.total = patch.total;
    if (patch.day || patch.total) renderTotal();
    for (const campaign of patch.campaigns ?? []) board.campaigns.set(campaign.id, campaign);
    if (patch.campaigns) {
      renderCampaigns();
      look();
    }
    for (const agent of patch.agents ?? []) board.agents.set(agent.id, agent);
    for (const gone of patch.gone ?? []) board.agents.delete(gone);
    if (patch.agents || patch.gone) renderAgents();
  },
};

/** A patch is missing: begin again with a snapshot. */
function again() {
  link.stop();
  open();
}

function open() {
  const names = { open: ["good", "Live"], connecting: ["warn", "Connecting"], lost: ["bad", "Connection lost"] };
  const state = (now) => {
    byId("link").className = `tag ${names[now][0]}`;
    text(byId("link"), names[now][1]);
  };
  link = connect("/ws/floor", { hear: (message) => heard[message.type]?.(message), state });
}

function renderTotal() {
  const { total } = board;
  text(byId("day"), day(board.day));
  const promised = total.promised.map(money);
  const figures = [
    ["Attempts", String(total.attempts), `${total.machines} machines`],
    ["Answered", percent(total.answer_rate), `${total.answered} by a person`],
    ["Abandoned", percent(total.abandon_rate), `${total.abandoned} of ${total.answered}`],
    ["Right party", percent(total.contact_rate), `${total.contacts} reached`],
    ["Promises", String(total.promises), "taken today"],
    ["Promised", promised[0] ?? "–", promised.slice(1).join(", ") || "today"],
  ];
  fill(byId("figures"), figures.map(([name, value, more]) => el("div", {}, el("dt", {}, name), el("dd", {}, value), el("dd", { class: "small" }, more))));
  fill(byId("calls"), CALL_STATES.map((state) => {
    const count = total.calls[state] ?? 0;
    return el("div", { class: count ? "" : "none" }, el("dt", {}, words(state)), el("dd", {}, String(count)));
  }));
}

/** Does something on the API and says what went wrong; the button is off meanwhile. */
const act = (request) => async (event) => {
  const button = event.currentTarget;
  if (button.disabled) return;
  button.disabled = true;
  byId("notice").hidden = true;
  try {
    await request();
  } catch (error) {
    byId("notice").hidden = false;
    byId("notice").textContent = error.message;
  } finally {
    button.disabled = false;
  }
};

const CAMPAIGN_TONE = { running: "good", draining: "warn", paused: "" };

function renderCampaigns() {
  const place = byId("campaigns");
  const shown = [...board.campaigns.values()].sort((a, b) => a.name.localeCompare(b.name));
  for (const [index, campaign] of shown.entries()) {
    let card = byId(`campaign-${campaign.id}`);
    if (!card) {
      card = campaignCard(campaign);
      place.insertBefore(card, place.children[index] ?? null);
    }
    renderCampaign(card, campaign);
  }
  if (!shown.length) fill(place, el("p", { class: "card quiet" }, "There is no campaign yet. ", el("a", { href: "/campaigns" }, "Make one"), "."));
}

function campaignCard({ id }) {
  const path = `/api/campaigns/${id}`;
  const steer = (what, name, attributes) => el("button", { ...attributes, "data-do": what, onclick: act(() => api("POST", `${path}/${what}`)) }, name);
  const ratio = el("input", { class: "ratio figure", type: "number", min: "1", max: "5", step: "0.1", "data-part": "ratio" });
  const set = el("button", { onclick: act(() => api("PUT", `${path}/ratio`, { ratio_milli: Math.round(Number(ratio.value) * 1000) })) }, "Set");
  return el("article", { class: "card campaign", id: `campaign-${id}` },
    el("header", {},
      el("h3", { "data-part": "name" }), el("span", { "data-part": "state" }), el("span", { class: "quiet small", "data-part": "mode" }),
      el("div", { class: "row" },
        el("label", { class: "row" }, "Lines per agent ", ratio), set,
        steer("start", "Start", { class: "main" }), steer("pause", "Pause"), steer("drain", "Drain"))),
    el("p", { class: "reason", "data-part": "why" }),
    el("p", { class: "small quiet" }, el("span", { "data-part": "abandoned" }), " · ",
      el("a", { href: `/campaigns?campaign=${id}` }, "Settings and agents"), " · ",
      el("a", { href: `/api/campaigns/${id}/abandoned.csv?hours=24` }, "Answers of 24 h as CSV"), " · ",
      el("a", { href: `/api/campaigns/${id}/abandoned.csv?hours=720` }, "of 30 days")),
    el("div", { class: "inside" },
      el("div", {}, el("h3", {}, "Ready to call, by lane"), el("ul", { class: "lanes", "data-part": "lanes" })),
      el("div", { class: "middle" }, el("h3", {}, "Next in the queue"),
        el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Next in the queue" },
          el("table", { class: "next" },
            el("thead", {}, el("tr", {}, el("th", {}, "Account"), el("th", {}, "Lane"), el("th", { class: "num" }, "To collect"), el("th", { class: "num" }, "Score"), el("th", {}, "Why"))),
            el("tbody", { "data-part": "next" })))),
      el("div", {}, el("h3", {}, "Waiting and held out"), el("ul", { class: "counts", "data-part": "held" }))));
}

function renderCampaign(card, campaign) {
  const part = (name) => card.querySelector(`[data-part="${name}"]`);
  text(part("name"), campaign.name);
  part("state").className = `tag ${CAMPAIGN_TONE[campaign.state]}`;
  text(part("state"), words(campaign.state));
  const { figures } = campaign;
  text(part("mode"), `${words(campaign.mode)} · attempts ${figures.attempts} · answered ${percent(figures.answer_rate)} · abandoned ${percent(figures.abandon_rate)} · promises ${figures.promises}`);
  if (document.activeElement !== part("ratio")) part("ratio").value = (campaign.ratio_milli / 1000).toFixed(1);
  part("ratio").parentElement.hidden = campaign.mode !== "ratio";
  part("ratio").parentElement.nextElementSibling.hidden = campaign.mode !== "ratio";
  for (const [what, off] of [["start", "running"], ["pause", "paused"], ["drain", "draining"]]) {
    const button = card.querySelector(`[data-do="${what}"]`);
    button.disabled = campaign.state === off || (what === "drain" && campaign.state === "paused");
  }
  text(part("why"), campaign.why);
  const { day: today, month } = campaign.abandoned;
  text(part("abandoned"), `Abandoned in 24 h: ${share(today)} · in 30 days: ${share(month)}`);
  renderQueue(part, campaign.queue);
  renderUpcoming(card, campaign.id);
}

/** A share of abandoned calls, and how high the truth behind it may be. */
const share = ({ answers, abandoned, share: part, at_most: most }) =>
  answers ? `${percent(part)} (${abandoned} of ${answers}; with 95 % confidence at most ${percent(most)})` : "no answers";

function renderQueue(part, queue) {
  if (!queue) {
    fill(part("lanes"), el("li", { class: "quiet" }, "Redis does not answer."));
    return fill(part("held"));
  }
  const most = Math.max(1, ...Object.values(queue.ready));
  fill(part("lanes"), Object.entries(queue.ready).map(([lane, count]) => el("li", {},
    el("span", {}, words(lane)), el("span", { class: "num" }, String(count)),
    el("meter", { min: "0", max: String(most), value: String(count), "aria-hidden": "true" }))));
  const out = [...Object.entries(queue.waiting).map(([why, count]) => [`waits: ${words(why)}`, count]), ...Object.entries(queue.held).map(([why, count]) => [words(why), count])];
  const some = out.filter(([, count]) => count > 0);
  fill(part("held"), some.length ? some.map(([name, count]) => el("li", {}, el("span", {}, name), el("b", { class: "num" }, String(count)))) : el("li", { class: "quiet small" }, "Nobody."));
}

function renderUpcoming(card, id) {
  const body = card.querySelector('[data-part="next"]');
  const entries = upcoming.get(id);
  if (!entries) return;
  const reasons = (components) => Object.entries(components).filter(([, points]) => points > 0).map(([name, points]) => `${words(name)} ${points}`).join(", ");
  const line = (entry) => el("tr", {},
    el("td", { title: `${entry.name} (${entry.number})` }, el("a", { href: `/accounts/${entry.account}` }, entry.name)), el("td", {}, words(entry.lane)),
    el("td", { class: "num" }, money({ minor: entry.collectible_minor, currency: entry.currency })),
    el("td", { class: "num" }, String(entry.score)),
    el("td", { class: "why" }, reasons(entry.components), entry.open ? "" : " (window is closed)"));
  fill(body, entries.length ? entries.map(line) : el("tr", {}, el("td", { class: "quiet", colSpan: 5 }, "The queue is empty.")));
}

let looking = false;
/** Reads the next entries of each queue, one round at a time and at most one a second. */
async function look() {
  if (looking) return;
  looking = true;
  for (const id of board.campaigns.keys()) {
    const page = await api("GET", `/api/campaigns/${id}/queue?limit=${UPCOMING}`).catch(() => null);
    if (page) upcoming.set(id, page.items);
    const card = byId(`campaign-${id}`);
    if (card) renderUpcoming(card, id);
  }
  setTimeout(() => { looking = false; }, 1000);
}
setInterval(look, 5000);

const TONE = { ready: "good", on_call: "good", reserved: "warn", wrap_up: "warn", paused: "", offline: "bad" };

function renderAgents() {
  const agents = [...board.agents.values()].sort((a, b) => a.name.localeCompare(b.name));
  const place = byId("agents");
  const keep = new Set(agents.map((agent) => `agent-${agent.id}`));
  for (const row of [...place.children]) if (!keep.has(row.id)) row.remove();
  for (const [index, agent] of agents.entries()) {
    const shown = JSON.stringify(agent);
    const old = byId(`agent-${agent.id}`);
    if (old?.dataset.shown === shown) continue;
    const row = agentRow(agent);
    row.dataset.shown = shown;
    if (old) old.replaceWith(row);
    else place.insertBefore(row, place.children[index] ?? null);
  }
  byId("agents-none").hidden = agents.length > 0;
  tick();
}

function agentRow(agent) {
  const force = (body) => act(() => api("PUT", `/api/agents/${agent.id}/state`, body));
  const join = (how) => act(() => api("POST", `/api/calls/${agent.call}/${how}`));
  const button = (name, onclick, attributes = {}) => el("button", { class: "slim", onclick, "aria-label": `${name}: ${agent.name}`, ...attributes }, name);
  const state = agent.state === "paused" ? `paused: ${agent.reason}` : words(agent.state);
  const talking = agent.state === "on_call";
  return el("tr", { id: `agent-${agent.id}` },
    el("td", {}, agent.name, agent.connected ? null : el("span", { class: "quiet small" }, " (not connected)")),
    el("td", {}, el("span", { class: `tag ${TONE[agent.state] ?? ""}` }, agent.pause_next ? `${state}, then ${agent.pause_next}` : state)),
    el("td", { class: "num", "data-since": agent.since }),
    el("td", {}, board.campaigns.get(agent.campaign)?.name ?? "–"),
    el("td", {}, agent.voice ? "up" : el("span", { class: "tag warn" }, "down")),
    el("td", {}, el("div", { class: "row" },
      agent.state === "paused" ? button("Ready", force({ state: "ready" })) : button("Pause", force({ state: "paused", reason: "by a supervisor" })),
      button("Listen", join("listen"), { disabled: !talking }), button("Whisper", join("whisper"), { disabled: !talking }),
      button("Barge", join("barge"), { disabled: !talking }), button("Leave", join("leave"), { disabled: !talking }), button("Log out", force({ state: "offline" }), { class: "slim danger" }))));
}

/** Once a second: only the times change. */
function tick() {
  for (const cell of document.querySelectorAll("[data-since]")) text(cell, since(cell.dataset.since));
}
setInterval(tick, 1000);

open();
