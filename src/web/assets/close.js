// Closing a month or a year: what is still open, the lock, what was kept, and what came of reopening.
import { api, attempt, byId, day, el, fill, logOut, money, say, text, whoAmI, when, words } from "/assets/common.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);

/** What a line of the list is called, and where it is worked off. */
const LINES = {
  ledger_difference: ["The aging ties to the postings", [["Aging by account", "/reports?report=aging_accounts"]]],
  unposted_files: ["Files taken in to their end", []],
  unposted_statements: ["Bank statements and files of payments decided", [["Statements", "/cash", "statements-title"]]],
  bank_lines: ["Bank lines decided", [["Lines", "/cash", "lines-title"]]],
  open_differences: ["Differences worked to an end", [["Differences", "/cash", "differences-title"]]],
  open_approvals: ["Approvals decided", [["Postings", "/cash", "approvals-title"], ["Plans", "/tasks"]]],
  unapplied_cash: ["Cash and credits applied", [["Apply", "/cash", "run-title"]]],
};
const amounts = (sums) => sums.map(money).join(", ");

async function list() {
  const { books, items } = await api("GET", "/api/periods");
  const chosen = byId("portfolio").value;
  fill(byId("portfolio"), books.map(({ portfolio }) => el("option", { value: portfolio }, portfolio)));
  if (chosen) byId("portfolio").value = chosen;
  text(byId("through"), books.map(({ portfolio, locked_through: through }) =>
    `${portfolio}: ${through ? `closed through ${day(through)}` : "nothing is closed"}`).join(" · "));
  fill(byId("closes"), items.length ? items.map(line) : el("li", { class: "quiet" }, "None"));
}

function line(close) {
  const open = Boolean(close.reopened_at);
  return el("li", { "data-close": close.id },
    el("b", {}, `${close.portfolio} ${close.period}`),
    el("span", { class: `tag ${open ? "warn" : "good"}` }, open ? "reopened" : "closed"),
    el("span", { class: "quiet small" }, `closed ${when(close.closed_at)}${open ? `, reopened ${when(close.reopened_at)}: ${close.reopen_reason}` : ""}`),
    el("span", { class: "end" },
      el("button", { class: "slim", type: "button", onclick: () => figures(close) }, "Figures"),
      open ? el("button", { class: "slim", type: "button", onclick: () => difference(close) }, "What came of it") : null,
      !open && me.role === "admin" ? el("button", { class: "slim danger", type: "button", onclick: () => ask(close) }, "Reopen …") : null));
}

/** Asks for the reason in the place of the line. */
function ask(close) {
  const place = document.querySelector(`[data-close="${close.id}"]`);
  const reason = el("input", { maxlength: "1000", required: true, "aria-label": `Why ${close.portfolio} ${close.period} is reopened` });
  const form = el("form", { class: "row" }, reason, el("button", { class: "danger" }, "Reopen"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      await api("POST", `/api/periods/${close.id}/reopen`, { reason: reason.value });
      await list();
    }, `${close.portfolio} ${close.period} is open again.`);
  });
  place.append(form);
  reason.focus();
}

async function look() {
  byId("close").hidden = true;
  const query = new URLSearchParams({ portfolio: byId("portfolio").value, period: byId("period").value });
  const findings = await api("GET", `/api/periods/check?${query}`);
  fill(byId("list"), findings.map(finding));
  byId("close").hidden = false;
  const left = findings.filter(({ count }) => count).length;
  say(left ? `${left} of ${findings.length} are not done.` : "Everything is done.");
}

function finding({ kind, count, amounts: sums, names = [] }) {
  const [name, places] = LINES[kind];
  const query = new URLSearchParams({ portfolio: byId("portfolio").value });
  const address = (path, part) => `${path}${path.includes("?") ? "&" : "?"}${query}${part ? `#${part}` : ""}`;
  const accept = count && kind !== "ledger_difference" ? el("label", { class: "check" }, el("input", { type: "checkbox", name: kind }), "Close all the same") : null;
  return el("li", { "data-kind": kind },
    el("span", { class: `tag ${count ? "warn" : "good"}` }, count ? `${count} open` : "done"),
    el("span", {}, name), el("span", { class: "figure" }, amounts(sums)),
    count && names.length ? el("span", { class: "quiet small" }, `${names.join(", ")}: take them in again with \u201cledgerline import\u201d`) : null,
    el("span", { class: "end" }, count ? places.map(([title, path, part]) => el("a", { href: address(path, part) }, title)) : null, accept));
}

byId("close").addEventListener("submit", (event) => {
  event.preventDefault();
  const accept = [...byId("list").querySelectorAll("input:checked")].map((box) => box.name);
  const [portfolio, period] = [byId("portfolio").value, byId("period").value];
  if (!confirm(`Close ${portfolio} ${period}? Nothing can be posted into it after that.`)) return;
  attempt(async () => {
    await api("POST", "/api/periods", { portfolio, period, accept, note: byId("note").value, buckets: byId("buckets").value });
    byId("close").hidden = true;
    await list();
  }, `${portfolio} ${period} is closed.`);
});

function detail(title, ...parts) {
  byId("detail").hidden = false;
  text(byId("detail-title"), title);
  fill(byId("figures"), ...parts);
  byId("detail-title").focus();
}

function table(head, rows) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Figures" }, el("table", {},
    el("thead", {}, el("tr", {}, head.map((name, nth) => el("th", { scope: "col", class: nth ? "num" : "" }, name)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell, nth) => (nth ? el("td", { class: "num" }, cell) : el("th", { scope: "row" }, cell))))))));
}

const TOTALS = [["open_minor", "Open"], ["credit_minor", "Credits"], ["unapplied_minor", "Unapplied cash"], ["control_minor", "Control total"],
  ["invoiced_minor", "Invoiced"], ["paid_minor", "Paid"], ["credited_minor", "Credited"], ["adjusted_minor", "Adjusted"]];

const figures = (close) => attempt(async () => {
  const kept = await api("GET", `/api/periods/${close.id}`);
  const rows = kept.totals.map((total) => [total.currency, ...TOTALS.map(([key]) => money({ minor: total[key], currency: total.currency })), String(total.accounts)]);
  detail(`${close.portfolio} ${close.period} as it was closed`,
    el("p", { class: `tag ${kept.intact ? "good" : "bad"}` }, kept.intact ? "Sealed figures, unchanged" : "The figures are not those that were sealed"),
    table(["Currency", ...TOTALS.map(([, name]) => name), "Accounts"], rows),
    el("p", { class: "small quiet" }, `Accepted: ${kept.checklist.filter((one) => one.accepted).map((one) => words(one.kind)).join(", ") || "nothing"}. ${kept.note}`),
    el("p", { class: "small quiet figure pre" }, `Seal ${kept.content_hash}`));
});

const difference = (close) => attempt(async () => {
  const found = await api("GET", `/api/periods/${close.id}/difference`);
  const after = new Map(found.totals_after.map((total) => [total.currency, total]));
  const totals = found.totals_before.flatMap((total) => TOTALS.map(([key, name]) => {
    const [before, now] = [total[key], after.get(total.currency)?.[key]];
    const amount = (minor) => (minor === undefined ? "–" : money({ minor, currency: total.currency }));
    return [`${name}, ${total.currency}`, amount(before), amount(now), amount(now === undefined ? undefined : now - before)];
  }));
  detail(`What came of reopening ${close.portfolio} ${close.period}`,
    el("p", {}, found.after ? `${found.count} postings and allocations between the two closes; the figures of ${found.accounts_changed} accounts differ.`
      : `${found.count} postings and allocations so far; the period is not closed again.`),
    table(["Figure", "Before", "After", "Difference"], totals),
    table(["Account", "What", "Amount", "Day", "Recorded"], found.lines.map((one) =>
      [one.number, `${words(one.kind)}${one.reverses ? ", reversal" : ""}`, money(one.amount), day(one.business_date), when(one.recorded_at)])));
});

byId("ask").addEventListener("submit", (event) => { event.preventDefault(); attempt(look); });
const [sets] = await Promise.all([api("GET", "/api/reports/buckets"), list()]);
fill(byId("buckets"), sets.map(({ name, ends }) => el("option", { value: name }, `${name} (${ends.join(", ")})`)));
if (sets.some(({ name }) => name === "standard")) byId("buckets").value = "standard";
const today = new Date(me.now);
today.setUTCDate(0);
byId("period").value = today.toISOString().slice(0, 7);
