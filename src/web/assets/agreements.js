// The agreement rules as their text, and the escalation ladder of them as a form.
import { api, attempt, byId, logOut, text, whoAmI, words } from "/assets/common.js";
import { Rows } from "/assets/rows.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);
const admin = me.role === "admin";
byId("save").hidden = byId("save-ladder").hidden = !admin;
byId("text").readOnly = byId("quiet").readOnly = !admin;

const CONTACTS = [["keeps", "go on"], ["supervisor_only", "by supervisors only"], ["stops", "stop"]];
const CAUSES = ["broken_promises", "dispute_late", "past_due", "disposition", "attorney", "bankruptcy"].map((name) => [name, words(name)]);
const of = (...causes) => (row) => causes.includes(row.when);
const [{ departments }, { items: codes }] = await Promise.all([api("GET", "/api/departments"), api("GET", "/api/dispositions/standard")]);
const levels = new Rows(byId("levels"), "Levels, from low to high", [
  { name: "code", label: "Code", required: true, pattern: "[a-z0-9_]{1,32}", title: "1 to 32 of a-z, 0-9 and _" },
  { name: "name", label: "Name", required: true, maxlength: "80" },
  { name: "department", label: "Department that gets the task", choices: departments.map((one) => [one.code, one.name]) },
  { name: "contact", label: "Calls", choices: CONTACTS },
], { add: "Add a level" });
const triggers = new Rows(byId("triggers"), "What leads there by itself", [
  { name: "when", label: "What", choices: CAUSES },
  { name: "count", label: "How many", type: "number", min: "1", max: "100", required: true, when: of("broken_promises"), width: "short" },
  { name: "days", label: "Days past due", type: "number", min: "1", max: "3650", required: true, when: of("past_due"), width: "short" },
  { name: "over_minor", label: "Over, in cents", type: "number", min: "0", required: true, when: of("past_due") },
  { name: "code", label: "Recorded as", choices: codes.map((one) => [one.code, one.label ?? words(one.code)]), when: of("disposition") },
  { name: "level", label: "Code of the level", required: true },
], { add: "Add a cause" });
levels.readOnly = triggers.readOnly = !admin;

/** A cause as the API has it, as the fields of a row, and back. */
const fields = ({ when, level }) => (typeof when === "string" ? { when, level } : { when: Object.keys(when)[0], ...Object.values(when)[0], level });
const cause = ({ when, level, code, ...numbers }) => {
  const details = { ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value)])), ...(code ? { code } : {}) };
  return { when: Object.keys(details).length ? { [when]: details } : when, level };
};

async function show() {
  const [whole, ladder] = await Promise.all([api("GET", "/api/agreements"), api("GET", "/api/agreements/escalation")]);
  byId("text").value = whole.text;
  byId("quiet").value = ladder.quiet_days;
  levels.set(ladder.level);
  triggers.set(ladder.trigger.map(fields));
}

byId("ladder").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    await api("PUT", "/api/agreements/escalation", { quiet_days: Number(byId("quiet").value), level: levels.get(), trigger: triggers.get().map(cause) });
    await show();
  }, "The ladder is in force.");
});
byId("rules").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    await api("PUT", "/api/agreements", { text: byId("text").value });
    await show();
  }, "The rules are in force.");
});
await attempt(show);
