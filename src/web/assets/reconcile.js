// What does not add up, the tie to the general ledger, and what waits for approval.
import { api, attempt, byId, clock, day, el, fill, minorOf, money, say, when, words } from "/assets/common.js";
import { amountOf, ofPortfolio, portfolio } from "/assets/cashwords.js";

const OUTCOMES = ["explained", "collected", "applied", "written_off", "credited", "refunded", "moved", "disputed", "taken_back"];
let next = null;

function difference(one) {
  const outcome = el("select", { "aria-label": "What was done about it" }, OUTCOMES.map((name) => el("option", { value: name }, words(name))));
  const note = el("input", { "aria-label": "How", placeholder: "How was it worked to an end?", maxlength: "500", required: true });
  const close = (event) => {
    event.preventDefault();
    attempt(async () => {
      await api("POST", `/api/cash/differences/${one.id}`, { outcome: outcome.value, note: note.value });
      say("Closed.");
      await showDifferences();
    });
  };
  return el("li", { "data-kind": one.kind },
    el("div", { class: "head" }, el("b", {}, words(one.kind)), one.account_number ? `Account ${one.account_number}` : null,
      el("span", { class: "quiet small" }, `since ${when(one.opened_at)}`), el("span", { class: "amount" }, money(one.amount))),
    el("form", { class: "row", onsubmit: close }, outcome, note, el("button", {}, "Close")));
}

async function showDifferences(further = false) {
  const found = await api("GET", `/api/cash/differences?limit=50${ofPortfolio()}${further && next ? `&cursor=${next}` : ""}`);
  next = found.next ?? null;
  const entries = found.items.map(difference);
  if (further) byId("differences").append(...entries);
  else fill(byId("differences"), entries.length ? entries : el("li", { class: "quiet" }, "None is open."));
  byId("more-differences").hidden = !next;
}

async function compare() {
  const currency = byId("tie-currency").value.trim().toUpperCase();
  const [on, total] = [byId("tie-day").value, byId("tie-total").value.trim()];
  if (!portfolio()) throw new Error("Name a portfolio above.");
  if (total) {
    const below = total.startsWith("-");
    const minor = minorOf(below ? total.slice(1) : total, currency);
    if (minor === null) throw new Error("The control total is no amount.");
    await api("POST", "/api/cash/control", { portfolio: portfolio(), currency, day: on, minor: below ? -minor : minor });
    byId("tie-total").value = "";
  }
  draw(await api("GET", `/api/cash/control?currency=${currency}&day=${on}${ofPortfolio()}`));
}

function draw(tied) {
  const amount = (minor) => (minor === null ? "not given" : amountOf(minor, tied.currency));
  const row = (name, minor) => el("tr", {}, el("td", {}, name), el("td", { class: "num" }, amount(minor)));
  fill(byId("tied"),
    el("p", {}, el("b", {}, tied.ties ? "It ties." : tied.control_minor === null ? "No control total was given for that day." : "It does not tie.")),
    el("table", {}, el("tbody", {}, row("General ledger", tied.control_minor), row("Our postings", tied.postings_minor),
      row("Our open items less unapplied", tied.items_minor), row("Difference", tied.difference_minor))),
    tied.accounts.length ? el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, "Account"), el("th", { class: "num" }, "General ledger"), el("th", { class: "num" }, "Ours"), el("th", { class: "num" }, "Difference"))),
      el("tbody", {}, tied.accounts.map((one) => el("tr", {}, el("td", {}, one.number), el("td", { class: "num" }, amount(one.control_minor)),
        el("td", { class: "num" }, amount(one.ours_minor)), el("td", { class: "num" }, amount(one.difference_minor)))))) : null,
    tied.suspects.length ? el("ul", { class: "entries" }, tied.suspects.map((one) => el("li", {},
      el("div", { class: "head" }, el("b", {}, `Account ${one.number}`), `${words(one.kind)} of ${day(one.business_date)}`,
        el("span", { class: "amount" }, amount(one.minor))),
      el("p", { class: "quiet small" }, `Posting ${one.posting}, recorded ${when(one.recorded_at)}: ${one.because}.`)))) : null);
}

function approval(one) {
  const note = el("input", { "aria-label": "Note", placeholder: "Note", maxlength: "500" });
  const decide = (approve) => attempt(async () => {
    await api("POST", `/api/approvals/${one.id}`, { approve, note: note.value });
    say(approve ? "Approved and posted." : "Refused.");
    await showApprovals();
  });
  return el("li", {},
    el("div", { class: "head" }, el("b", {}, words(one.kind)), `Account ${one.account_number}`,
      el("span", { class: "quiet small" }, `asked for ${when(one.requested_at)}`), el("span", { class: "amount" }, money(one.amount))),
    one.request.reason || one.request.reference ? el("p", {}, one.request.reason || one.request.reference) : null,
    el("div", { class: "row" }, note, el("button", { class: "main", onclick: () => decide(true) }, "Approve"), el("button", { onclick: () => decide(false) }, "Refuse")));
}

async function showApprovals() {
  const found = await api("GET", "/api/approvals?state=requested&limit=50");
  fill(byId("approvals"), found.items.length ? found.items.map(approval) : el("li", { class: "quiet" }, "Nothing waits."));
}

export function startReconciling() {
  byId("tie-day").value = new Date(clock.now()).toISOString().slice(0, 10);
  byId("tie").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(compare);
  });
  byId("more-differences").addEventListener("click", () => attempt(() => showDifferences(true)));
  byId("portfolio").addEventListener("change", () => attempt(showDifferences));
  attempt(() => Promise.all([showDifferences(), showApprovals()]));
}
