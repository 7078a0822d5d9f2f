// The world in hexagons. The server says which cells there are and where their corners lie; this
// draws them over the coasts, and lets the mouse, a finger or the arrow keys choose one.
import { at, drawn, number, plain, table } from "/dom.js";
import { showExamples } from "/examples.js";

const DEGREES = 32767 / 360;
const COUNT = ["#00224e", "#2a3f6d", "#575d6d", "#7d7c78", "#a59c74", "#d2c060", "#fee838"];
const MOOD = ["#08519c", "#4292c6", "#9ecae1", "#d0d0d0", "#fdbe85", "#fd8d3c", "#d94701"];
const MOOD_ENOUGH = 5;
const MOOD_REACH = 0.6;
const ZOOMS = [1, 1.6, 2.5, 4, 6, 9, 14];

export class WorldMap {
  #canvas = at("map"); #cells = []; #land = null; #zoom = 0; #centre = [10, 15]; #chosen = null;
  #zoomed = () => {}; #ask; #projection; #leftOut = 0;

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
    const data = new DataView(buffer);
    const [count, leftOut] = [data.getUint32(0, true), data.getUint32(4, true)];
    const [n, mean, corner] = [8 + 8 * count, 8 + 12 * count, 8 + 16 * count];
    this.#leftOut = leftOut;
    this.#cells = Array.from({ length: count }, (_, i) => ({
      id: data.getBigUint64(8 + 8 * i, true),
      n: data.getUint32(n + 4 * i, true),
      mean: data.getInt32(mean + 4 * i, true) / 10000,
      corners: Array.from({ length: 6 }, (_, j) => [
        data.getInt16(corner + 24 * i + 4 * j, true) / DEGREES,
        data.getInt16(corner + 24 * i + 4 * j + 2, true) / DEGREES]),
    }));
    this.#chosen = this.#cells.find((cell) => cell.id === this.#chosen?.id) ?? null;
    this.draw();
    this.#say();
  }

  draw() {
    const canvas = this.#canvas, ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const sphere = { type: "Sphere" };
    this.#projection = d3.geoEqualEarth().fitExtent([[4, 4], [width - 4, height - 4]], sphere);
    const scale = ZOOMS[this.#zoom];
    if (scale > 1) {
      this.#projection.scale(this.#projection.scale() * scale);
      const [x, y] = this.#projection(this.#centre);
      const [left, top] = this.#projection.translate();
      this.#projection.translate([left + width / 2 - x, top + height / 2 - y]);
    }
    const path = d3.geoPath(this.#projection, pen);
    const fill = (shape, name) => {
      pen.beginPath();
      path(shape);
      pen.fillStyle = colour(name);
      pen.fill();
    };
    fill(sphere, "sea");
    if (this.#land) fill(this.#land, "land");
    this.#hexagons(pen);
    this.#legend();
  }

  #hexagons(pen) {
    const mood = at("by").value === "mood";
    const most = Math.max(2, ...this.#cells.map((cell) => cell.n));
    pen.lineWidth = 0.5;
    pen.strokeStyle = getComputedStyle(this.#canvas).getPropertyValue("--soft");
    for (const cell of this.#cells) {
      if (mood && cell.n < MOOD_ENOUGH) continue;
      pen.fillStyle = mood ? moodColour(cell.mean) : countColour(cell.n, most);
      this.#outline(pen, cell);
      pen.fill();
      pen.stroke();
    }
    if (this.#chosen) {
      pen.lineWidth = 3;
      pen.strokeStyle = getComputedStyle(this.#canvas).getPropertyValue("--accent");
      this.#outline(pen, this.#chosen);
      pen.stroke();
    }
  }

  // a cell over the date line stands at both edges
  #outline(pen, cell) {
    const over = cell.corners.some(([lon]) => lon > 180);
    pen.beginPath();
    for (const shift of over ? [0, -360] : [0]) {
      cell.corners.forEach(([lon, lat], index) => {
        const [x, y] = this.#projection([Math.min(Math.max(lon + shift, -180), 180), lat]);
        if (index) pen.lineTo(x, y);
        else pen.moveTo(x, y);
      });
      pen.closePath();
    }
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
    if (this.#chosen) this.#centre = centre(this.#chosen);
    else if (this.#zoom === 1 && this.#cells.length) {
      this.#centre = centre(this.#cells.reduce((a, b) => a.n >= b.n ? a : b));
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
      const [cx, cy] = this.#projection(centre(cell));
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
      const from = this.#projection(this.#chosen ? centre(this.#chosen) : this.#centre);
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

const centre = (cell) => [0, 1].map((axis) =>
  cell.corners.reduce((sum, corner) => sum + corner[axis], 0) / 6);

function place(cell) {
  const [lon, lat] = centre(cell);
  return `${Math.abs(lat).toFixed(1)}°${lat < 0 ? "S" : "N"} ` +
    `${Math.abs(lon).toFixed(1)}°${lon < 0 ? "W" : "E"}`;
}

function countColour(n, most) {
  const step = Math.floor(COUNT.length * Math.log10(n) / (Math.log10(most) + 1e-9));
  return COUNT[Math.min(Math.max(step, 0), COUNT.length - 1)];
}

function moodColour(mean) {
  const step = Math.floor((mean + MOOD_REACH) / (2 * MOOD_REACH) * MOOD.length);
  return MOOD[Math.min(Math.max(step, 0), MOOD.length - 1)];
}
