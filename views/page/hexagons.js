// Cells as the server packs them, where they lie on the screen, and their colours.
export const COUNT = ["#00224e", "#2a3f6d", "#575d6d", "#7d7c78", "#a59c74", "#d2c060", "#fee838"];
export const MOOD = ["#08519c", "#4292c6", "#9ecae1", "#d0d0d0", "#fdbe85", "#fd8d3c", "#d94701"];
export const MOOD_ENOUGH = 5;
export const MOOD_REACH = 0.6;

// views/page/answers.py says what the bytes are: columns, the corners relative to the first
export function unpacked(buffer) {
  const data = new DataView(buffer);
  const [count, leftOut] = [data.getUint32(0, true), data.getUint32(4, true)];
  const units = data.getUint32(8, true) / 360;
  const [n, columns] = [16 + 8 * count, 16 + 12 * count];
  const short = (column, row) => data.getInt16(columns + 2 * (column * count + row), true);
  const cells = Array.from({ length: count }, (_, i) => {
    const corners = Array.from({ length: 6 }, (_, j) => [0, 1].map((axis) =>
      (short(1 + axis, i) + (j && short(1 + 2 * j + axis, i))) / units));
    return {
      id: data.getBigUint64(16 + 8 * i, true),
      n: data.getUint32(n + 4 * i, true),
      mean: short(0, i) / 100,
      corners,
      centre: [0, 1].map((axis) => corners.reduce((sum, at) => sum + at[axis], 0) / 6),
    };
  });
  return { cells, leftOut };
}

// a cell over the date line stands at both edges
export function placed(cells, projection) {
  for (const cell of cells) {
    const shifts = cell.corners.some(([lon]) => lon > 180) ? [0, -360] : [0];
    cell.xy = projection(cell.centre);
    cell.outlines = shifts.map((shift) => cell.corners.map(([lon, lat]) =>
      projection([Math.min(Math.max(lon + shift, -180), 180), lat])));
  }
}

export function outline(pen, cell) {
  for (const corners of cell.outlines) {
    corners.forEach(([x, y], index) => index ? pen.lineTo(x, y) : pen.moveTo(x, y));
    pen.closePath();
  }
}

const EDGED = 500; // thin edges cost as much as the cells themselves

// one path for each colour: thousands of cells are seven fills
export function paint(pen, cells, mood, edge) {
  const most = Math.max(2, ...cells.map((cell) => cell.n));
  const steps = Array.from({ length: COUNT.length }, () => []);
  for (const cell of cells) {
    if (!mood) steps[countStep(cell.n, most)].push(cell);
    else if (cell.n >= MOOD_ENOUGH) steps[moodStep(cell.mean)].push(cell);
  }
  [pen.lineWidth, pen.strokeStyle] = [0.5, edge];
  steps.forEach((members, step) => {
    pen.beginPath();
    for (const cell of members) outline(pen, cell);
    pen.fillStyle = (mood ? MOOD : COUNT)[step];
    pen.fill();
    if (cells.length <= EDGED) pen.stroke();
  });
}

const bounded = (step) => Math.min(Math.max(Math.floor(step), 0), COUNT.length - 1);

const countStep = (n, most) =>
  bounded(COUNT.length * Math.log10(n) / (Math.log10(most) + 1e-9));

const moodStep = (mean) => bounded((mean + MOOD_REACH) / (2 * MOOD_REACH) * MOOD.length);
