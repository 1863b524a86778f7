// Reports: a table and its chart, the same as files, and which of them are sent by e-mail.
import { api, byId, day, el, fill, logOut, momentIn, money, reasonOf, text, whoAmI, words } from "/assets/common.js";
import { draw } from "/assets/chart.js";

const REPORTS = {
  aging: ["Aging", "by", "buckets", "credits"],
  aging_accounts: ["Aging by account", "by", "buckets", "credits"],
  receivables: ["DSO and its relatives", "days"],
  roll_rates: ["Roll rates", "days", "by", "buckets"],
  cash_forecast: ["Cash forecast"],
  forecast_calibration: ["How good the forecast was"],
  activity: ["Collection activity", "days", "group_by"],
  dispute_ageing: ["Disputes by age", "days"],
  late_payers: ["Chronic late payers", "days"],
  abandoned: ["Abandoned calls", "days"],
};
/** Rows that are drawn on the page; the files have all of them. */
const SHOWN = 500;

const me = await whoAmI();
text(byId("me"), me.name);
text(byId("known-in"), `As known at, ${me.zone.split("/").pop().replaceAll("_", " ")} time`);
byId("out").addEventListener("click", logOut);

const params = ["days", "by", "buckets", "credits", "group_by"];

/** What is asked for, as the API takes it. */
function asked() {
  const query = new URLSearchParams();
  if (byId("as_of").value) query.set("as_of", byId("as_of").value);
  if (byId("known_at").value) query.set("known_at", momentIn(me.zone, byId("known_at").value));
  const wanted = REPORTS[byId("report").value];
  for (const name of params) if (wanted.includes(name) && byId(name).value) query.set(name, byId(name).value);
  if (byId("portfolio").value) query.set("portfolio", byId("portfolio").value);
  return query;
}

function fit() {
  const wanted = REPORTS[byId("report").value];
  for (const field of document.querySelectorAll("[data-for]")) field.hidden = !wanted.includes(field.dataset.for);
}

const figure = (value, digits) => new Intl.NumberFormat(undefined, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);

/** A moment as a field for date and time at the office takes it. */
const localOf = (moment) => new Intl.DateTimeFormat("sv", { timeZone: me.zone, dateStyle: "short", timeStyle: "short" }).format(new Date(moment)).replace(" ", "T");

/** A cell as people read it; what is undefined is a dash. */
function shown(cell, kind) {
  if (cell === null) return "–";
  if (kind === "money") return money(cell);
  if (kind === "date") return day(cell);
  if (kind === "count") return figure(cell, 0);
  if (kind === "text") return cell;
  if (cell.value === null) return "–";
  return kind === "percent" ? `${figure(cell.value * 100, 1)} %` : figure(cell.value, kind === "rate" ? 2 : 1);
}

function row(cells, columns) {
  return el("tr", {}, cells.map((cell, nth) => {
    const { kind } = columns[nth];
    const made = cell?.numerator === undefined ? undefined : `${cell.numerator} / ${cell.denominator}`;
    const numeric = kind !== "text" && kind !== "date";
    return el(nth === 0 ? "th" : "td", { class: numeric ? "num" : "", scope: nth === 0 ? "row" : null, title: made }, shown(cell, kind));
  }));
}

async function show() {
  const report = byId("report").value;
  const query = asked();
  text(byId("said"), "Working it out …");
  for (const format of ["csv", "xlsx"]) byId(format).href = `/api/reports/files/${report}.${format}?${query}`;
  try {
    const table = await api("GET", `/api/reports/tables/${report}?${query}`);
    text(byId("title"), table.title);
    byId("as_of").value = table.as_of;
    fill(byId("table"),
      el("caption", { class: "only-read" }, `${table.title}, as of ${table.as_of}`),
      el("thead", {}, el("tr", {}, table.columns.map(({ title, kind }) =>
        el("th", { scope: "col", class: kind === "text" || kind === "date" ? "" : "num" }, title)))),
      el("tbody", {}, table.rows.slice(0, SHOWN).map((cells) => row(cells, table.columns))));
    const rest = table.rows.length - SHOWN;
    text(byId("said"), `As of ${day(table.as_of)}${byId("known_at").value ? `, as known at ${localOf(table.known_at).replace("T", " ")}` : ""}, ${table.about}${table.rows.length ? "" : ": nothing"}${rest > 0 ? `; ${rest} more rows are in the files` : ""}`);
    draw(byId("chart"), table, (cell, nth) => shown(cell, table.columns[nth].kind));
    fill(byId("notes"), definitions(table));
    history.replaceState(null, "", `?report=${report}&${query}`);
  } catch (error) {
    text(byId("said"), reasonOf(error));
  }
}

function definitions({ columns, rows, notes }) {
  const of = columns.flatMap(({ title }, nth) => {
    const definition = rows.map((cells) => cells[nth]?.definition).find(Boolean);
    return definition ? [el("dt", {}, title), el("dd", {}, definition)] : [];
  });
  return [...of, ...notes.flatMap((note) => [el("dt", {}, ""), el("dd", {}, note)])];
}

async function mails() {
  const { items } = await api("GET", "/api/reports/schedules");
  fill(byId("mails"), items.length ? items.map((one) => el("li", {},
    el("b", {}, REPORTS[one.report]?.[0] ?? words(one.report)),
    el("span", {}, `every ${EVERY[one.every]} at ${one.hour}:00 to ${one.recipients.join(", ")}`),
    el("span", { class: "quiet small" }, one.last_error ? `not sent: ${one.last_error}` : one.last_sent_on ? `last sent ${day(one.last_sent_on)}` : "not sent yet"),
    el("button", { class: "slim", type: "button", onclick: () => end(one.id) }, "End"))) : el("li", { class: "quiet" }, "None"));
}
const EVERY = { day: "business day", week: "Monday", month: "first of the month" };

async function end(id) {
  await api("DELETE", `/api/reports/schedules/${id}`);
  await mails();
}

/** Says what became of a form. */
async function submit(event, said, send) {
  event.preventDefault();
  try {
    await send();
    text(said, "Kept.");
  } catch (error) {
    text(said, reasonOf(error));
  }
}

byId("mail").addEventListener("submit", (event) => submit(event, byId("mail-said"), async () => {
  const given = Object.fromEntries(asked());
  delete given.as_of;
  delete given.known_at;
  if (given.days) given.days = Number(given.days);
  await api("POST", "/api/reports/schedules", {
    report: byId("report").value, params: given, every: byId("every").value, hour: Number(byId("hour").value),
    format: byId("format").value, recipients: byId("to").value.split(/[\s,;]+/).filter(Boolean),
  });
  await mails();
}));

byId("set").addEventListener("submit", (event) => submit(event, byId("set-said"), async () => {
  const ends = byId("set-ends").value.split(/[\s,;]+/).filter(Boolean).map(Number);
  await api("PUT", "/api/reports/buckets", { name: byId("set-name").value, ends });
  await sets();
}));

async function sets() {
  const known = await api("GET", "/api/reports/buckets");
  const chosen = byId("buckets").value || "standard";
  fill(byId("buckets"), known.map(({ name, ends }) => el("option", { value: name }, `${name} (${ends.join(", ")})`)));
  byId("buckets").value = chosen;
}

byId("report").addEventListener("change", () => { fit(); show(); });
byId("ask").addEventListener("submit", (event) => { event.preventDefault(); show(); });

fill(byId("report"), Object.entries(REPORTS).map(([name, [title]]) => el("option", { value: name }, title)));
const [{ books }] = await Promise.all([api("GET", "/api/periods"), sets()]);
byId("portfolio").append(...books.map(({ portfolio }) => el("option", { value: portfolio }, portfolio)));
for (const [name, value] of new URLSearchParams(location.search)) if (byId(name)) byId(name).value = name === "known_at" ? localOf(value) : value;
fit();
await Promise.all([show(), mails()]);
