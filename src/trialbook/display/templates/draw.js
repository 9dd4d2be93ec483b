// Draws every chart of the page from the specification beside it, without eval; where that fails a sentence stays.
// A subject picked in one chart, or in the list at the top of the page, stands out in all charts that show subjects.
"use strict";
(() => {
  const options = { mode: "vega-lite", ast: true, actions: false, renderer: "svg", tooltip: { theme: "light" } };
  const signal = "picked_subject";
  // Characters of the specification of a large chart that is drawn although nobody has come near.
  const MOST_AT_REST = 400_000;
  const linked = [];
  const list = document.createElement("select");
  const words = document.getElementById("content").dataset;

  const pick = (subject) => {
    fillList();
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
    const subjects = [...new Set(rows.map((row) => row[field]).filter((name) => typeof name === "string"))];
    linked.push({ view, subjects });
    if (list.value) view.signal(signal, list.value).runAsync();
    view.addEventListener("click", (event, item) => {
      const subject = item && item.datum ? item.datum[field] : undefined;
      pick(typeof subject === "string" && subject !== list.value ? subject : "");
    });
  };

  const draw = async (data) => {
    const box = data.parentElement;
    const place = box.querySelector(".live");
    const said = place.getAttribute("aria-label");
    try {
      const spec = JSON.parse(data.textContent);
      const field = subjectField(spec);
      const { view } = await window.vegaEmbed(place, spec, options);
      if (field) link(view, spec, field);
      // The library calls each of its pictures "Vega visualization".
      place.setAttribute("role", "img");
      place.setAttribute("aria-label", said);
      place.removeAttribute("aria-roledescription");
      const svg = place.querySelector("svg");
      // The box is one picture with a name; what is in it are hundreds of marks.
      svg.setAttribute("aria-hidden", "true");
      box.style.setProperty("--w", `${svg.getAttribute("width")}px`);
      box.classList.toggle("tall", svg.getAttribute("height") > 1000);
      box.classList.add("drawn");
      box.classList.remove("late");
    } catch (problem) {
      place.replaceChildren();
      console.error("chart not drawn:", problem);
    }
  };

  // The subjects of the charts drawn so far; hundreds of them are put into the list when a reader opens it.
  const fillList = () => {
    const subjects = [...new Set(linked.flatMap((chart) => chart.subjects))].sort();
    if (list.options.length === subjects.length + 1) return;
    const picked = list.value;
    list.replaceChildren(new Option(words.any, ""), ...subjects.map((subject) => new Option(subject, subject)));
    list.value = picked;
  };

  const offerList = () => {
    if (!linked.length) return;
    const few = linked.every((chart) => chart.subjects.length < 1000);
    if (few) fillList();
    else list.append(new Option(words.any, ""));
    for (const kind of ["pointerdown", "focus", "keydown"]) list.addEventListener(kind, fillList);
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

  // The text of the page is there first: charts are drawn one by one after it, large ones as a reader comes near.
  const rested = () => new Promise((done) => {
    if (window.requestIdleCallback) requestIdleCallback(done, { timeout: 200 });
    else setTimeout(done);
  });
  const start = async () => {
    const library = document.createElement("script");
    library.textContent = document.getElementById("chart-library").textContent;
    await rested();
    document.head.append(library);
    const all = [...document.querySelectorAll("script.chart-spec")];
    const isLate = (data) => data.parentElement.classList.contains("late");
    const late = new Set(all.filter(isLate));
    const drawLate = (data) => {
      near.unobserve(data.parentElement);
      return late.delete(data) ? draw(data).then(offerOnce) : undefined;
    };
    const near = new IntersectionObserver((entries) => {
      for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
        drawLate(target.querySelector("script.chart-spec"));
      }
    }, { rootMargin: "600px" });
    for (const data of all.filter((one) => !isLate(one))) {
      await rested();
      await draw(data);
    }
    offerOnce();
    late.forEach((data) => near.observe(data.parentElement));
    // Paper waits for nobody: what takes no more than a moment is drawn while the reader reads.
    const rest = window.requestIdleCallback || ((then) => setTimeout(then, 500));
    for (const data of [...late].filter((one) => one.textContent.length < MOST_AT_REST)) {
      await new Promise((done) => { rest(done); });
      await drawLate(data);
    }
  };
  const offerOnce = () => {
    if (!list.isConnected) offerList();
  };
  if (document.readyState === "complete") start();
  else window.addEventListener("load", () => requestAnimationFrame(() => setTimeout(start)));
})();
