// A recorded day of a campaign, dialled again by other pacers: minutes of talk an hour against abandoned calls.
import { api, byId, el, fill, percent, text, words } from "/assets/common.js";

const campaigns = byId("whatif-campaign");

async function list() {
  const { items } = await api("GET", "/api/campaigns");
  fill(campaigns, items.map((campaign) => el("option", { value: campaign.id }, campaign.name)));
}

const row = (outcome) => el("tr", {},
  el("td", {}, words(outcome.pacer)),
  el("td", { class: "num" }, outcome.talk_minutes_an_hour.toFixed(1)),
  el("td", { class: "num" }, percent(outcome.occupancy)),
  el("td", { class: "num" }, String(outcome.dialled)),
  el("td", { class: "num" }, String(outcome.answers)),
  el("td", { class: "num" }, String(outcome.abandoned)),
  el("td", { class: "num" }, percent(outcome.share)));

/** Takes seconds: a day is simulated for every pacer. */
async function dial() {
  const [id, day] = [campaigns.value, byId("whatif-day").value];
  if (!id || !day) return;
  byId("whatif-go").disabled = true;
  text(byId("whatif-said"), "Dialling …");
  try {
    const answer = await api("GET", `/api/campaigns/${id}/pacing/what-if?day=${day}`);
    fill(byId("whatif-rows"), [answer.recorded, ...answer.pacers].map(row));
    byId("whatif").hidden = false;
    text(byId("whatif-said"), `${answer.agent_hours.toFixed(1)} hours of agents on ${answer.day}`);
  } catch (error) {
    byId("whatif").hidden = true;
    text(byId("whatif-said"), error.message);
  } finally {
    byId("whatif-go").disabled = false;
  }
}

byId("whatif-form").addEventListener("submit", (event) => {
  event.preventDefault();
  dial();
});
await list();
