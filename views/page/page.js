// The page's state, and the one loop that keeps it up to date: wait for a change, ask for what is
// on the screen, show it. A hidden tab asks for nothing.
import { WorldMap } from "/map.js";
import { TimeBars } from "/time.js";
import { showAudits, showCoverage, showJobs } from "/jobs.js";
import { showBatches, showLists, showNames } from "/lists.js";
import { at, plain, short } from "/dom.js";

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
const AGAIN_MS = 2000;
const state = { output: 0, range: null, lang: "", version: 0, live: null };
const libraries = "d3" in window && "topojson" in window && "uPlot" in window;

export async function ask(path, parameters = {}, signal = undefined) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const known = Object.entries(parameters).filter(([, value]) => value !== "" && value != null);
  const answer = await fetch(`${path}?${new URLSearchParams(known)}`, { headers, signal });
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

const map = libraries ? new WorldMap(document, (cell) =>
  ask("/api/examples", { output: state.output, cell })) : null;
const bars = libraries ? new TimeBars(document, (range) => {
  state.range = range;
  refresh().catch(complain);
}) : null;

async function drawMap() {
  if (!map) return;
  const parameters = { ...asked(), lang: state.lang, resolution: map.resolution() };
  map.show(await ask("/api/cells", parameters));
}

async function refresh() {
  const found = await ask("/api/state");
  showJobs(found);
  showCoverage(found);
  showAudits(found.audits);
  showOutputs(found.outputs);
  showState(found);
  if (!found.outputs[state.output].batches) {
    showNothing();
    return;
  }
  const [view, batches] = await Promise.all([
    ask("/api/view", asked()), ask("/api/batches", { output: state.output }), drawMap()]);
  at("located").textContent = view.located;
  at("located").dataset.tweets = view.totals.tweets;
  bars?.show(view.series, state.range);
  showLists(view);
  showNames(at("lang"), view.languages, state.lang);
  showBatches(batches.batches, showManifest);
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
    "Nothing is published here yet. A job's first batch appears by itself.";
  for (const name of ["hashtags", "words", "languages", "countries", "reasons", "batches"]) {
    at(name).replaceChildren();
  }
  map?.clear();
}

function showOutputs(outputs) {
  const names = outputs.map((each) => ({ name: each.output.split("/").pop() }));
  showNames(at("output"), names, state.output, true);
  const lines = outputs.map((each, index) => !each.batches ? `${names[index].name}: nothing yet`
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
  if (!libraries) said.unshift("The map's libraries are not here. Type: make setup");
  const text = said.map(plain).join(" ");
  if (at("state").textContent !== text) at("state").textContent = text;
}

function complain(error) {
  if (error.name === "AbortError") return;
  at("state").textContent = error.status
    ? `The server refuses: ${error.message}`
    : "The dashboard's server does not answer. Start scripts/dashboard again; the page continues.";
}

async function live() {
  state.live = new AbortController();
  const { signal } = state.live;
  while (!signal.aborted) {
    try {
      const found = await ask("/api/changes", { since: state.version }, signal);
      if (found.version !== state.version) {
        await refresh();
        state.version = found.version;
      }
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
  map?.close();
  refresh().catch(complain);
});
at("lang").addEventListener("change", (event) => {
  state.lang = event.target.value;
  drawMap().catch(complain);
});
map?.whenZoomed(() => drawMap().catch(complain));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) state.live?.abort();
  else live();
});
if (map) fetch("/lib/land.json").then((answer) => answer.json()).then((world) => map.coasts(world));
if (!document.hidden) live();
