// The house's own list of numbers that nobody calls, whichever account has them.
import { api, byId, el, fill, when } from "/assets/common.js";
import { onSubmit, said, send } from "/assets/forms.js";

const form = byId("bar");
let next = null;

const line = (one) => el("li", {}, el("div", { class: "row" }, el("b", { class: "figure" }, one.value), el("span", {}, one.reason),
  el("span", { class: "quiet small" }, [`since ${when(one.at)}`, one.by].filter(Boolean).join(", ")),
  one.revoked_at ? el("span", { class: "quiet small" }, `taken off ${when(one.revoked_at)}${one.revoked_by ? ` by ${one.revoked_by}` : ""}`)
    : el("button", { type: "button", class: "slim", "aria-label": `Take ${one.value} off`, onclick: () => takeOff(one) }, "Take off")));

async function list(further) {
  const found = await api("GET", `/api/do-not-call?limit=20${further ? `&cursor=${encodeURIComponent(next)}` : ""}`);
  next = found.next ?? null;
  byId("barred-more").hidden = !next;
  if (further) byId("barred").append(...found.items.map(line));
  else fill(byId("barred"), found.items.length ? found.items.map(line) : el("li", { class: "quiet" }, "None yet."));
}

function takeOff(one) {
  if (!confirm(`Take ${one.value} off the list? It may be called again.`)) return;
  send(form, async () => {
    await api("DELETE", `/api/do-not-call/${one.id}`);
    await list();
  }, `${one.value} is taken off.`);
}

/** Supervisors keep the list; nobody else sees it. */
export async function startHouseList() {
  form.append(said());
  onSubmit(form, async () => {
    await api("POST", "/api/do-not-call", { value: form.elements.value.value.trim(), reason: form.elements.reason.value });
    form.reset();
    await list();
  }, "On the list: it counts from now on.");
  byId("barred-more").addEventListener("click", () => send(form, () => list(true)));
  await list();
}
