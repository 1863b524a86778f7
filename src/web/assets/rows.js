// A list of rows that people add to, order, fill in and take away.
import { el, fill, words } from "/assets/common.js";

let made = 0;

/**
 * Rows of the same fields in a fieldset. A column has a `name`, a `label` and either `choices` (`[value, label]`) or the
 * attributes of an input; with `when` it is there only for rows of which that is true.
 */
export class Rows {
  constructor(place, title, columns, { add = "Add a row" } = {}) {
    this.columns = columns;
    this.list = el("ol", { class: "rows" });
    this.add = el("button", { type: "button", class: "slim", onclick: () => this.row({}).querySelector("input, select").focus() }, add);
    fill(place, el("fieldset", {}, el("legend", {}, title), this.list, this.add));
  }

  set readOnly(only) {
    this.list.closest("fieldset").disabled = only;
    this.add.hidden = only;
  }

  /** Puts these values in place of what is there. */
  set(values) {
    this.list.replaceChildren();
    for (const value of values) this.row(value);
  }

  /** What is filled in: an object of texts a row. */
  get() {
    return [...this.list.children].map((row) => Object.fromEntries(this.columns.filter(({ name }) => !row.fields[name].part.hidden).map(({ name }) => [name, row.fields[name].input.value.trim()])));
  }

  row(value) {
    const row = el("li", {});
    row.fields = Object.fromEntries(this.columns.map((column) => [column.name, this.field(column, value[column.name] ?? "")]));
    const fit = () => {
      const now = Object.fromEntries(this.columns.map(({ name }) => [name, row.fields[name].input.value]));
      for (const { name, when } of this.columns) if (when) row.fields[name].part.hidden = row.fields[name].input.disabled = !when(now);
    };
    row.addEventListener("change", fit);
    const button = (title, label, act) => el("button", { type: "button", class: "slim", "aria-label": label, onclick: act }, title);
    row.append(...Object.values(row.fields).map(({ part }) => part),
      el("span", { class: "ends" }, button("Up", "Move this row up", (event) => { row.previousElementSibling?.before(row); event.target.focus(); }), button("Remove", "Remove this row", () => { row.remove(); this.add.focus(); })));
    this.list.append(row);
    fit();
    return row;
  }

  field({ name, label, choices, when, width, ...attributes }, value) {
    made += 1;
    const id = `row-${name}-${made}`;
    const known = choices?.some(([code]) => code === value);
    const input = choices ? el("select", { id, name }, choices.map(([code, title]) => el("option", { value: code }, title)), value && !known ? el("option", { value }, words(value)) : null)
      : el("input", { id, name, autocomplete: "off", ...attributes });
    if (value !== "") input.value = value;
    return { input, part: el("div", { class: `field ${width ?? ""}` }, el("label", { for: id }, label), input) };
  }
}
