// A few tweets of one cell. Their texts stay hidden until the reader asks for them.
import { at, make, mean, plain, word } from "/dom.js";

export function showExamples(examples, close) {
  const box = at("examples");
  box.hidden = !examples;
  box.replaceChildren();
  if (!examples) return;
  const list = make("ul", {}, ...examples.map(example));
  const texts = make("button", { type: "button", "aria-pressed": "false" }, "Show texts");
  texts.addEventListener("click", () => {
    const shown = texts.getAttribute("aria-pressed") === "false";
    texts.setAttribute("aria-pressed", String(shown));
    texts.textContent = shown ? "Hide texts" : "Show texts";
    for (const text of list.querySelectorAll(".text")) text.hidden = !shown;
  });
  const done = make("button", { type: "button" }, "Close");
  done.addEventListener("click", close);
  box.append(make("h3", {}, examples.length ? "Newest tweets here" : "No tweet is kept here"),
    make("p", { class: "tools" }, texts, done), list);
}

function example(row) {
  const text = make("p", { class: "text", hidden: "", dir: "auto" });
  text.textContent = plain(row.text);
  return make("li", {}, `${row.at} · `, word(row.lang), ` · ${mean(row.compound / 10000)} · `,
    word(row.place || "no place named"), " · by ", word(row.author || "unknown author"), text);
}
