// The queue of a campaign: who is next and why, who is held out and why, what the last look refused; and what the pacer decided.
import { api, attempt, byId, el, fill, money, percent, text, when, words } from "/assets/common.js";

const PAGE = 25;
let campaign = null;
let reason = null;
const next = { next: null, held: null, refused: null, decisions: null };

const named = ({ account, name, number }) => el("a", { href: `/accounts/${account}` }, name, " ", el("span", { class: "figure quiet small" }, number));
const reasons = (components) => Object.entries(components).filter(([, points]) => points > 0).map(([name, points]) => `${words(name)} ${points}`).join(", ");

const entry = (one) => el("tr", {}, el("td", {}, named(one)), el("td", {}, words(one.lane)),
  el("td", { class: "num" }, money({ minor: one.collectible_minor, currency: one.currency })), el("td", { class: "num" }, String(one.score)),
  el("td", { class: "quiet small" }, reasons(one.components)), el("td", {}, one.open ? "now" : `from ${when(one.opens_at)}`));
const heldOut = (one) => el("li", {}, named(one));
const refusal = (one) => el("li", {}, named(one), el("span", {}, words(one.rule.replace("/", ": "))),
  el("span", { class: "quiet small" }, one.next_allowed_at ? `again from ${when(one.next_allowed_at)}` : "not before something changes"),
  el("a", { class: "end small", href: `/receipts/${one.decision}` }, "Receipt"));

/** A page of a list, below what is there where it goes on. */
async function page(part, path, line, none, further) {
  const cursor = further && next[part] ? `&cursor=${encodeURIComponent(next[part])}` : "";
  const found = await api("GET", `/api/campaigns/${campaign.id}/queue${path}?limit=${PAGE}${cursor}`);
  next[part] = found.next ?? null;
  byId(`${part}-more`).hidden = !next[part];
  const place = byId(part === "held" ? "held-accounts" : part);
  if (further) place.append(...found.items.map(line));
  else fill(place, found.items.length ? found.items.map(line) : none);
}

const nobody = (what) => el("li", { class: "quiet" }, what);
const showNext = (further) => page("next", "", entry, el("tr", {}, el("td", { class: "quiet", colSpan: 6 }, "The queue is empty.")), further);
const showRefused = (further) => page("refused", "/refused", refusal, nobody("Nobody."), further);
const showHeld = (further) => page("held", `/held/${reason}`, heldOut, nobody("Nobody any more."), further);

async function showCounts() {
  const { ready, waiting, held, leased } = await api("GET", `/api/campaigns/${campaign.id}/queue/held`);
  const sum = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);
  const waits = Object.entries(waiting).filter(([, count]) => count > 0).map(([why, count]) => `${count} ${words(why)}`).join(", ");
  text(byId("depth"), `${sum(ready)} ready, ${sum(waiting)} waiting${waits ? ` (${waits})` : ""}, ${sum(held)} held out, ${leased} being dialled`);
  const some = Object.entries(held).filter(([, count]) => count > 0);
  fill(byId("held"), some.length ? some.map(([why, count]) => el("li", {}, el("button", { type: "button", class: "slim", onclick: () => attempt(() => { reason = why; return showHeld(); }) }, `${words(why)} `, el("b", { class: "figure" }, String(count))))) : nobody("Nobody."));
}

/** Shows the queue as it is now. */
export async function showQueue(one) {
  campaign = one;
  reason = null;
  fill(byId("held-accounts"));
  byId("held-more").hidden = true;
  await Promise.all([showCounts(), showNext(), showRefused()]);
}

/** A figure of the forecast; only the predictive pacer makes one. */
const forecast = (because, shown) => (because ? shown(because) : "–");
const figures = ({ dialled, gave_up, idle, in_flight, because }) => [dialled, gave_up, idle, forecast(because, (one) => one.busy), in_flight,
  forecast(because, (one) => percent(one.answer_chance)), forecast(because, (one) => percent(one.risk)),
  forecast(because, (one) => percent(one.accepted)), forecast(because, (one) => one.budget_left.toFixed(1))];
const decision = ({ at, reason }) => el("tr", {}, el("td", {}, when(at)),
  figures(reason).map((value) => el("td", { class: "num" }, String(value))), el("td", {}, words(reason.limited_by)));

/** Shows the latest decisions, or those before them. */
export async function showPacing(one, further) {
  const cursor = further && next.decisions ? `&cursor=${encodeURIComponent(next.decisions)}` : "";
  const found = await api("GET", `/api/campaigns/${one.id}/pacing/decisions?limit=${PAGE}${cursor}`);
  next.decisions = found.next ?? null;
  byId("decisions-more").hidden = !next.decisions;
  if (further) byId("decisions").append(...found.items.map(decision));
  else fill(byId("decisions"), found.items.length ? found.items.map(decision) : el("tr", {}, el("td", { class: "quiet", colSpan: 11 }, "None yet: it decides while the campaign dials.")));
}

/** `chosen` gives the campaign that is open. */
export function startQueue(chosen) {
  byId("look").addEventListener("click", () => attempt(() => showQueue(chosen())));
  byId("rebuild").addEventListener("click", () => attempt(async () => {
    await api("POST", `/api/campaigns/${chosen().id}/queue/rebuild`);
    await showQueue(chosen());
  }, "The queue is built anew."));
  byId("decisions-more").addEventListener("click", () => attempt(() => showPacing(chosen(), true)));
  for (const [part, show] of [["next", showNext], ["held", showHeld], ["refused", showRefused]]) byId(`${part}-more`).addEventListener("click", () => attempt(() => show(true)));
}
