// Strangers write texts, names, hashtags, places, languages and topics: whatever they wrote becomes
// text, never markup, and cannot turn the text around it.
const CONTROLS = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const LONGEST = 300;

export const at = (id) => document.getElementById(id);

export const plain = (text) => String(text).slice(0, LONGEST).replace(CONTROLS, "▯");

export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.map((child) => child instanceof Node ? child : plain(child)));
  return made;
}

export const word = (text) => make("bdi", { title: plain(text) }, text);

export function drawn(tag, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = plain(text);
  return made;
}

export function table(caption, heads, rows) {
  const made = make("table", {}, make("caption", {}, caption));
  made.append(make("thead", {}, make("tr", {}, ...heads.map((head) =>
    make("th", { scope: "col" }, head)))));
  const body = make("tbody");
  for (const row of rows) {
    body.append(make("tr", {}, ...row.map((cell, index) =>
      make(index ? "td" : "th", index ? {} : { scope: "row" }, cell))));
  }
  made.append(body);
  return made;
}

export const number = (value) => value.toLocaleString("en");

export const mean = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);

export function short(seconds) {
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

export const clock = (seconds) =>
  new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
