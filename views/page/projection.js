// Equal Earth (Šavrič, Patterson and Jenny 2018), as in views/projection.py: areas are true. On a
// sphere of radius 1, y downward.
const [A, B, C, D] = [1.340264, -0.081106, 0.000893, 0.003796];
const M = Math.sqrt(3) / 2;
const RADIANS = Math.PI / 180;
const REACH = [2.7066, 1.3173];

export function project([lon, lat]) {
  const l = Math.asin(M * Math.sin(lat * RADIANS));
  const l2 = l * l;
  const l6 = l2 * l2 * l2;
  const x = lon * RADIANS * Math.cos(l) / (M * (A + 3 * B * l2 + l6 * (7 * C + 9 * D * l2)));
  return [x, -l * (A + B * l2 + l6 * (C + D * l2))];
}

// the scale and the place of 0, 0 at which the world, or what is around `centre`, fills a canvas
export function view(width, height, zoom, centre) {
  const whole = Math.min((width - 8) / (2 * REACH[0]), (height - 8) / (2 * REACH[1]));
  if (zoom === 1) return { scale: whole, left: width / 2, top: height / 2 };
  const scale = whole * zoom;
  const [x, y] = project(centre);
  return { scale, left: width / 2 - x * scale, top: height / 2 - y * scale };
}

export function trace(path, points) {
  points.forEach(([x, y], index) => index ? path.lineTo(x, y) : path.moveTo(x, y));
  path.closePath();
}

export function sphere() {
  const edge = Array.from({ length: 61 }, (_, step) => 3 * step - 90);
  const path = new Path2D();
  trace(path, [...edge.map((lat) => project([180, lat])),
    ...edge.reverse().map((lat) => project([-180, lat]))]);
  return path;
}

// views/outline.py says what the bytes are
export function coasts(buffer) {
  const [count] = new Uint32Array(buffer, 0, 1);
  const lengths = new Uint32Array(buffer, 4, count);
  const steps = new Int16Array(buffer, 4 + 4 * count);
  const path = new Path2D();
  let at = 0;
  for (const length of lengths) {
    let [x, y] = [0, 0];
    trace(path, Array.from({ length }, () => {
      [x, y] = [x + steps[at++], y + steps[at++]];
      return project([x / 100, y / 100]);
    }));
  }
  return path;
}
