// Cash: bank statements and their lines, payments by hand. What else is on the page is in the modules it starts.
import { accountOf, amountOf, ofPortfolio, portfolio, proposalOf } from "/assets/cashwords.js";
import { api, attempt, byId, clock, day, decimal, el, fill, logOut, minorOf, money, say, text, whoAmI } from "/assets/common.js";
import { startRuns } from "/assets/cashruns.js";
import { startPolicies } from "/assets/cashpolicies.js";
import { startReconciling } from "/assets/reconcile.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);
byId("portfolio").value = new URLSearchParams(location.search).get("portfolio") ?? sessionStorage.getItem("portfolio") ?? "";
const wanted = new URLSearchParams(location.search).get("state");
if ([...byId("state").options].some((option) => (option.value || option.text) === wanted)) byId("state").value = wanted;
byId("pay-on").value = new Date(clock.now()).toISOString().slice(0, 10);

async function showStatements() {
  const found = await api("GET", `/api/cash/statements?limit=20${ofPortfolio()}`);
  const none = el("tr", {}, el("td", { colspan: "8", class: "quiet" }, "None yet: take one in above."));
  fill(byId("statements"), found.items.length ? null : none, found.items.map((one) => el("tr", {},
    el("td", {}, one.reference.slice(0, 24), el("div", { class: "quiet small" }, `${one.format}, ${one.bank_account}`)),
    el("td", {}, one.to_on ? `${one.from_on ? `${day(one.from_on)} to ` : ""}${day(one.to_on)}` : ""),
    el("td", { class: "num" }, one.closing_minor === null ? "" : amountOf(one.closing_minor, one.currency)),
    el("td", { class: "num" }, String(one.lines)),
    el("td", { class: "num" }, one.open ? `${one.open}, ${amountOf(one.open_minor, one.currency)}` : "0"),
    el("td", { class: "num" }, one.unidentified ? `${one.unidentified}, ${amountOf(one.unidentified_minor, one.currency)}` : "0"),
    el("td", { class: "num" }, one.only_in_books ? `${one.only_in_books}, ${amountOf(one.only_in_books_minor, one.currency)}` : "0"),
    el("td", {}, el("button", { class: "slim", onclick: () => attempt(() => showLines(one.id)) }, "Show lines")))));
}

let shown = [];
let statement = null;
let next = null;

async function showLines(of = statement, further = false) {
  statement = of;
  const query = [`limit=50`, `state=${byId("state").value}`, of ? `statement=${of}` : "", further && next ? `cursor=${next}` : ""];
  const found = await api("GET", `/api/cash/lines?${query.filter(Boolean).join("&")}${ofPortfolio()}`);
  next = found.next ?? null;
  shown = further ? [...shown, ...found.items] : found.items;
  byId("more-lines").hidden = !next;
  byId("accept-all").hidden = !shown.some((line) => line.token);
  fill(byId("lines"), shown.length ? shown.map(entry) : el("li", { class: "quiet" }, "None."));
}

function entry(line) {
  const passed = line.state === "passed" && !line.payment;
  const waiting = passed || line.state === "open" || line.state === "unidentified";
  const decide = (decision) => attempt(async () => {
    await api("POST", `/api/cash/lines/${line.id}`, decision);
    say("Done.");
    await Promise.all([showLines(), showStatements()]);
  });
  const number = el("input", { "aria-label": "Account number", placeholder: "Account number", maxlength: "64", value: line.account_number ?? "" });
  const note = el("input", { "aria-label": "Note", placeholder: "Note", maxlength: "500" });
  const withAccount = (then) => attempt(async () => then((await accountOf(number.value)).id));
  const incoming = line.amount.minor > 0;
  const taken = el("div", { class: "row" });
  return el("li", { "data-line": line.id },
    el("div", { class: "head" }, el("span", { class: "figure" }, day(line.booked_on)), el("b", {}, line.payer_name ?? "unknown payer"),
      el("span", { class: "quiet small" }, line.payer_account ?? ""), el("span", { class: "amount" }, money(line.amount))),
    el("p", {}, line.reference),
    line.returned ? el("p", {}, `The bank took it back: ${line.returned}.`) : null,
    line.account_number ? el("p", { class: "quiet small" }, `Account ${line.account_number}. ${line.because}`) : incoming && waiting ? el("p", { class: "quiet small" }, "Nobody knows yet whose it is.") : null,
    proposalOf(line.proposal, line.amount.currency),
    line.note ? el("p", { class: "quiet small" }, line.note) : null,
    waiting ? el("div", { class: "row" },
      line.token ? el("button", { class: "main", onclick: () => decide({ decision: "accept", token: line.token }) }, "Accept") : null,
      incoming || !line.payment ? number : null,
      incoming ? el("button", { onclick: () => withAccount((account) => decide({ decision: "change", account })) }, "Apply to this account") : null,
      incoming ? el("button", { onclick: () => withAccount((account) => decide({ decision: "on_account", account })) }, "Put on account") : null,
      passed && !incoming ? null : note,
      incoming && line.state !== "unidentified" ? el("button", { onclick: () => decide({ decision: "unidentified", note: note.value }) }, "Leave unidentified") : null,
      line.payment && !incoming ? el("button", { class: "main", onclick: () => decide({ decision: "returned" }) }, "Take the payment back") : null,
      !incoming && !line.payment ? el("button", { onclick: () => attempt(async () => fill(taken, await takeable(line, number.value, decide))) }, "It took a payment of this account back") : null,
      passed ? null : el("button", { onclick: () => decide({ decision: "pass", note: note.value }) }, "No customer's payment")) : null,
    taken);
}

/** A button for each payment of an account that a line may have taken back: those that stand and have its amount. */
async function takeable(line, number, decide) {
  const account = await accountOf(number);
  const found = await api("GET", `/api/accounts/${account.id}/payments?limit=200`);
  const fitting = found.items.filter((one) => one.amount.minor === -line.amount.minor && (one.state === "received" || one.state === "cleared"));
  if (!fitting.length) throw new Error("The account has no payment of that amount that stands.");
  return fitting.map((one) => el("button", { class: "main", onclick: () => decide({ decision: "returned", payment: one.id }) },
    `Take back the payment of ${day(one.received_on)}${one.reference ? `, ${one.reference.slice(0, 40)}` : ""}`));
}

async function acceptAll() {
  const waiting = shown.filter((line) => line.token);
  let done = 0;
  for (const line of waiting) {
    try {
      await api("POST", `/api/cash/lines/${line.id}`, { decision: "accept", token: line.token });
      done += 1;
    } catch {
      // What has changed meanwhile is shown anew below.
    }
  }
  await Promise.all([showLines(), showStatements()]);
  say(`${done} of ${waiting.length} accepted.${done < waiting.length ? " What changed meanwhile is shown anew." : ""}`, done < waiting.length);
}

async function upload() {
  const file = byId("file").files[0];
  const query = new URLSearchParams({ portfolio: portfolio(), name: file.name.slice(0, 200) });
  if (byId("mapping").value) query.set("mapping", byId("mapping").value);
  if (byId("bank-account").value) query.set("bank_account", byId("bank-account").value);
  const response = await fetch(`/api/cash/statements?${query}`, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: file });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.detail ?? "the upload failed"), { field: answer.field });
  say(answer.map((one) => `${one.reference.slice(0, 24)}: ${one.before ? "taken in before" : `${one.new} new lines, ${one.known} known, ${one.corrected ? `${one.corrected} corrected by the bank (see Differences), ` : ""}${one.identified} likely somebody's`}`).join("; "));
  await Promise.all([showStatements(), showLines(answer[0]?.statement ?? null)]);
}

async function receipt() {
  const account = await accountOf(byId("pay-account").value);
  const { currency } = account;
  const minor = minorOf(byId("pay-amount").value, currency);
  if (minor === null) throw new Error(`Expected an amount such as ${decimal(123456, currency)}.`);
  return { account: account.id, amount: { minor, currency }, received_on: byId("pay-on").value, method: byId("pay-method").value,
    reference: byId("pay-reference").value, apply: byId("pay-apply").value };
}

byId("pay-preview").addEventListener("click", () => attempt(async () => {
  const wanted = await receipt();
  fill(byId("pay-proposal"), proposalOf(await api("POST", "/api/payments/preview", wanted), wanted.amount.currency));
}));
byId("payment").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    const wanted = await receipt();
    const received = await api("POST", "/api/payments", wanted);
    fill(byId("pay-proposal"), proposalOf(received.proposal, wanted.amount.currency));
    say(`${money(wanted.amount)} recorded.`);
    byId("pay-amount").value = "";
  });
});
byId("upload").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(upload);
});
byId("state").addEventListener("change", () => attempt(() => showLines()));
byId("more-lines").addEventListener("click", () => attempt(() => showLines(statement, true)));
byId("accept-all").addEventListener("click", () => attempt(acceptAll));
byId("portfolio").addEventListener("change", () => {
  sessionStorage.setItem("portfolio", portfolio());
  attempt(() => Promise.all([showStatements(), showLines(null)]));
});
startRuns();
startReconciling();
startPolicies(me);
await attempt(() => Promise.all([showStatements(), showLines()]));
// What a link leads to has its place only now.
if (location.hash) byId(location.hash.slice(1))?.scrollIntoView();
