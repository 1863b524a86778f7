// Instalment plans: what is typed into a form, its instalments, and the plan behind a task.
import { api, attempt, day, daysLater, decimal, el, fill, minorOf, money, words } from "/assets/common.js";

/** The fields of a plan; `suggested` minor units are what is likely to be paid. */
export function planFields(suggested, currency, today) {
  const amount = (name, label, value) => el("label", {}, `${label} (${currency})`, el("input", { name, inputmode: "decimal", autocomplete: "off", class: "figure", value }));
  return el("div", { class: "stack" },
    el("div", { class: "pair" }, amount("plan_total", "Will pay altogether", decimal(suggested, currency)), amount("plan_covers", "Settles (if it is more)", "")),
    el("div", { class: "pair" }, amount("plan_down", "Down payment today", ""), el("label", {}, "Instalments", el("input", { name: "plan_instalments", type: "number", min: "1", max: "250", value: "3" }))),
    el("div", { class: "pair" },
      el("label", {}, "How often", el("select", { name: "plan_rhythm" }, ["monthly", "fortnightly", "weekly"].map((one) => el("option", { value: one }, one)))),
      el("label", {}, "First on", el("input", { name: "plan_first_on", type: "date", min: today, value: daysLater(today, 14) }))),
    el("label", { class: "check" }, el("input", { name: "plan_postdated", type: "checkbox" }), "Postdated cheques or card payments that we hold"),
    el("div", { id: "plan-parts", role: "status" }));
}

/** What was typed; throws what is wrong with a field. */
export function planOf(field, currency, items) {
  const wrong = (name, detail) => { throw Object.assign(new Error(detail), { field: name }); };
  const minor = (name, needed) => {
    const typed = field(name).value.trim();
    if (!typed && !needed) return 0;
    return minorOf(typed, currency) ?? wrong(name, "Enter an amount, such as 1250.00.");
  };
  const plan = {
    total_minor: minor("plan_total", true), down_minor: minor("plan_down", false), first_on: field("plan_first_on").value,
    rhythm: field("plan_rhythm").value, instalments: Number(field("plan_instalments").value), items, postdated: field("plan_postdated").checked,
  };
  const covers = minor("plan_covers", false);
  if (covers) plan.covers_minor = covers;
  if (!plan.first_on) wrong("plan_first_on", "Enter a date.");
  if (!Number.isInteger(plan.instalments) || plan.instalments < 1) wrong("plan_instalments", "Enter a whole number.");
  return plan;
}

const parts = (list, currency) => el("ol", { class: "prompts" }, list.map((part) => el("li", {}, `${day(part.due_on)}: `, el("b", { class: "figure" }, money({ minor: part.amount_minor, currency })))));

/** Shows the instalments of what was typed, and whose limits it needs. */
export async function showParts(place, account, plan, currency) {
  const shown = await api("POST", `/api/accounts/${account}/plans/preview`, plan);
  fill(place, parts(shown.parts, currency), shown.why ? el("p", { class: "bar" }, `Needs the approval of ${shown.needs === "admin" ? "an administrator" : "a supervisor"}: ${shown.why}`) : null);
}

/** The plan of a task; `done` is called after a change. */
export async function agreed(task, me, done) {
  if (task.source?.kind !== "plan" || me.role === "department") return null;
  const path = `/api/plans/${task.source.id}`;
  const { plan, promises } = await api("GET", path);
  const note = el("input", { name: "plan-note", maxlength: "4000", placeholder: "Why" });
  const act = (label, name, key) => el("button", { type: "button", id: `plan-${name}`, class: key, onclick: () => attempt(async () => {
    await api("POST", `${path}/${name}`, name === "approve" ? undefined : { note: note.value });
    await done();
  }) }, label);
  const may = me.role !== "agent";
  return el("section", { class: "stack", id: "plan" },
    el("h2", {}, plan.covers.minor > plan.total.minor ? "Settlement" : "Instalment plan"),
    el("p", {}, el("b", { class: "figure" }, money(plan.total)), plan.covers.minor > plan.total.minor ? ` settles ${money(plan.covers)}` : "",
      ` ${words(plan.terms.rhythm)}, agreed by ${plan.taken_by_name} `, el("span", { class: "tag" }, words(plan.status))),
    promises.length
      ? el("ol", { class: "prompts" }, promises.toReversed().map((one) => el("li", {}, `${day(one.due_on)}: `, el("b", { class: "figure" }, money(one.amount)), ` ${words(one.status)}`)))
      : parts(plan.parts, plan.total.currency),
    may && ["proposed", "active", "held"].includes(plan.status) ? el("div", { class: "row" }, el("label", {}, "Note ", note),
      plan.status === "proposed" ? act("Approve", "approve", "main") : null, plan.status === "proposed" ? act("Refuse", "refuse", "") : null,
      plan.status === "held" ? act("Resume", "resume", "main") : null, plan.status !== "proposed" ? act("End", "end", "danger") : null) : null);
}
