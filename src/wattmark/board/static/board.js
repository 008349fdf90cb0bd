"use strict";
// Lists submit themselves when they change; a chart's library is fetched when the chart is near.
(() => {
  const own = document.currentScript.dataset;
  let library;

  const fetched = (address) =>
    new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    });
  const load = () => (library ??= fetched(own.d3).then(() => fetched(own.plot)).then(() => fetched(own.frameworks)).then(() => fetched(own.chart)));

  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        near.unobserve(entry.target);
        load().then(() => window.drawChart(entry.target));
      }
    },
    { rootMargin: "300px" }
  );

  const prepare = (root) => {
    for (const chart of root.querySelectorAll(".chart[data-points]")) near.observe(chart);
    for (const list of root.querySelectorAll(".filters select")) {
      list.addEventListener("change", () => list.form.requestSubmit());
      list.form.querySelector("button").hidden = true;
    }
  };
  prepare(document);
  document.addEventListener("htmx:afterSettle", (event) => prepare(event.target));
})();
