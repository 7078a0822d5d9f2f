// The most frequent hashtags, words, languages and countries, as tables for screen readers too.
import { at, clock, make, mean, number, plain, table, word } from "/dom.js";

const meter = (value, most) =>
  make("meter", { min: 0, max: Math.max(most, 1), value, "aria-label": "share of the most" });

function counted(caption, rows) {
  const most = rows[0]?.n ?? 1;
  return table(caption, ["Name", "Tweets", "Share", "Mean"], rows.map((row) =>
    [word(row.name), number(row.n), meter(row.n, most), mean(row.mean)]));
}

export function showLists(view) {
  const least = (found) => found.low ? `, each up to ${number(found.low)} too low` : "";
  at("hashtags").replaceChildren(
    counted(`Hashtags${least(view.hashtags)}`, view.hashtags.terms));
  const moved = (rows) => rows.map((row) => [word(row.name), number(row.n),
    (row.moved < 0 ? "−" : "+") + number(Math.abs(Math.round(row.moved)))]);
  at("words").replaceChildren(
    table("Words that raised the scores", ["Word", "Times", "Moved"], moved(view.words.up)),
    table("Words that lowered them", ["Word", "Times", "Moved"], moved(view.words.down)));
  at("languages").replaceChildren(counted("Languages", view.languages));
  at("countries").replaceChildren(view.countries.terms.length
    ? counted(`Countries${least(view.countries)}`, view.countries.terms)
    : make("p", {}, "No tweet names its country."));
  at("reasons").replaceChildren(view.reasons.terms.length
    ? table("Rejected, by reason", ["Reason", "Records"], view.reasons.terms.map((row) =>
      [word(row.name), number(row.n)]))
    : make("p", {}, "No record was rejected."));
}

export function showNames(select, rows, chosen, byIndex = false) {
  const names = rows.map((row) => row.name);
  if (select.dataset.names === JSON.stringify(names) || document.activeElement === select) return;
  select.dataset.names = JSON.stringify(names);
  const options = names.map((name, index) =>
    make("option", { value: byIndex ? index : name }, name));
  if (!byIndex) options.unshift(make("option", { value: "" }, "all"));
  select.replaceChildren(...options);
  select.value = String(chosen);
}

function opener(seq, open) {
  const made = make("button", { type: "button" }, number(seq));
  made.addEventListener("click", () => open(seq));
  return made;
}

export function showBatches(batches, open) {
  if (at("batches").contains(document.activeElement)) return; // the reader is choosing
  const rows = batches.map((batch) => [
    opener(batch.seq, open),
    clock(batch.at), `${batch.approach}, epoch ${batch.epoch}`, number(batch.tweets),
    number(batch.deleted), number(batch.rejected),
    `${number(batch.median_ms)} / ${number(batch.late_ms)} ms`,
    make("code", { title: plain(batch.sha256) }, batch.sha256.slice(0, 8)),
    make("code", {}, (batch.previous ?? "none").slice(0, 8)),
    batch.lost ? word(batch.lost) : "–"]);
  at("batches").replaceChildren(table("Newest first; each names the hash of the one before",
    ["Manifest", "Published (UTC)", "By", "Tweets", "Deleted", "Rejected", "Median / p99",
      "Hash", "Previous", "Accepted loss"], rows));
}
