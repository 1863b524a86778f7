// Search for an account.
import { api, byId, day, el, fill, logOut, money, text, whoAmI } from "/assets/common.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);
let next = null;

function row(account) {
  const sum = (minor) => money({ minor, currency: account.currency });
  return el("tr", {}, el("td", {}, el("a", { href: `/accounts/${account.id}` }, account.number)), el("td", {}, account.name),
    el("td", { class: "quiet" }, account.portfolio), el("td", { class: "num" }, sum(account.open_minor)),
    el("td", { class: "num" }, sum(account.collectible_minor)), el("td", {}, account.oldest_due_on ? day(account.oldest_due_on) : "–"));
}

async function load(more) {
  const query = new URLSearchParams();
  const wanted = byId("what").value.trim();
  if (wanted) query.set(byId("by").value, wanted);
  if (more) query.set("cursor", next);
  byId("said").hidden = true;
  try {
    const page = await api("GET", `/api/accounts?${query}`);
    if (more) byId("found").append(...page.items.map(row));
    else fill(byId("found"), page.items.map(row));
    next = page.next ?? null;
    byId("more").hidden = !next;
    byId("none").hidden = byId("found").children.length > 0;
  } catch (error) {
    text(byId("said"), error.message);
    byId("said").hidden = false;
  }
}

byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  load(false);
});
byId("more").addEventListener("click", () => load(true));
await load(false);
