// The page's state, and the one loop that keeps it up to date: wait for a change, ask for what is
// on the screen, show it. A hidden tab asks for nothing.
import { WorldMap } from "/map.js";
import { TimeBars } from "/time.js";
import { showAudits, showCoverage, showJobs } from "/jobs.js";
import { showBatches, showLists, showNames } from "/lists.js";
import { at, plain, short } from "/dom.js";

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
const AGAIN_MS = 2000;
const PAUSES = 9; // how much longer all but the columns stays as it is than it takes to ask for it
const state = { output: 0, range: null, lang: "", version: 0, live: null, empty: true,
  due: 0, timer: 0 };
const libraries = "uPlot" in window;

export async function ask(path, parameters = {}, signal = undefined) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const known = Object.entries(parameters).filter(([, value]) => value !== "" && value != null);
  const answer = await fetch(`${path}?${new URLSearchParams(known)}`, { headers, signal })
    .catch((error) => { throw Object.assign(error, { away: true }); });
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({ error: answer.statusText }));
    throw Object.assign(new Error(said.error), { status: answer.status });
  }
  return answer.headers.get("content-type") === "application/json"
    ? answer.json() : answer.arrayBuffer();
}

function asked() {
  const [from, until] = state.range ?? [null, null];
  return { output: state.output, from, until };
}

const map = new WorldMap((cell) => ask("/api/examples", { output: state.output, cell }));
const bars = libraries ? new TimeBars((range) => {
  state.range = range;
  showDetails().catch(complain);
}) : null;

const askCells = () =>
  ask("/api/cells", { ...asked(), lang: state.lang, resolution: map.resolution() });

async function drawMap() {
  map.show(await askCells());
}

// the columns, and what has to be known of all else
async function showColumns() {
  const found = await ask("/api/state");
  showJobs(found);
  showCoverage(found);
  showAudits(found.audits);
  showOutputs(found.outputs);
  showState(found);
  state.version = found.version;
  state.empty = !found.outputs[state.output].last;
}

async function showDetails() {
  clearTimeout(state.timer);
  state.timer = 0;
  if (state.empty) {
    showNothing();
    return;
  }
  const [output, began] = [state.output, performance.now()];
  const [view, batches, cells] = await Promise.all(
    [ask("/api/view", asked()), ask("/api/batches", { output }), askCells()]);
  if (output !== state.output) return; // the reader has chosen another one meanwhile
  map.show(cells);
  at("located").textContent = view.located;
  at("located").dataset.tweets = view.totals.tweets;
  bars?.show(view.series, state.range);
  showLists(view);
  showNames(at("lang"), view.languages, state.lang);
  showBatches(batches.batches, showManifest);
  const now = performance.now();
  state.due = now + PAUSES * (now - began);
}

// while batches come, the jobs need the machine more than this page does
function showDetailsWhenDue() {
  const wait = state.due - performance.now();
  if (wait <= 0) return showDetails();
  state.timer ||= setTimeout(() => showDetails().catch(complain), wait);
  return null;
}

async function refresh() {
  await showColumns();
  await showDetails();
}

async function showManifest(seq) {
  try {
    const found = await ask("/api/manifest", { output: state.output, seq });
    at("manifest").textContent = JSON.stringify(found, null, 1);
  } catch (error) {
    at("manifest").textContent = plain(error.message);
  }
}

function showNothing() {
  at("located").textContent =
    "Nothing to show yet. A job's first batch appears by itself.";
  for (const name of ["hashtags", "words", "languages", "countries", "reasons", "batches"]) {
    at(name).replaceChildren();
  }
  map.clear();
}

function showOutputs(outputs) {
  const names = outputs.map((each) => ({ name: each.output.split("/").pop() }));
  showNames(at("output"), names, state.output, true);
  const lines = outputs.map((each, index) => !each.last ? `${names[index].name}: nothing yet`
    : `${names[index].name}: ${each.tweets.toLocaleString("en")} tweets, ` +
      `${each.rate.toFixed(1)}/s, ${short(each.behind_s)} behind`);
  at("headline").textContent = lines.map(plain).join(" · ");
}

function showState(found) {
  const said = found.outputs.filter((each) => each.status.message || each.missing).map((each) => {
    const name = each.output.split("/").pop();
    const missing = each.missing
      ? `${each.missing.toLocaleString("en")} older batches are still being read.` : "";
    return `${name}: ${each.status.message} ${missing}`;
  });
  if (!libraries) said.unshift("The bars' library and the coasts are not here. Type: make setup");
  const text = said.map(plain).join(" ");
  if (at("state").textContent !== text) at("state").textContent = text;
}

function complain(error) {
  if (error.name === "AbortError") return;
  if (!error.status && !error.away) {
    reportError(error); // a mistake of this page's own: to the console, and it continues
    return;
  }
  at("state").textContent = error.status
    ? `The server refuses: ${plain(error.message)}`
    : "The dashboard's server does not answer. Start scripts/dashboard again; the page continues.";
}

async function live() {
  state.live = new AbortController();
  const { signal } = state.live;
  while (!signal.aborted) {
    try {
      const since = state.version;
      const found = since ? await ask("/api/changes", { since }, signal) : { version: 1 };
      if (found.version === since) continue;
      await showColumns();
      await showDetailsWhenDue();
    } catch (error) {
      if (signal.aborted) return;
      complain(error);
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
}

at("output").addEventListener("change", (event) => {
  Object.assign(state, { output: Number(event.target.value), range: null, lang: "" });
  bars?.forget();
  map.close();
  refresh().catch(complain);
});
at("lang").addEventListener("change", (event) => {
  state.lang = event.target.value;
  drawMap().catch(complain);
});
map.whenZoomed(() => drawMap().catch(complain));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    live();
    return;
  }
  state.live?.abort();
  clearTimeout(state.timer);
  state.timer = 0;
});
if (libraries) ask("/land").then((buffer) => map.coasts(buffer)).catch(complain);
if (!document.hidden) live();
