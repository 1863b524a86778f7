// The queue of a campaign: who is next and why, who is held out and why, what the last look refused.
import { api, attempt, byId, el, fill, money, percent, text, when, words } from "/assets/common.js";

const PAGE = 25;
let campaign = null;
let reason = null;
const next = { next: null, held: null, refused: null };

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

/** Shows the latest decisions of the predictive pacer. */
export async function showPacing(one) {
  const { decisions } = await api("GET", `/api/campaigns/${one.id}/pacing`);
  const cells = ({ dial, gave_up, because }) => [dial, gave_up, because.idle, because.busy, because.in_flight, percent(because.answer_chance), percent(because.risk), percent(because.accepted), because.budget_left.toFixed(1)];
  fill(byId("decisions"), decisions.length ? decisions.map((decision) => el("tr", {}, el("td", {}, when(decision.at)), cells(decision).map((value) => el("td", { class: "num" }, String(value))),
    el("td", {}, words(decision.because.limited_by)))) : el("tr", {}, el("td", { class: "quiet", colSpan: 11 }, "None yet: it decides while the campaign dials in this mode.")));
}

/** `chosen` gives the campaign that is open. */
export function startQueue(chosen) {
  byId("look").addEventListener("click", () => attempt(() => showQueue(chosen())));
  byId("rebuild").addEventListener("click", () => attempt(async () => {
    await api("POST", `/api/campaigns/${chosen().id}/queue/rebuild`);
    await showQueue(chosen());
  }, "The queue is built anew."));
  for (const [part, show] of [["next", showNext], ["held", showHeld], ["refused", showRefused]]) byId(`${part}-more`).addEventListener("click", () => attempt(() => show(true)));
}
