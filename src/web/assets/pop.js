// The account on the screen.
import { byId, day, el, fill, money, when, words } from "/assets/common.js";
import { wishes } from "/assets/wishes.js";

const BUCKETS = ["Not due", "1–30", "31–60", "61–90", "91–120", "Over 120"];

/** Ids of the items that are ticked: those that were spoken about. */
export const picked = () =>
  [...document.querySelectorAll("#items input:checked")].map((box) => ({ ...JSON.parse(box.dataset.item) }));

/** Draws the pop. Drawing the same call again keeps what is ticked. `confirm`: the agent knows who is speaking. */
export function showPop(place, pop, me, confirm) {
  const ticked = new Set(place.dataset.call === pop.call ? picked().map((item) => item.id) : []);
  place.dataset.call = pop.call;
  const account = pop.account;
  if (pop.ask_for) {
    fill(place, who(pop), prompts(pop), identity(confirm));
    return;
  }
  fill(place,
    account?.warnings.length ? warnings(account.warnings) : null,
    account ? head(pop, account) : unknown(pop),
    prompts(pop),
    pop.script ? card("What to say", el("p", { class: "script pre" }, pop.script)) : null,
    account ? items(account, ticked) : null,
    account ? agreed(account) : null,
    account ? wishes(account, pop.number) : null,
    account ? past(account) : null,
    pop.reasons ? why(pop) : null);
}

const card = (title, ...children) => el("section", { class: "card" }, el("h2", {}, title), ...children);

const warnings = (list) => el("ul", { class: "warnings" }, list.map((warning) => el("li", { class: "bar" }, warning)));

/** What the policies ask the agent to say and do. */
function prompts(pop) {
  if (!pop.prompts?.length) return null;
  return card("Say and do", el("ol", { id: "prompts", class: "prompts" },
    pop.prompts.map((prompt) => el("li", {}, prompt.text, " ", el("span", { class: "quiet small" }, prompt.cite)))));
}

/** Nothing about the debt comes from the service before the agent knows who has picked up. */
function identity(confirm) {
  return card("Who is speaking?",
    el("p", {}, "Make sure that you speak to the person named above. What is owed is shown when you have."),
    el("button", { id: "identity", type: "button", onclick: confirm }, "Identity confirmed ", el("kbd", {}, "Alt I")));
}

/** Whom to ask for, and nothing about the debt. */
function who(pop) {
  return el("section", { class: "card" },
    el("h1", {}, pop.ask_for.name),
    el("p", { class: "quiet" }, words(pop.direction)),
    el("p", { class: "figure quiet" }, pop.number));
}

function unknown(pop) {
  return el("section", { class: "card" }, el("h1", {}, "Unknown number"), el("p", { class: "figure" }, pop.number),
    el("p", { class: "quiet" }, "No account has this number. Ask who is calling and note it."));
}

function head(pop, account) {
  const zone = account.contact.zones[0];
  const contact = [account.contact.name, account.contact.role && `(${words(account.contact.role)})`].filter(Boolean).join(" ");
  return el("section", { class: "card" },
    el("div", { class: "who" },
      el("div", {}, el("h1", {}, el("a", { href: `/accounts/${account.id}`, target: "_blank" }, account.name)),
        el("p", { class: "quiet" }, `${account.number} · ${pop.campaign_name || words(pop.direction)}`)),
      el("div", { class: "there" },
        el("p", {}, contact || "Unknown contact", " ", el("span", { class: "figure quiet" }, pop.number)),
        zone ? el("p", { class: "quiet small" }, "There it is ", el("span", { class: "figure", "data-zone": zone }), ` (${account.contact.zones.join(", ")})`) : null)),
    el("dl", { class: "sums" },
      sum("To collect", account.collectible), sum("Balance", account.balance), sum("Cash not applied", account.unapplied)),
    el("dl", { class: "aging", "aria-label": "Open amounts by days past due" },
      account.aging.map((amount, index) => el("div", { class: index > 0 && amount.minor > 0 ? "late" : "" },
        el("dt", {}, BUCKETS[index]), el("dd", {}, money(amount))))));
}

const sum = (name, amount) => el("div", {}, el("dt", {}, name), el("dd", {}, money(amount)));

function items(account, ticked) {
  const line = (item) => {
    const id = `item-${item.id}`;
    const box = el("input", { type: "checkbox", id, checked: ticked.has(item.id), "data-item": JSON.stringify(item) });
    const row = el("tr", { class: ticked.has(item.id) ? "picked" : "" },
      el("td", {}, box),
      el("td", {}, el("label", { for: id }, item.seq > 1 ? `${item.invoice} / ${item.seq}` : item.invoice)),
      el("td", { class: "figure" }, day(item.due_on)),
      el("td", { class: `num ${item.age > 0 ? "late" : ""}` }, item.age > 0 ? `${item.age} d` : item.age === 0 ? "today" : `in ${-item.age} d`),
      el("td", { class: "num" }, money(item.open)),
      el("td", { class: "num quiet" }, item.disputed.minor ? money(item.disputed) : "–"));
    box.addEventListener("change", () => {
      row.classList.toggle("picked", box.checked);
      byId("wrap").dispatchEvent(new Event("items"));
    });
    return row;
  };
  return card("Open items: tick what you talk about",
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Open items" },
      el("table", { id: "items", class: "items" },
        el("thead", {}, el("tr", {}, el("th", {}, el("span", { class: "only-read" }, "Discussed")), el("th", {}, "Invoice"), el("th", {}, "Due"),
          el("th", { class: "num" }, "Past due"), el("th", { class: "num" }, "Open"), el("th", { class: "num" }, "Disputed"))),
        el("tbody", {}, account.open_items.map(line)))),
    account.more_items ? el("p", { class: "quiet small" }, `and ${account.more_items} more`) : null);
}

const TONE = { kept: "good", broken: "bad", partially_kept: "warn", open: "warn" };

function agreed(account) {
  const promises = account.promises.map((promise) => el("li", {},
    el("span", {}, el("b", { class: "figure" }, money(promise.amount)), ` by ${day(promise.due_on)}`),
    el("span", { class: `tag ${TONE[promise.status] ?? ""}` }, words(promise.status))));
  const disputes = account.disputes.map((dispute) => el("li", {},
    el("span", {}, words(dispute.reason), " ", el("span", { class: "quiet small" }, `${words(dispute.department)}, since ${when(dispute.opened_at)}${dispute.due_on && dispute.status === "open" ? `, answer by ${day(dispute.due_on)}` : ""}`),
      dispute.status && dispute.status !== "open" ? el("span", { class: `tag ${dispute.status === "invalid" ? "warn" : "good"}` }, words(dispute.status)) : null,
      dispute.answer ? el("p", { class: "pre" }, `Answer: ${dispute.answer}`) : null),
    el("b", { class: "figure" }, money(dispute.amount))));
  return el("div", { class: "half" },
    card("Promises", list(promises, "None yet.")), card("Disputes", list(disputes, "None.")));
}

function past(account) {
  const calls = account.calls.map((call) => el("li", {},
    el("span", {}, el("span", { class: "figure" }, when(call.at)), " ", call.disposition ?? (call.outcome ? words(call.outcome) : "in progress")),
    el("span", { class: "quiet small" }, call.agent ?? "")));
  const notes = account.notes.map((note) => el("li", {},
    el("span", { class: "quiet small" }, `${when(note.at)}${note.by ? `, ${note.by}` : ""}`), el("p", { class: "pre" }, note.body)));
  return el("div", { class: "half" },
    card("Last calls", list(calls, "First call to this account.")), card("Notes", list(notes, "None yet.")));
}

const list = (lines, none) => (lines.length ? el("ul", { class: "list" }, lines) : el("p", { class: "quiet small" }, none));

function why(pop) {
  const { lane, score, components } = pop.reasons;
  const parts = Object.entries(components).map(([name, points]) =>
    el("div", {}, el("dt", {}, words(name)), el("dd", {}, String(points)), el("meter", { min: "0", max: "400", value: String(points), "aria-hidden": "true" })));
  return card("Why this account is next",
    el("p", { class: "row" }, el("span", { class: "tag" }, words(lane)), el("span", { class: "figure" }, `${score} points`)),
    el("dl", { class: "points" }, parts));
}
