// The world in hexagons. The server says which cells there are and where their corners lie; this
// draws them over the coasts, and lets the mouse, a finger or the arrow keys choose one.
import { at, drawn, number, plain, table } from "/dom.js";
import { showExamples } from "/examples.js";
import { COUNT, MOOD, MOOD_ENOUGH, MOOD_REACH, outline, shades, unpacked } from "/hexagons.js";
import { coasts, project, sphere, view } from "/projection.js";

const EDGED = 500; // thin edges cost as much as the cells themselves
const ZOOMS = [1, 1.6, 2.5, 4, 6, 9, 14];

export class WorldMap {
  #canvas = at("map"); #cells = []; #land = null; #zoom = 0; #centre = [10, 15]; #chosen = null;
  #zoomed = () => {}; #ask; #leftOut = 0; #sphere = sphere(); #base = null; #shades = {};
  #view = { scale: 1, left: 0, top: 0 };

  constructor(ask) {
    this.#ask = ask;
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    at("by").addEventListener("change", () => this.draw());
    at("in").addEventListener("click", () => this.#by(1));
    at("out").addEventListener("click", () => this.#by(-1));
    this.#canvas.addEventListener("click", (event) => this.#click(event));
    this.#canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  whenZoomed(call) { this.#zoomed = call; }

  resolution() { return ZOOMS[this.#zoom] < 2 ? 2 : ZOOMS[this.#zoom] < 6 ? 3 : 4; }

  coasts(buffer) {
    this.#land = coasts(buffer);
    this.draw();
  }

  clear() {
    [this.#cells, this.#shades] = [[], {}];
    this.draw();
  }

  show(buffer) {
    const { cells, leftOut } = unpacked(buffer);
    [this.#cells, this.#leftOut, this.#shades] = [cells, leftOut, {}];
    this.#chosen = this.#cells.find((cell) => cell.id === this.#chosen?.id) ?? null;
    this.draw();
    this.#say();
    if (!at("examples").hidden && this.#chosen) this.#open(); // one may have been deleted
  }

  // a pen for the coordinates of the sphere
  #pen(canvas, ratio) {
    const pen = canvas.getContext("2d"), { scale, left, top } = this.#view;
    pen.setTransform(scale * ratio, 0, 0, scale * ratio, left * ratio, top * ratio);
    return pen;
  }

  // the coasts are drawn once for each size, zoom and scheme
  #under(ratio) {
    const canvas = this.#canvas, style = getComputedStyle(canvas);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const [sea, land] = ["--sea", "--land"].map((name) => style.getPropertyValue(name).trim());
    const key = String([width, height, ratio, this.#zoom, this.#centre, sea, !!this.#land]);
    if (this.#base?.dataset.key === key) return;
    this.#base = Object.assign(document.createElement("canvas"),
      { width: width * ratio, height: height * ratio });
    this.#base.dataset.key = key;
    this.#view = view(width, height, ZOOMS[this.#zoom], this.#centre);
    const pen = this.#pen(this.#base, ratio);
    pen.fillStyle = sea;
    pen.fill(this.#sphere);
    pen.fillStyle = land;
    if (this.#land) pen.fill(this.#land);
  }

  draw() {
    const canvas = this.#canvas, ratio = devicePixelRatio || 1;
    if (!canvas.clientWidth || !canvas.clientHeight) return;
    this.#under(ratio);
    const style = getComputedStyle(canvas), by = at("by").value;
    const colours = by === "mood" ? MOOD : COUNT;
    this.#shades[by] ??= shades(this.#cells, by === "mood");
    [canvas.width, canvas.height] = [this.#base.width, this.#base.height];
    canvas.getContext("2d").drawImage(this.#base, 0, 0);
    const pen = this.#pen(canvas, ratio);
    [pen.lineWidth, pen.strokeStyle] = [0.5 / this.#view.scale, style.getPropertyValue("--soft")];
    this.#shades[by].forEach((path, step) => {
      pen.fillStyle = colours[step];
      pen.fill(path);
      if (this.#cells.length <= EDGED) pen.stroke(path);
    });
    if (this.#chosen) {
      [pen.lineWidth, pen.strokeStyle] =
        [3 / this.#view.scale, style.getPropertyValue("--accent")];
      pen.stroke(outline(this.#chosen));
    }
    this.#legend();
  }

  #legend() {
    const mood = at("by").value === "mood";
    const most = this.#cells.reduce((most, cell) => Math.max(most, cell.n), 1);
    const bar = drawn("svg", { viewBox: "0 0 168 14" });
    (mood ? MOOD : COUNT).forEach((fill, index) =>
      bar.append(drawn("rect", { x: index * 24, width: 24, height: 14, fill })));
    const ends = mood ? [`−${MOOD_REACH}`, `+${MOOD_REACH} mean, cells of ${MOOD_ENOUGH} or more`]
      : ["1", `${number(most)} tweets, log scale`];
    at("legend").replaceChildren(...(this.#cells.length ? [ends[0], bar, ends[1]] : []));
  }

  #say() {
    const fullest = [...this.#cells].sort((a, b) => b.n - a.n).slice(0, 15);
    const rest = this.#leftOut ? ` ${number(this.#leftOut)} emptier cells are not drawn.` : "";
    at("map-says").textContent = fullest.length
      ? `Most tweets: ${place(fullest[0])}, ${number(fullest[0].n)}. Cells with fewer than 3 ` +
        `tweets are drawn as part of a larger one.${rest}`
      : "No tweet with a place in this range.";
    at("cells").replaceChildren(table("Fullest cells", ["Centre", "Tweets", "Mean"],
      fullest.map((cell) => [place(cell), number(cell.n), cell.mean.toFixed(2)])));
    if (this.#chosen) this.#sayChosen();
  }

  #sayChosen() {
    at("cell").textContent = plain(`${place(this.#chosen)}: ${number(this.#chosen.n)} tweets, ` +
      `mean ${this.#chosen.mean.toFixed(2)}`);
  }

  #by(steps) {
    this.#zoom = Math.min(Math.max(this.#zoom + steps, 0), ZOOMS.length - 1);
    if (this.#chosen) this.#centre = this.#chosen.centre;
    else if (this.#zoom === 1 && this.#cells.length) {
      this.#centre = this.#cells.reduce((a, b) => a.n >= b.n ? a : b).centre;
    }
    this.draw();
    this.#zoomed();
  }

  #choose(cell) {
    this.#chosen = cell;
    this.draw();
    this.#sayChosen();
  }

  #nearest(x, y, within, beyond = () => true) {
    let best = null, least = within;
    for (const cell of this.#cells) {
      const [cx, cy] = cell.xy;
      const distance = Math.hypot(cx - x, cy - y);
      if (distance < least && beyond(cx - x, cy - y)) [best, least] = [cell, distance];
    }
    return best;
  }

  #click(event) {
    const box = this.#canvas.getBoundingClientRect();
    const { scale, left, top } = this.#view;
    const cell = this.#nearest((event.clientX - box.left - left) / scale,
      (event.clientY - box.top - top) / scale, 24 / scale);
    if (!cell) return;
    this.#choose(cell);
    this.#open();
  }

  #key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (ways[event.key] && this.#cells.length) {
      const [dx, dy] = ways[event.key];
      const from = this.#chosen?.xy ?? project(this.#centre);
      const next = this.#nearest(...from, Infinity, (x, y) =>
        x * dx + y * dy > Math.abs(x * dy) + Math.abs(y * dx) && x * dx + y * dy > 0.5 / this.#view.scale);
      if (next ?? !this.#chosen) this.#choose(next ?? this.#cells[0]);
    } else if (event.key === "Enter" && this.#chosen) this.#open();
    else if (event.key === "Escape") this.close();
    else if (event.key === "+") this.#by(1);
    else if (event.key === "-") this.#by(-1);
    else return;
    event.preventDefault();
  }

  close() {
    this.#chosen = null;
    at("cell").textContent = "";
    showExamples(null);
    this.draw();
  }

  async #open() {
    const cell = this.#chosen;
    const { examples } = await this.#ask(cell.id.toString());
    if (this.#chosen?.id !== cell.id) return;
    showExamples(examples, () => {
      this.close();
      this.#canvas.focus();
    });
  }
}

function place(cell) {
  const [lon, lat] = cell.centre;
  return `${Math.abs(lat).toFixed(1)}°${lat < 0 ? "S" : "N"} ` +
    `${Math.abs(lon).toFixed(1)}°${lon < 0 ? "W" : "E"}`;
}
