// A chart of a table's rows as SVG: bars side by side or above each other. The table beside it says the same to everybody.
import { el, fill } from "/assets/common.js";

const NS = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [960, 260, 8, 24];
/** More bars than that are not told apart. */
const MOST = 40;

function svg(name, attributes, ...children) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** The number that a cell stands for; what is undefined is drawn as nothing. */
const height = (cell) => (cell === null ? 0 : typeof cell === "number" ? cell : cell.minor ?? cell.value ?? 0);

/** Draws the chart that the table asks for; `shown` gives the text of a cell. */
export function draw(place, table, shown) {
  const { chart, columns, rows } = table;
  const at = (key) => columns.findIndex((column) => column.key === key);
  const along = chart ? at(chart.along) : -1;
  const series = chart ? chart.series.map(at).filter((nth) => nth >= 0) : [];
  if (along < 0 || !series.length || !rows.length) return fill(place);
  const drawn = rows.slice(0, MOST);
  const stacked = chart.kind === "stacked";
  const values = drawn.map((cells) => series.map((nth) => Math.max(0, height(cells[nth]))));
  const most = Math.max(1e-9, ...values.map((row) => (stacked ? row.reduce((a, b) => a + b, 0) : Math.max(...row))));
  const room = HEIGHT - BOTTOM - 8;
  const slot = (WIDTH - LEFT * 2) / drawn.length;
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${table.title}: a chart of the table below` });
  picture.append(svg("line", { x1: LEFT, x2: WIDTH - LEFT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }));
  drawn.forEach((cells, index) => {
    let up = 0;
    const width = Math.min(72, slot * 0.8) / (stacked ? 1 : series.length);
    const left = LEFT + slot * index + (slot - width * (stacked ? 1 : series.length)) / 2;
    series.forEach((nth, which) => {
      const size = (values[index][which] / most) * room;
      if (size <= 0) return;
      const bar = svg("rect", {
        class: `s${which % 7}`, width: Math.max(1, width - 1), height: size,
        x: left + (stacked ? 0 : width * which), y: HEIGHT - BOTTOM - size - (stacked ? up : 0),
      });
      bar.append(svg("title", {}, `${shown(cells[along], along)}, ${columns[nth].title}: ${shown(cells[nth], nth)}`));
      picture.append(bar);
      up += size;
    });
    const every = Math.ceil((drawn.length * 90) / WIDTH);
    if (index % every === 0) picture.append(svg("text", { x: LEFT + slot * (index + 0.5), y: HEIGHT - 8, "text-anchor": "middle" }, shown(cells[along], along).slice(0, 16)));
  });
  const legend = el("p", { class: "legend" }, series.map((nth, which) => el("span", {}, el("i", { class: `s${which % 7}` }), columns[nth].title)));
  const cut = rows.length > MOST ? el("p", { class: "quiet small" }, `The first ${MOST} rows are drawn.`) : null;
  fill(place, picture, legend, cut);
}
