// What was agreed with an account, what it contests, and where it is on the escalation ladder.
import { byHand, opener, takeBack } from "/assets/agree.js";
import { api, attempt, day, el, money, words } from "/assets/common.js";
import { contested } from "/assets/contested.js";
import { ladder } from "/assets/ladder.js";
import { agreed as planBehind } from "/assets/plans.js";

const SHOWN = 10;
const tag = (status, good, bad) => el("span", { class: `tag ${good.includes(status) ? "good" : bad.includes(status) ? "bad" : ""}` }, words(status));
const list = (title, lines) => (lines.length ? [el("h3", {}, title), el("ul", { class: "standing" }, lines)] : []);

/** The parts of the card; `done` shows the account anew after a change. */
export async function agreed(everything, items, me, done) {
  const { account } = everything;
  const at = `/api/accounts/${account.id}`;
  const [promises, disputes, plans] = await Promise.all(["promises", "disputes", "plans"].map((what) => api("GET", `${at}/${what}`)));
  const [steps, forms] = await Promise.all([ladder({ account: { id: account.id } }, me, done), byHand(everything, items, me, done)]);
  const behind = el("div", { class: "letter", hidden: true });
  const open = (label, read) => opener(label, behind, () => attempt(async () => (await read()) ?? []));
  const promise = (one) => el("li", { "data-promise": one.status }, el("span", {}, el("b", { class: "figure" }, money(one.amount)), ` by ${day(one.due_on)}`, one.level > 1 ? `, level ${one.level}` : "",
    one.approved_by ? el("span", { class: "quiet small" }, ` allowed by ${one.approved_by}`) : null), tag(one.status, ["kept"], ["broken", "partially_kept"]), one.status === "open" ? takeBack(one, me, done) : null);
  const dispute = (one) => el("li", { "data-dispute": one.status }, el("span", {}, el("b", { class: "figure" }, money(one.amount)), ` ${words(one.reason)}, ${words(one.department)}`,
    one.status === "open" && one.due_on ? ` by ${day(one.due_on)}` : ""), tag(one.status, ["valid"], []),
  open(`Open the dispute of ${money(one.amount)}`, () => contested({ source: { kind: "dispute", id: one.id } }, done)), one.answer ? el("p", { class: "pre small" }, one.answer) : null);
  const plan = (one) => el("li", {}, el("span", {}, el("b", { class: "figure" }, money(one.total)), one.covers.minor > one.total.minor ? ` settles ${money(one.covers)}` : ` in ${one.parts.length} parts`),
    tag(one.status, ["fulfilled", "active"], ["broken", "held"]), open(`Open the plan of ${money(one.total)}`, () => planBehind({ source: { kind: "plan", id: one.id } }, me, done)));
  const none = promises.items.length + disputes.items.length + plans.items.length === 0;
  return [none ? el("p", { class: "quiet small" }, "Nothing was agreed yet.") : null,
    ...list("Promises", promises.items.slice(0, SHOWN).map(promise)), ...list("Disputes", disputes.items.slice(0, SHOWN).map(dispute)),
    ...list("Plans", plans.items.map(plan)), behind, ...forms, steps];
}
