// The live connection to QuickBooks Online: connect, read and write now, disconnect; payments that somebody has to decide about.
import { api, byId, day, el, fill, money, text, when, words } from "/assets/common.js";

const TONES = { same: "good", conflict: "bad", aside: "quiet" };
const said = (what) => text(byId("qbo-said"), what);

/** Does something and shows how it stands afterwards; a refusal is shown. */
const then = (act) => async () => {
  try {
    const what = await act();
    said(typeof what === "string" ? what : "");
    await show();
  } catch (error) {
    said(error.message);
  }
};

function facts(company) {
  const rest = company.waiting_to_read || company.reading_everything ? "not all of it yet" : "all of it";
  return [
    ["Company", `${company.realm}, portfolio ${company.portfolio}`],
    ["Connected", `${when(company.connected_at)}${company.connected_by ? ` by ${company.connected_by}` : ""}`],
    ["Read", company.synced_at ? `${when(company.synced_at)}, ${rest}` : "not yet"],
    ["Next", company.broken_at ? "not until it is connected again" : when(company.next_at)],
    ...(company.error ? [["Went wrong", company.error]] : []),
    ["To be written there", `${company.waiting_to_write} wait, ${company.conflicts} to decide about`],
  ].flatMap(([name, value]) => [el("dt", { class: "quiet" }, name), el("dd", {}, value)]);
}

async function show() {
  const { configured, writes, company } = await api("GET", "/api/quickbooks");
  byId("qbo-connect").hidden = !configured || Boolean(company && !company.broken_at);
  byId("qbo-sync").hidden = !company || Boolean(company.broken_at);
  byId("qbo-end").hidden = !company;
  byId("qbo-writes").hidden = !company || !writes;
  byId("qbo-problems").hidden = !company?.problems;
  const off = "Off: the configuration names no app.";
  fill(byId("qbo-facts"), company ? facts(company) : el("dd", { class: "quiet" }, configured ? "Not connected" : off));
  if (company) {
    await Promise.all([written(), problems()]);
  }
}

async function written() {
  const { items } = await api("GET", `/api/quickbooks/writes?state=${byId("qbo-state").value}`);
  fill(byId("qbo-list"), items.length ? items.map(line) : el("li", { class: "quiet" }, "None"));
}

function line(one) {
  const note = el("input", { maxlength: "500", "aria-label": "Note" });
  const decide = (decision) => then(() => api("POST", `/api/quickbooks/writes/${one.id}`, { decision, note: note.value }));
  const open = one.state === "conflict";
  return el("li", {},
    el("span", { class: `tag ${TONES[one.state] ?? "warn"}` }, words(one.state)),
    el("a", { href: `/accounts/${one.account}` }, `${one.account_name}, ${money(one.amount)}`),
    el("span", { class: "quiet small" }, `received ${day(one.received_on)}${one.qbo_id ? `, payment ${one.qbo_id} there` : ""}`),
    one.reason ? el("span", { class: "small" }, one.reason) : null,
    one.note ? el("span", { class: "small quiet" }, one.note) : null,
    open ? el("span", { class: "row end" },
      el("label", { class: "small" }, "Note ", note),
      el("button", { class: "slim", type: "button", onclick: decide("retry") }, "Try again"),
      el("button", { class: "slim danger", type: "button", onclick: decide("set_aside") }, "Set aside")) : null);
}

async function problems() {
  const { items } = await api("GET", "/api/quickbooks/problems");
  fill(byId("qbo-wrong"), items.map((one) => el("li", {}, el("b", {}, `${one.kind} ${one.number}`), el("span", { class: "small" }, one.problem))));
}

byId("qbo-connect").addEventListener("click", async () => {
  try {
    const { url } = await api("POST", "/api/quickbooks/connect");
    location.assign(url);
  } catch (error) {
    said(error.message);
  }
});
byId("qbo-sync").addEventListener("click", then(async () => {
  await api("POST", "/api/quickbooks/sync");
  return "It is being read; look again in a moment.";
}));
byId("qbo-end").addEventListener("click", then(async () => {
  if (confirm("Disconnect QuickBooks? What was read stays.")) {
    await api("DELETE", "/api/quickbooks");
  }
}));
byId("qbo-state").addEventListener("change", () => written().catch((error) => said(error.message)));

const came = new URLSearchParams(location.search).get("quickbooks");
if (came) {
  said(came);
  history.replaceState(null, "", "/connections");
  byId("qbo-title").focus();
}
await show().catch((error) => said(error.message));
