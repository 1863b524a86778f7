// The API described by its own document, each request to be tried.
import { api, byId, el, fill, text } from "/assets/common.js";

const document_ = await api("GET", "/api/openapi.json");
api("GET", "/api/session").then((me) => text(byId("me"), me.name), () => fill(byId("me"), el("a", { href: "/login?to=/api" }, "Log in")));

const resolve = (schema) => (schema?.$ref ? document_.components.schemas[schema.$ref.split("/").pop()] : schema) ?? {};

/** An example of a schema, to start from. */
function example(schema, depth = 0) {
  const { type, properties, required = [], items, enum: values, oneOf, allOf, anyOf, example: given, default: usual } = resolve(schema);
  if (given !== undefined) return given;
  if (usual !== undefined) return usual;
  if (values) return values[0];
  if (oneOf ?? anyOf) return example((oneOf ?? anyOf).find((one) => one.type !== "null"), depth);
  if (allOf) return Object.assign({}, ...allOf.map((part) => example(part, depth)));
  const kind = Array.isArray(type) ? type.find((one) => one !== "null") : type;
  if (kind === "object" || properties) {
    if (depth > 4) return {};
    const wanted = Object.entries(properties ?? {}).filter(([name]) => required.includes(name));
    return Object.fromEntries(wanted.map(([name, part]) => [name, example(part, depth + 1)]));
  }
  if (kind === "array") return depth > 4 ? [] : [example(items, depth + 1)];
  return { string: "", integer: 0, number: 0, boolean: false }[kind] ?? null;
}

function operation(path, method, described) {
  const inputs = (described.parameters ?? []).map((parameter) => {
    const input = el("input", { placeholder: parameter.required ? "required" : "", spellcheck: "false" });
    const field = el("label", {}, `${parameter.name} `, el("span", { class: "quiet small" }, parameter.in), input);
    return { parameter, input, field };
  });
  const schema = described.requestBody?.content?.["application/json"]?.schema;
  const body = schema && el("textarea", { spellcheck: "false", "aria-label": "Body" });
  if (body) body.value = JSON.stringify(example(schema), null, 2);
  const answer = el("pre", { hidden: true, tabindex: "0" });
  const status = el("span", { class: "tag", hidden: true, role: "status" });
  const send = el("button", { class: "main", onclick: () => request(path, method, inputs, body, answer, status) }, "Send");
  return el("details", {},
    el("summary", {}, el("span", { class: `method ${method.toUpperCase()}` }, method.toUpperCase()), el("span", { class: "path" }, path),
      el("span", { class: "quiet small" }, described.summary ?? "")),
    el("div", { class: "open stack" },
      described.description && described.description !== described.summary ? el("p", {}, described.description) : null,
      inputs.length ? el("div", { class: "inputs" }, inputs.map(({ field }) => field)) : null,
      body ? el("label", {}, "Body ", el("span", { class: "quiet small" }, "JSON"), body) : null,
      el("div", { class: "row" }, send, status), answer));
}

async function request(path, method, inputs, body, answer, status) {
  let address = path;
  const query = new URLSearchParams();
  const headers = {};
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value && parameter.in === "query") query.set(parameter.name, input.value);
    else if (input.value && parameter.in === "header") headers[parameter.name] = input.value;
  }
  if (body) headers["content-type"] = "application/json";
  if ([...query].length) address += `?${query}`;
  const response = await fetch(address, { method: method.toUpperCase(), headers, body: body?.value }).catch(() => null);
  status.hidden = answer.hidden = false;
  status.className = `tag ${response?.ok ? "good" : "bad"}`;
  text(status, response ? `${response.status} ${response.statusText}` : "The service does not answer");
  const said = (await response?.text()) ?? "";
  try {
    text(answer, JSON.stringify(JSON.parse(said), null, 2));
  } catch {
    text(answer, said);
  }
}

const byTag = new Map(document_.tags.map((tag) => [tag.name, { tag, operations: [] }]));
for (const [path, methods] of Object.entries(document_.paths)) {
  for (const [method, described] of Object.entries(methods)) {
    byTag.get(described.tags?.[0])?.operations.push(operation(path, method, described));
  }
}
fill(byId("tags"), [...byTag.values()].filter(({ operations }) => operations.length).map(({ tag, operations }) =>
  el("section", { class: "card" }, el("h2", {}, tag.name), el("p", { class: "quiet small" }, tag.description), operations)));
