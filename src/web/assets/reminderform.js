// The form of a ladder of reminders: its steps, whom it is for, and when mail may go out.
import { api, byId, decimal, minorOf, words } from "/assets/common.js";
import { Rows } from "/assets/rows.js";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const CHANNELS = [["email", "e-mail"], ["call", "call"]];
/** A ladder counts minor units of any currency: two decimals are shown, which most have. */
const SHOWN = "USD";

const listed = (typed) => typed.split(/[\s,;]+/).filter(Boolean);
const wrong = (field, detail) => Object.assign(new Error(detail), { field });

function minor(id, name) {
  const typed = byId(id).value.trim();
  if (!typed) return null;
  const found = minorOf(typed, SHOWN);
  if (found === null) throw wrong(name, "expected an amount such as 5.00");
  return found;
}

/** The form: `set` shows a ladder, `get` gives what is filled in. */
export async function ladderForm() {
  const { items } = await api("GET", "/api/templates");
  const templates = [...new Set(items.map((one) => one.name))].map((name) => [name, words(name)]);
  const mails = (row) => row.channel === "email";
  const steps = new Rows(byId("steps"), "Steps, in the order of their days", [
    { name: "key", label: "Name of the step", required: true, pattern: "[a-z0-9_]{1,40}", title: "1 to 40 of a-z, 0-9 and _" },
    { name: "days", label: "Days after the due date", type: "number", min: "-90", max: "365", required: true, width: "short" },
    { name: "channel", label: "What", choices: CHANNELS, width: "short" },
    { name: "template", label: "Template", choices: templates, when: mails },
  ], { add: "Add a step" });
  const hours = new Rows(byId("hours"), "Hours of the debtor's day", [
    { name: "days", label: "Days", required: true, title: "Mon, Tue, …" },
    { name: "from", label: "From", type: "time", required: true, width: "short" },
    { name: "to", label: "To", type: "time", required: true, width: "short" },
  ], { add: "Add hours" });

  function spans() {
    return hours.get().map(({ days, from, to }) => {
      const unknown = listed(days).find((one) => !DAYS.includes(one));
      if (unknown) throw wrong("hours", `${unknown} is none of ${DAYS.join(", ")}`);
      return { days: listed(days), from: from.length === 5 ? `${from}:00` : from, to: to.length === 5 ? `${to}:00` : to };
    });
  }

  return {
    set(ladder) {
      const { segment = {} } = ladder;
      steps.set(ladder.steps);
      hours.set((ladder.hours ?? []).map((one) => ({ ...one, days: one.days.join(", ") })));
      byId("between").value = ladder.min_days_between;
      byId("tolerance").value = decimal(ladder.tolerance_minor, SHOWN);
      byId("approval").checked = ladder.approval ?? false;
      byId("portfolios").value = (segment.portfolios ?? []).join(", ");
      byId("countries").value = (segment.countries ?? []).join(", ");
      byId("kind").value = segment.party_kind ?? "";
      for (const [id, value] of [["from", segment.from_minor], ["to", segment.to_minor]]) byId(id).value = value === null || value === undefined ? "" : decimal(value, SHOWN);
    },
    get() {
      return {
        segment: { portfolios: byId("portfolios").value.split(",").map((one) => one.trim()).filter(Boolean), countries: listed(byId("countries").value).map((one) => one.toUpperCase()), party_kind: byId("kind").value || null,
          from_minor: minor("from", "owing from"), to_minor: minor("to", "owing up to") },
        steps: steps.get().map((step) => ({ ...step, days: Number(step.days), template: step.template ?? null })),
        min_days_between: Number(byId("between").value), tolerance_minor: minor("tolerance", "leave items alone below") ?? 0, approval: byId("approval").checked, hours: spans(),
      };
    },
  };
}
