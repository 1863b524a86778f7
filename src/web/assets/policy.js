// The policies in force, and what a changed one would have refused.
import { startHouseList } from "/assets/houselist.js";
import { api, byId, el, fill, logOut, reasonOf, text, when, whoAmI, words } from "/assets/common.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);

/** Changed verdicts that are shown of each kind. */
const NAMED = 10;

/** `us_ma/two_in_seven` as a person reads it. */
const ruleName = (rule) => words(rule.replace("/", ": "));

function described(pack) {
  return el("li", {}, el("details", {},
    el("summary", {}, el("b", {}, pack.name), ` ${pack.title} `, el("span", { class: "quiet small" }, `version ${pack.version}`)),
    el("p", { class: "quiet small" }, pack.note),
    el("dl", {}, Object.entries(pack.rules).flatMap(([rule, cite]) => [el("dt", {}, words(rule)), el("dd", { class: "quiet" }, cite)]))));
}

async function show() {
  const [policy, campaigns] = await Promise.all([api("GET", "/api/policy"), api("GET", "/api/campaigns")]);
  text(byId("version"), policy.version.slice(0, 12));
  fill(byId("packs"), policy.packs.map(described));
  fill(byId("pack"), policy.packs.map((pack) => el("option", { value: pack.name }, pack.name)));
  fill(byId("campaign"), el("option", { value: "" }, "All"), campaigns.items.map((one) => el("option", { value: one.id }, one.name)));
  byId("pack").value = "house";
  await source();
}

async function source() {
  byId("text").value = (await api("GET", `/api/policy/${encodeURIComponent(byId("pack").value)}`)).text;
}

async function attempt() {
  const body = { days: Number(byId("days").value), packs: { [`${byId("pack").value}.toml`]: byId("text").value } };
  if (byId("campaign").value) body.campaign = byId("campaign").value;
  byId("try").disabled = true;
  text(byId("said"), "Giving the verdicts again …");
  fill(byId("sums"));
  fill(byId("outcome"));
  try {
    await all(body);
  } catch (error) {
    text(byId("said"), reasonOf(error));
  } finally {
    byId("try").disabled = false;
  }
}

/** The newest verdicts come first; the older ones are added as they come. */
async function all(body) {
  const sum = { verdicts: 0, permitted: 0, would_refuse: 0, would_permit: 0, by_rule: {}, changed: [], accounts: [] };
  do {
    const part = await api("POST", "/api/policy/sandbox", body);
    for (const name of ["verdicts", "permitted", "would_refuse", "would_permit"]) sum[name] += part[name];
    for (const [rule, count] of Object.entries(part.by_rule)) sum.by_rule[rule] = (sum.by_rule[rule] ?? 0) + count;
    for (const one of part.changed) {
      const alike = sum.changed.filter((other) => other.was === one.was && other.becomes === one.becomes);
      if (alike.length < NAMED) sum.changed.push(one);
    }
    sum.accounts.push(...part.accounts);
    body.cursor = part.next;
    draw(sum);
    text(byId("said"), body.cursor ? `${sum.verdicts} verdicts given again, going on …` : "");
  } while (body.cursor);
}

function draw(tried) {
  const sum = (name, count) => el("div", {}, el("dt", {}, name), el("dd", {}, String(count)));
  fill(byId("sums"), sum("Verdicts", tried.verdicts), sum("Were permitted", tried.permitted),
    sum("Would be refused", tried.would_refuse), sum("Would be permitted", tried.would_permit));
  const rules = Object.entries(tried.by_rule).sort(([, a], [, b]) => b - a);
  const freed = tried.changed.filter((one) => !one.becomes);
  fill(byId("outcome"),
    rules.map(([rule, count]) => group(ruleName(rule), count, tried, tried.changed.filter((one) => one.becomes === rule))),
    freed.length ? group("no longer refused", tried.would_permit, tried, freed) : null,
    rules.length || freed.length ? null : el("p", { class: "quiet" }, "No verdict would change."));
}

function group(name, count, tried, examples) {
  const accounts = new Map(tried.accounts.map((account) => [account.id, account]));
  const line = ({ account, at, decision, was }) => el("li", {},
    el("a", { href: `/receipts/${decision}`, class: "figure" }, when(at)),
    ` ${accounts.get(account)?.number ?? ""} ${accounts.get(account)?.name ?? ""}`,
    was ? el("span", { class: "quiet small" }, ` was refused by ${ruleName(was)}`) : null);
  return el("section", { "data-rule": name }, el("h3", {}, name, el("span", { class: "quiet figure" }, String(count))), el("ul", {}, examples.map(line)));
}

byId("pack").addEventListener("change", source);
byId("trial").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt();
});
await Promise.all([show(), startHouseList()]);
