// Spans of the week: days to tick, from, to; as many as are needed.
import { el } from "/assets/common.js";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

export class Hours {
  /** `name` is what the API calls the list; a refusal names a field of it by its number. */
  constructor(name) {
    this.name = name;
    this.list = el("ul", { class: "hours" });
    this.add = el("button", { type: "button", class: "slim", onclick: () => this.row({ days: DAYS.slice(0, 5), from: "08:00:00", to: "20:00:00" }).querySelector("input").focus() }, "Add hours");
    this.place = el("div", {}, this.list, this.add);
  }

  set(spans) {
    this.list.replaceChildren();
    for (const span of spans) this.row(span);
  }

  /** The spans as the API takes them. */
  get() {
    return [...this.list.children].map(({ boxes, from, to }) => ({ days: DAYS.filter((day) => boxes[day].checked), from: `${from.value}:00`, to: `${to.value}:00` }));
  }

  row({ days, from, to }) {
    const time = (value) => el("input", { type: "time", required: true, value: value.slice(0, 5) });
    const row = el("li", {});
    row.boxes = Object.fromEntries(DAYS.map((day) => [day, el("input", { type: "checkbox", checked: days.includes(day) })]));
    Object.assign(row, { from: time(from), to: time(to) });
    row.append(el("div", { class: "days", role: "group", "aria-label": "Days" }, DAYS.map((day) => el("label", { class: "check" }, row.boxes[day], day))),
      el("label", {}, "From ", row.from), el("label", {}, "To ", row.to),
      el("button", { type: "button", class: "slim", "aria-label": "Remove these hours", onclick: () => { row.remove(); this.number(); this.add.focus(); } }, "Remove"));
    this.list.append(row);
    this.number();
    return row;
  }

  number() {
    [...this.list.children].forEach(({ boxes, from, to }, nth) => {
      from.name = `${this.name}[${nth}].from`;
      to.name = `${this.name}[${nth}].to`;
      boxes.Mon.name = `${this.name}[${nth}].days`;
    });
  }
}
