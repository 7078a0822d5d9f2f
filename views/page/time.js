// Tweets over time as bars, stacked by label. A brush on the bars, or the slider, chooses a range
// that filters all panels but the two columns; Play moves it.
import { at, clock } from "/dom.js";

const STEP_MS = 600;
const HEIGHT = 130;

export class TimeBars {
  #series = null; #plot = null; #choose; #timer = null; #range = null; #shown = "";

  constructor(choose) {
    this.#choose = choose;
    at("span").addEventListener("change", () => this.#window());
    at("end").addEventListener("input", () => this.#window());
    at("window").addEventListener("submit", (event) => event.preventDefault());
    at("step").addEventListener("click", () => this.#forward());
    at("play").addEventListener("click", () => this.#play());
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    at("play").hidden = still.matches;
    new ResizeObserver(() => this.#size()).observe(at("bars"));
  }

  forget() {
    this.#pause();
    at("span").value = "";
    this.#range = null;
    this.#enable();
  }

  show(series, range) {
    this.#series = series;
    this.#range = range;
    at("range").textContent = range
      ? `${clock(range[0])} to ${clock(range[1])} UTC (brush the bars, or choose below)`
      : `everything, ${clock(series.from)} to ${clock(series.until)} UTC; one bar for each ` +
        ({ 60: "minute", 3600: "hour", 86400: "day" })[series.size];
    const key = JSON.stringify(series.bars);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#draw();
  }

  #data() {
    const columns = [[], [], [], []];
    for (const [bucket, positive, neutral, negative] of this.#series.bars) {
      columns[0].push(bucket);
      columns[1].push(positive + neutral + negative);
      columns[2].push(neutral + negative);
      columns[3].push(negative);
    }
    return columns;
  }

  #draw() {
    if (this.#plot) {
      this.#plot.setData(this.#data());
      return;
    }
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const path = uPlot.paths.bars({ size: [0.9, 40], align: 1 });
    const bar = (label, name) =>
      ({ label, fill: colour(name), stroke: colour(name), width: 0, paths: path,
        points: { show: false } });
    const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 } };
    this.#plot = new uPlot({
      width: at("bars").clientWidth || 300, height: HEIGHT, legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false } },
      axes: [axis, { ...axis, size: 56 }],
      scales: { y: { range: (plot, low, high) => [0, Math.max(high, 1)] },
        x: { range: (plot, low, high) => [low, Math.max(high, low) + this.#series.size] } },
      series: [{}, bar("positive", "positive"), bar("neutral", "neutral"),
        bar("negative", "negative")],
      hooks: { setSelect: [(plot) => this.#brushed(plot)] },
    }, this.#data(), at("bars"));
  }

  #size() {
    this.#plot?.setSize({ width: at("bars").clientWidth, height: HEIGHT });
  }

  #brushed(plot) {
    if (plot.select.width < 3) return;
    const size = this.#series.size;
    const from = plot.posToVal(plot.select.left, "x");
    const until = plot.posToVal(plot.select.left + plot.select.width, "x");
    this.#set(Math.floor(from / size) * size, Math.ceil(until / size) * size);
  }

  #set(from, until) {
    this.#range = [Math.round(from), Math.round(until)];
    this.#choose(this.#range);
    this.#enable();
  }

  #enable() {
    for (const id of ["play", "step"]) at(id).disabled = !this.#range;
    at("end").disabled = !at("span").value;
  }

  #window() {
    this.#pause();
    const span = Number(at("span").value);
    if (!span || !this.#series) {
      this.#range = null;
      this.#choose(null);
    } else {
      const { from, until } = this.#series;
      const end = from + (until - from) * Number(at("end").value) / 1000;
      const last = Math.max(Math.ceil(end / 60) * 60, from + 60);
      this.#set(Math.max(last - span, 0), last);
    }
    this.#enable();
  }

  #forward() {
    const [from, until] = this.#range;
    const by = Math.max((until - from) / 4, 60);
    const over = from + by >= this.#series.until;
    const start = over ? this.#series.from : from + by;
    this.#set(start, start + until - from);
  }

  #play() {
    if (this.#timer) {
      this.#pause();
      return;
    }
    at("play").textContent = "Pause";
    this.#timer = setInterval(() => document.hidden || this.#forward(), STEP_MS);
  }

  #pause() {
    clearInterval(this.#timer);
    this.#timer = null;
    at("play").textContent = "Play";
  }
}
