// Where the account of a task is on the escalation ladder.
import { api, attempt, el, when, words } from "/assets/common.js";

/** The ladder of a task's account; `done` is called after a change. */
export async function ladder(task, me, done) {
  if (!task.account || me.role === "department") return null;
  const path = `/api/accounts/${task.account.id}/escalations`;
  const { items, levels } = await api("GET", path);
  const stands = items.find((one) => !one.ended_at);
  const name = (code) => levels.find((level) => level.code === code)?.name ?? words(code);
  const level = el("select", { name: "level" }, levels.filter((one) => one.code !== stands?.level).map((one) => el("option", { value: one.code }, `${one.name} (calls: ${words(one.contact)})`)));
  const reason = el("input", { name: "reason", maxlength: "1000", placeholder: "Why" });
  const act = (label, address, body, key = "") => el("button", { type: "button", class: key, onclick: () => attempt(async () => {
    await api("POST", address, { ...body(), reason: reason.value });
    await done();
  }) }, label);
  return el("details", { id: "ladder", open: Boolean(stands) },
    el("summary", {}, stands ? `Escalated to ${name(stands.level)}: ${stands.reason}` : "Escalate the account"),
    el("ul", { class: "story" }, items.map((one) => el("li", {}, el("span", { class: "quiet small" }, `${when(one.at)} · ${one.by ?? "the service"} · `), `${name(one.level)}: ${one.reason}`,
      one.ended_at ? el("span", { class: "quiet small" }, ` (until ${when(one.ended_at)}: ${one.end_reason})`) : null))),
    el("div", { class: "row" }, el("label", {}, "To ", level), el("label", {}, "Reason ", reason),
      act(stands ? "Move" : "Escalate", path, () => ({ level: level.value })),
      stands && me.role !== "agent" ? act("Back to the callers", `${path}/end`, () => ({})) : null));
}
