// Calling by hand: find an account, see for each of its numbers whether it may be called, call it.
import { api, byId, el, fill, text, when, words } from "/assets/common.js";

const said = (what, bad = false) => {
  text(byId("byhand-said"), what);
  byId("byhand-said").classList.toggle("wrong", bad);
};

/** What was typed, as the search takes it: a telephone number, an account number, else the beginning of a name. */
async function search(wanted) {
  const ask = async (key) => (await api("GET", `/api/accounts?limit=10&${key}=${encodeURIComponent(wanted)}`)).items;
  if (/^\+\d{7,15}$/.test(wanted)) return ask("phone");
  const byNumber = await ask("number");
  return byNumber.length || wanted.length < 2 ? byNumber : ask("name");
}

async function find() {
  fill(byId("byhand-found"));
  said("Looking …");
  try {
    const accounts = await search(byId("byhand-wanted").value.trim());
    said(accounts.length ? "" : "No such account.");
    fill(byId("byhand-found"), accounts.map((account) => el("li", {},
      el("button", { type: "button", class: "slim", onclick: (event) => numbers(account, event.target.closest("li")) }, account.number),
      el("span", {}, account.name))));
  } catch (error) {
    said(error.message, true);
  }
}

/** Why a number may not be called, and when it may. */
function why(refusal) {
  const next = refusal.next_allowed_at ? `from ${when(refusal.next_allowed_at)}` : "not before something changes";
  return el("span", { class: "small" }, el("b", {}, words(refusal.rule)), ` · ${next} · `, el("span", { class: "quiet" }, refusal.cite));
}

async function numbers(account, line) {
  try {
    const { points } = await api("GET", `/api/accounts/${account.id}/may-contact`);
    const phones = points.filter((point) => point.channel === "phone");
    fill(line, el("p", {}, el("a", { href: `/accounts/${account.id}`, target: "_blank" }, el("b", { class: "figure" }, account.number), ` ${account.name}`)),
      phones.length ? phones.map((point) => number(account, point)) : el("p", { class: "quiet small" }, "No telephone number."));
  } catch (error) {
    said(error.message, true);
  }
}

function number(account, point) {
  const note = el("span", {}, point.refusal ? why(point.refusal) : null);
  const call = el("button", { type: "button", class: point.allowed ? "main" : null, onclick: () => dial(account, point, call, note) }, "Call");
  return el("p", { class: "row" }, call, el("span", { class: "figure" }, point.value), el("span", { class: "quiet small" }, point.label), note);
}

/** The last look is at the service: what it refuses is said beside the number. */
async function dial(account, point, call, note) {
  call.disabled = true;
  said("");
  try {
    await api("POST", `/api/accounts/${account.id}/dial`, { contact_point: point.contact_point });
    fill(byId("byhand-found"));
    byId("byhand-form").reset();
  } catch (error) {
    if (error.refusal) fill(note, why(error.refusal));
    else said(error.message, true);
  } finally {
    call.disabled = false;
  }
}

byId("byhand-form").addEventListener("submit", (event) => {
  event.preventDefault();
  find();
});
