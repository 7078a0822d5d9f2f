// Cells as the server packs them, where they lie, and their colours.
import { project, trace } from "/projection.js";

export const COUNT = ["#00224e", "#2a3f6d", "#575d6d", "#7d7c78", "#a59c74", "#d2c060", "#fee838"];
export const MOOD = ["#08519c", "#4292c6", "#9ecae1", "#d0d0d0", "#fdbe85", "#fd8d3c", "#d94701"];
export const MOOD_ENOUGH = 5;
export const MOOD_REACH = 0.6;

const CORNERS = 6;

// views/page/answers.py says what the bytes are: columns of differences
export function unpacked(buffer) {
  const [count, leftOut, units] = new Uint32Array(buffer, 0, 3);
  const ids = new BigUint64Array(buffer, 16, count);
  const n = new Uint32Array(buffer, 16 + 8 * count, count);
  const means = new Int16Array(buffer, 16 + 12 * count, count);
  const low = new Uint8Array(buffer, 16 + 14 * count, 2 * CORNERS * count);
  const high = new Uint8Array(buffer, 16 + 26 * count, 2 * CORNERS * count);
  const columns = Array.from({ length: 2 * CORNERS }, (_, column) => {
    let sum = 0;
    return Int32Array.from({ length: count }, (_, row) => {
      const at = column * count + row;
      sum += (low[at] | high[at] << 8) << 16 >> 16;
      return sum;
    });
  });
  let id = 0n;
  const cells = Array.from({ length: count }, (_, row) => {
    const [lon, lat] = [columns[0][row], columns[1][row]];
    const corners = Array.from({ length: CORNERS }, (_, corner) => corner
      ? [(lon + columns[2 * corner][row]) * 360 / units,
        (lat + columns[2 * corner + 1][row]) * 360 / units]
      : [lon * 360 / units, lat * 360 / units]);
    const centre = [0, 1].map((axis) => corners.reduce((sum, at) => sum + at[axis], 0) / CORNERS);
    id += ids[row];
    return { id, n: n[row], mean: means[row] / 100, centre, xy: project(centre),
      outlines: outlines(corners) };
  });
  return { cells, leftOut };
}

// a cell over the date line stands at both edges
function outlines(corners) {
  const shifts = corners.some(([lon]) => lon > 180) ? [0, -360] : [0];
  return shifts.map((shift) => corners.map(([lon, lat]) =>
    project([Math.min(Math.max(lon + shift, -180), 180), lat])));
}

export function outline(cell) {
  const path = new Path2D();
  for (const corners of cell.outlines) trace(path, corners);
  return path;
}

// one path for each colour: thousands of cells are seven fills
export function shades(cells, mood) {
  const most = cells.reduce((most, cell) => Math.max(most, cell.n), 2);
  const paths = COUNT.map(() => new Path2D());
  for (const cell of cells) {
    if (mood && cell.n < MOOD_ENOUGH) continue;
    const path = paths[mood ? moodStep(cell.mean) : countStep(cell.n, most)];
    for (const corners of cell.outlines) trace(path, corners);
  }
  return paths;
}

const bounded = (step) => Math.min(Math.max(Math.floor(step), 0), COUNT.length - 1);

const countStep = (n, most) =>
  bounded(COUNT.length * Math.log10(n) / (Math.log10(most) + 1e-9));

const moodStep = (mean) => bounded((mean + MOOD_REACH) / (2 * MOOD_REACH) * MOOD.length);
