// The world in hexagons. The server says which cells there are and where their corners lie; this
// draws them over the coasts, and lets the mouse, a finger or the arrow keys choose one.
import { at, drawn, number, plain, table } from "/dom.js";
import { showExamples } from "/examples.js";
import {
  COUNT, MOOD, MOOD_ENOUGH, MOOD_REACH, outline, paint, placed, unpacked,
} from "/hexagons.js";

const ZOOMS = [1, 1.6, 2.5, 4, 6, 9, 14];

export class WorldMap {
  #canvas = at("map"); #cells = []; #land = null; #zoom = 0; #centre = [10, 15]; #chosen = null;
  #zoomed = () => {}; #ask; #projection; #leftOut = 0; #base = null;

  constructor(document, ask) {
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

  coasts(world) {
    this.#land = topojson.feature(world, world.objects.land);
    this.draw();
  }

  clear() {
    this.#cells = [];
    this.draw();
  }

  show(buffer) {
    const { cells, leftOut } = unpacked(buffer);
    [this.#cells, this.#leftOut] = [cells, leftOut];
    if (this.#projection) placed(this.#cells, this.#projection);
    this.#chosen = this.#cells.find((cell) => cell.id === this.#chosen?.id) ?? null;
    this.draw();
    this.#say();
  }

  // the coasts are drawn once for each size, zoom and scheme
  #under() {
    const canvas = this.#canvas, ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const key = [width, height, ratio, this.#zoom, this.#centre, colour("sea"), !!this.#land];
    if (this.#base?.dataset.key === String(key)) return;
    this.#base = Object.assign(document.createElement("canvas"),
      { width: width * ratio, height: height * ratio });
    this.#base.dataset.key = String(key);
    const sphere = { type: "Sphere" };
    this.#projection = d3.geoEqualEarth().fitExtent([[4, 4], [width - 4, height - 4]], sphere);
    const scale = ZOOMS[this.#zoom];
    if (scale > 1) {
      this.#projection.scale(this.#projection.scale() * scale);
      const [x, y] = this.#projection(this.#centre);
      const [left, top] = this.#projection.translate();
      this.#projection.translate([left + width / 2 - x, top + height / 2 - y]);
    }
    placed(this.#cells, this.#projection);
    const pen = this.#base.getContext("2d");
    pen.scale(ratio, ratio);
    const path = d3.geoPath(this.#projection, pen);
    for (const [shape, name] of [[sphere, "sea"], [this.#land, "land"]]) {
      if (!shape) continue;
      pen.beginPath();
      path(shape);
      pen.fillStyle = colour(name);
      pen.fill();
    }
  }

  draw() {
    const canvas = this.#canvas, ratio = devicePixelRatio || 1;
    if (!canvas.clientWidth) return;
    this.#under();
    [canvas.width, canvas.height] = [this.#base.width, this.#base.height];
    const pen = canvas.getContext("2d"), style = getComputedStyle(canvas);
    if (canvas.width && canvas.height) pen.drawImage(this.#base, 0, 0);
    pen.scale(ratio, ratio);
    paint(pen, this.#cells, at("by").value === "mood", style.getPropertyValue("--soft"));
    if (this.#chosen) {
      pen.lineWidth = 3;
      pen.strokeStyle = style.getPropertyValue("--accent");
      pen.beginPath();
      outline(pen, this.#chosen);
      pen.stroke();
    }
    this.#legend();
  }

  #legend() {
    const mood = at("by").value === "mood";
    const most = Math.max(1, ...this.#cells.map((cell) => cell.n));
    const bar = drawn("svg", { viewBox: "0 0 168 14" });
    (mood ? MOOD : COUNT).forEach((fill, index) =>
      bar.append(drawn("rect", { x: index * 24, width: 24, height: 14, fill })));
    const ends = mood ? [`−${MOOD_REACH}`, `+${MOOD_REACH} mean, cells of ${MOOD_ENOUGH} or more`]
      : ["1", `${number(most)} tweets, log scale`];
    at("legend").replaceChildren(ends[0], bar, ends[1]);
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
    const cell = this.#nearest(event.clientX - box.left, event.clientY - box.top, 24);
    if (!cell) return;
    this.#choose(cell);
    this.#open();
  }

  #key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (ways[event.key] && this.#cells.length) {
      const [dx, dy] = ways[event.key];
      const from = this.#chosen?.xy ?? this.#projection(this.#centre);
      const next = this.#nearest(...from, Infinity, (x, y) =>
        x * dx + y * dy > Math.abs(x * dy) + Math.abs(y * dx) && x * dx + y * dy > 0.5);
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
    const { examples } = await this.#ask(this.#chosen.id.toString());
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
