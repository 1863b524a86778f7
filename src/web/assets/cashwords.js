// What the parts of the cash page share.
import { api, byId, el, money, words } from "/assets/common.js";

export const portfolio = () => byId("portfolio").value.trim();
export const ofPortfolio = () => (portfolio() ? `&portfolio=${encodeURIComponent(portfolio())}` : "");

export const amountOf = (minor, currency) => money({ minor, currency });

/** An account by its number, in the portfolio where one is named. */
export async function accountOf(number) {
  const found = (await api("GET", `/api/accounts?number=${encodeURIComponent(number.trim())}`)).items;
  const fitting = found.filter((one) => !portfolio() || one.portfolio === portfolio());
  if (fitting.length !== 1) throw new Error(fitting.length ? "Several portfolios have that account: name one above." : "There is no such account.");
  return fitting[0];
}

/** What is proposed, in words. */
export function proposalOf(proposal, currency) {
  if (!proposal) return null;
  const paid = proposal.lines.reduce((sum, line) => sum + line.minor, 0);
  const settled = proposal.settled.reduce((sum, line) => sum + line.minor, 0);
  const facts = [
    proposal.mode ? `${words(proposal.mode)}: ${amountOf(paid, currency)} applied` : "Nothing applied",
    settled ? `${amountOf(settled, currency)} settled as small balance` : null,
    proposal.left_minor ? `${amountOf(proposal.left_minor, currency)} left` : null,
    ...proposal.differences.filter((one) => one.kind === "short_pay").map((one) => `${amountOf(one.minor, currency)} short`),
  ].filter(Boolean);
  return el("p", {}, el("b", {}, facts.join(", ")), ". ", proposal.explanation);
}
