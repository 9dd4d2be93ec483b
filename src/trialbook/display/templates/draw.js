// Draws every chart of the page from the specification beside it, without eval; where that fails the still picture stays.
"use strict";
(() => {
  const options = { mode: "vega-lite", ast: true, actions: false, renderer: "svg", tooltip: { theme: "light" } };
  const draw = async (data) => {
    const box = data.parentElement;
    const place = box.querySelector(".live");
    try {
      await window.vegaEmbed(place, JSON.parse(data.textContent), options);
      box.classList.add("drawn");
    } catch (problem) {
      place.replaceChildren();
      console.error("chart not drawn:", problem);
    }
  };
  document.querySelectorAll("script.chart-spec").forEach(draw);
})();
