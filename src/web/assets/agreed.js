// What was agreed with an account, what it contests, and where it is on the escalation ladder.
import { api, day, el, money, words } from "/assets/common.js";
import { ladder } from "/assets/ladder.js";

const tag = (status, good, bad) => el("span", { class: `tag ${good.includes(status) ? "good" : bad.includes(status) ? "bad" : ""}` }, words(status));
const list = (title, lines) => (lines.length ? [el("h3", {}, title), el("ul", { class: "list" }, lines)] : []);

/** The parts of the card; `done` is called after a change. */
export async function agreed(account, me, done) {
  const at = `/api/accounts/${account}`;
  const [promises, disputes, plans] = await Promise.all(["promises", "disputes", "plans"].map((what) => api("GET", `${at}/${what}`)));
  const steps = await ladder({ account: { id: account } }, me, done);
  const promise = (one) => el("li", {}, el("span", {}, el("b", { class: "figure" }, money(one.amount)), ` by ${day(one.due_on)}`, one.level > 1 ? `, level ${one.level}` : "",
    one.approved_by ? el("span", { class: "quiet small" }, ` allowed by ${one.approved_by}`) : null), tag(one.status, ["kept"], ["broken", "partially_kept"]));
  const dispute = (one) => el("li", {}, el("span", {}, el("b", { class: "figure" }, money(one.amount)), ` ${words(one.reason)}, ${words(one.department)}`,
    one.status === "open" && one.due_on ? ` by ${day(one.due_on)}` : "", one.answer ? el("p", { class: "pre small" }, one.answer) : null), tag(one.status, ["valid"], []));
  const plan = (one) => el("li", {}, el("span", {}, el("b", { class: "figure" }, money(one.total)), one.covers.minor > one.total.minor ? ` settles ${money(one.covers)}` : ` in ${one.parts.length} parts`),
    tag(one.status, ["fulfilled", "active"], ["broken", "held"]));
  const none = promises.items.length + disputes.items.length + plans.items.length === 0;
  return [none ? el("p", { class: "quiet small" }, "Nothing was agreed yet.") : null,
    ...list("Promises", promises.items.slice(0, 10).map(promise)), ...list("Disputes", disputes.items.slice(0, 10).map(dispute)),
    ...list("Plans", plans.items.map(plan)), steps];
}
