// Draws every chart of the page from the specification beside it, without eval; where that fails a sentence stays.
// A subject picked in one chart, or in the list at the top of the page, stands out in all charts that show subjects.
"use strict";
(() => {
  const options = { mode: "vega-lite", ast: true, actions: false, renderer: "svg", tooltip: { theme: "light" } };
  const signal = "picked_subject";
  const linked = [];
  const list = document.createElement("select");
  const words = document.getElementById("content").dataset;

  const pick = (subject) => {
    list.value = subject;
    linked.forEach(({ view }) => view.signal(signal, list.value).runAsync());
  };

  // The column that holds the subject, as the chart's own condition names it.
  const subjectField = (spec) => {
    if (!(spec.params || []).some((param) => param.name === signal)) return undefined;
    const { datasets, ...rest } = spec;
    const named = JSON.stringify(rest).match(/datum\.(\w+) === picked_subject/);
    return named ? named[1] : undefined;
  };

  const link = (view, spec, field) => {
    const rows = Object.values(spec.datasets || {}).flat();
    linked.push({ view, subjects: rows.map((row) => row[field]).filter((name) => typeof name === "string") });
    view.addEventListener("click", (event, item) => {
      const subject = item && item.datum ? item.datum[field] : undefined;
      pick(typeof subject === "string" && subject !== list.value ? subject : "");
    });
  };

  const draw = async (data) => {
    const box = data.parentElement;
    const place = box.querySelector(".live");
    try {
      const spec = JSON.parse(data.textContent);
      const field = subjectField(spec);
      const { view } = await window.vegaEmbed(place, spec, options);
      if (field) link(view, spec, field);
      const svg = place.querySelector("svg");
      // The box is one picture with a name; what is in it are hundreds of marks.
      svg.setAttribute("aria-hidden", "true");
      box.style.setProperty("--w", `${svg.getAttribute("width")}px`);
      box.classList.toggle("tall", svg.getAttribute("height") > 1000);
      box.classList.add("drawn");
    } catch (problem) {
      place.replaceChildren();
      console.error("chart not drawn:", problem);
    }
  };

  const offerList = () => {
    const subjects = [...new Set(linked.flatMap((chart) => chart.subjects))].sort();
    if (!subjects.length) return;
    list.append(new Option(words.any, ""), ...subjects.map((subject) => new Option(subject, subject)));
    list.addEventListener("change", () => pick(list.value));
    const label = document.createElement("label");
    label.append(words.highlight, " ", list);
    const bar = document.createElement("p");
    bar.className = "pick";
    bar.append(label);
    // Beside the text where there is room for the contents, else above it.
    const contents = document.querySelector("nav.contents");
    (contents && contents.offsetParent ? contents : document.getElementById("content")).prepend(bar);
  };

  Promise.all([...document.querySelectorAll("script.chart-spec")].map(draw)).then(offerList);
})();
