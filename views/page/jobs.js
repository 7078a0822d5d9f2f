// Two columns on one scale, and below them the offsets that each has covered.
import { at, clock, drawn, make, number, plain, short, table } from "/dom.js";

const WIDTH = 300;
const HEIGHT = 56;
const IDLE_S = 300; // the lines end at their last batch when nothing has come for longer

export function showJobs(found) {
  const most = Math.max(1, ...found.outputs.flatMap((each) =>
    each.recent.map((batch) => batch.tweets)));
  const slowest = Math.max(1, ...found.outputs.flatMap((each) =>
    each.recent.map((batch) => batch.late_ms)));
  const times = found.outputs.flatMap((each) => each.recent.map((batch) => batch.at));
  const [began, newest] = [Math.min(...times), Math.max(...times)];
  const now = found.now - newest < IDLE_S ? found.now : newest;
  const alone = found.outputs.length < 2;
  const scale = { alone, most, slowest, began, now: Math.max(now, began + 1) };
  at("jobs").replaceChildren(...found.outputs.map((each, index) =>
    card(each, found.now, scale)));
}

function card(output, now, scale) {
  const name = output.output.split("/").pop();
  const made = make("article", { class: "card", "data-output": plain(name),
    "data-tweets": output.tweets ?? 0, "data-behind": output.behind_s },
    make("h3", {}, make("bdi", {}, name)));
  const last = output.last;
  if (!last) {
    made.append(make("p", {}, output.batches
      ? `${number(output.batches)} batches are published; the newest is being read.`
      : "Nothing is published here yet."));
    return made;
  }
  const rows = [
    ["Published by", `${output.approach}, epoch ${output.epoch}`],
    ["Batches", number(output.batches)],
    ["Tweets", number(output.tweets)],
    ["Tweets/s, last minute", output.rate.toFixed(1)],
    ["Last batch", `${short(Math.max(now - last.at, 0))} ago`],
    ["… its size", `${number(last.tweets)} tweets, ${number(last.files)} files, ` +
      `${number(Math.round(last.bytes / 1024))} KiB`],
    ["Record → published", `${number(last.median_ms)} ms median, ${number(last.late_ms)} ms p99`],
    ...(scale.alone ? [] : [["Behind the other output", short(output.behind_s)]]),
    ["Newest record", `${short(Math.max(now - output.newest_ms / 1000, 0))} old`],
    ["Rejected, deleted", `${number(output.rejected)}, ${number(output.deleted)}`],
  ];
  const list = make("dl");
  for (const [term, value] of rows) list.append(make("dt", {}, term), make("dd", {}, value));
  made.append(list, spark(output, scale), ...marks(output.marks));
  return made;
}

function spark(output, scale) {
  const picture = drawn("svg", {
    class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `Tweets of each batch (line) and their slowest delay (dashed) since ` +
      `${clock(scale.began)}; up to ${number(scale.most)} tweets and ${number(scale.slowest)} ms`,
  });
  const x = (time) => (time - scale.began) / (scale.now - scale.began) * WIDTH;
  const line = (of, most) => output.recent.map((batch, index) =>
    `${index ? "L" : "M"}${x(batch.at).toFixed(1)} ` +
    `${(HEIGHT - 2 - (HEIGHT - 14) * batch[of] / most).toFixed(1)}`).join("");
  picture.append(drawn("path", { class: "rate", d: line("tweets", scale.most) }),
    drawn("path", { class: "delay", d: line("late_ms", scale.slowest) }));
  for (const mark of output.marks) {
    const where = x(mark.at).toFixed(1);
    picture.append(drawn("line", { class: "mark", x1: where, x2: where, y1: 10, y2: HEIGHT }),
      drawn("text", { x: where, y: 9 }, mark.kind === "takeover" ? "▲" : "●"));
  }
  return picture;
}

function marks(found) {
  return found.slice(0, 3).map((mark) => make("p", { class: "mark-says", "data-kind": mark.kind },
    mark.kind === "takeover"
      ? `▲ ${mark.by} continued ${mark.of}'s output at batch ${number(mark.seq)}`
      : `● ${mark.by} was started again at batch ${number(mark.seq)}`,
    ` after ${short(mark.pause_s)}`));
}

export function showCoverage(found) {
  if (!found.coverage.length) {
    at("coverage").replaceChildren();
    return;
  }
  const [first, second] = found.outputs.map((each) => each.output.split("/").pop());
  const sum = (of) => found.coverage.reduce((all, row) => all + of(row), 0);
  Object.assign(at("coverage").dataset, { both: sum((row) => row.both),
    first: sum((row) => row.only[0]), second: sum((row) => row.only[1]) });
  const rows = found.coverage.map((row) => [
    make("bdi", {}, `${row.topic}[${row.partition}]`),
    number(row.both), number(row.only[0]), number(row.only[1])]);
  at("coverage").replaceChildren(table("Offsets covered",
    ["Partition", "by both", `by ${first} only`, `by ${second} only`], rows));
}

export function showAudits(audits) {
  at("audits").replaceChildren(...audits.map((audit) => make("p", {},
    audit.error ? `Audit ${audit.file}: ${audit.error}`
      : `Audit ${audit.file} of ${clock(audit.at)}: ` + ["published", "lost", "duplicated"]
        .map((name) => `${audit.found[name] ?? "?"} ${name}`).join(", "))));
}
