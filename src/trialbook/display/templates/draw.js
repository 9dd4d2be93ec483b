// Draws every chart of the page from the specification beside it, without eval; the still picture stays where that fails.
"use strict";
(() => {
  const options = { mode: "vega-lite", ast: true, actions: false, renderer: "svg", tooltip: { theme: "light" } };
  for (const data of document.querySelectorAll("script.chart-spec")) {
    const box = data.parentElement;
    const place = box.querySelector(".live");
    window.vegaEmbed(place, JSON.parse(data.textContent), options).then(
      () => box.classList.add("drawn"),
      (problem) => { place.replaceChildren(); console.error("chart not drawn:", problem); },
    );
  }
})();
