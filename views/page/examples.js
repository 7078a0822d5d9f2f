// A few tweets of one cell. Their texts stay hidden until the reader asks for them; a deleted tweet
// leaves at once.
import { at, make, mean, plain, word } from "/dom.js";

export function showExamples(examples, close) {
  const box = at("examples");
  const same = JSON.stringify(examples);
  if (examples && !box.hidden && box.dataset.shown === same) return;
  const asked = !box.hidden && box.querySelector("[aria-pressed=true]");
  const focused = box.contains(document.activeElement) ? document.activeElement.textContent : "";
  box.hidden = !examples;
  box.dataset.shown = same;
  box.replaceChildren();
  if (!examples) return;
  const list = make("ul", {}, ...examples.map(example));
  const texts = make("button", { type: "button", "aria-pressed": "false" });
  const show = (shown) => {
    texts.setAttribute("aria-pressed", String(shown));
    texts.textContent = shown ? "Hide texts" : "Show texts";
    for (const text of list.querySelectorAll(".text")) text.hidden = !shown;
  };
  texts.addEventListener("click", () => show(texts.getAttribute("aria-pressed") === "false"));
  const done = make("button", { type: "button" }, "Close");
  done.addEventListener("click", close);
  box.append(make("h3", {}, examples.length ? "Newest tweets here" : "No tweet is kept here"),
    make("p", { class: "tools" }, texts, done), list);
  show(!!asked);
  [texts, done].find((button) => button.textContent === focused)?.focus();
}

function example(row) {
  const text = make("p", { class: "text", hidden: "", dir: "auto" });
  text.textContent = plain(row.text);
  return make("li", {}, `${row.at} · `, word(row.lang), ` · ${mean(row.compound / 10000)} · `,
    word(row.place || "no place named"), " · by ", word(row.author || "unknown author"), text);
}
