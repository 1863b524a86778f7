// A batch of unapplied payments: what the rules would do with each, and then exactly that.
import { api, attempt, byId, day, el, fill, money, say, text } from "/assets/common.js";
import { portfolio, proposalOf } from "/assets/cashwords.js";

let run = null;
let next = null;

function entry(line) {
  return el("li", {},
    el("div", { class: "head" }, el("b", {}, `Account ${line.account_number}`), el("span", { class: "quiet small" }, line.reference),
      el("span", { class: "amount" }, money(line.amount))),
    proposalOf(line.proposal, line.amount.currency));
}

async function show(further = false) {
  const found = await api("GET", `/api/cash/runs/${run}?limit=100${further && next ? `&cursor=${next}` : ""}`);
  next = found.next ?? null;
  const entries = found.items.map(entry);
  if (further) byId("run").append(...entries);
  else fill(byId("run"), entries.length ? entries : el("li", { class: "quiet" }, "Nothing is unapplied."));
  byId("more-run").hidden = !next;
}

function waits(is) {
  byId("apply").hidden = !is;
  byId("discard").hidden = !is;
  if (!is) {
    run = null;
    byId("more-run").hidden = true;
    fill(byId("run"));
    text(byId("run-sum"), "");
  }
}

export function startRuns() {
  byId("preview").addEventListener("click", () => attempt(async () => {
    if (!portfolio()) throw new Error("Name a portfolio above.");
    run = (await api("POST", "/api/cash/runs", { portfolio: portfolio() })).id;
    const made = (await api("GET", `/api/cash/runs?limit=1&portfolio=${encodeURIComponent(portfolio())}`)).items[0];
    text(byId("run-sum"), `${made.fitting} of ${made.payments} payments find what they are for, as of ${day(made.on_day)}.`);
    await show();
    waits(made.payments > 0);
  }));
  byId("more-run").addEventListener("click", () => attempt(() => show(true)));
  byId("apply").addEventListener("click", () => attempt(async () => {
    const applied = await api("POST", `/api/cash/runs/${run}/apply`);
    waits(false);
    say(`${applied.payments} payments applied.`);
  }));
  byId("discard").addEventListener("click", () => attempt(async () => {
    await api("POST", `/api/cash/runs/${run}/discard`);
    waits(false);
  }));
}
