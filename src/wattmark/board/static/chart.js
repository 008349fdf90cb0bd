"use strict";
// Quality against energy, from the points that the server computed.
(() => {
  const colour = frameworkColour;

  const drawn = (data, width) => {
    const front = data.points.filter((p) => p.front).sort((a, b) => d3.ascending(a.x, b.x));
    // so many bars would hide the points
    const barred = data.points.length <= 40 ? data.points : front;
    return Plot.plot({
      className: "plot-chart",
      width,
      height: Math.round(Math.max(340, Math.min(width * 0.45, 500))),
      marginLeft: 52,
      marginBottom: 44,
      marginTop: 28,
      style: { fontSize: "12px", background: "none", overflow: "visible" },
      x: { label: `${data.x_label} →`, type: "log", ticks: width < 500 ? 4 : 8, tickFormat: "~r" },
      y: { label: `↑ ${data.y_label}`, grid: true, reverse: data.y_reverse, ticks: 6 },
      color: { type: "identity" },
      marks: [
        Plot.line(front, { x: "x", y: "y", curve: "step-after", stroke: "currentColor", strokeOpacity: 0.45 }),
        Plot.ruleX(barred, { x: "x", y1: "y1", y2: "y2", stroke: colour, strokeOpacity: 0.25 }),
        Plot.ruleY(barred, { y: "y", x1: "x1", x2: "x2", stroke: colour, strokeOpacity: 0.5 }),
        Plot.dot(data.points, { x: "x", y: "y", r: 4.5, stroke: colour, fill: colour, fillOpacity: 0.7 }),
        Plot.tip(data.points, Plot.pointer({ x: "x", y: "y", title: (d) => `${d.name}\n${d.text}${d.stars ? `\n${"★".repeat(d.stars)}` : ""}`, fontSize: 12, fill: "var(--page)" })),
      ],
    });
  };

  window.drawChart = async (element) => {
    const answer = await fetch(element.dataset.points);
    const data = await answer.json();
    if (!data.points.length) {
      element.textContent = "No result here has both quality and energy.";
      return;
    }
    const draw = () => {
      const width = Math.floor(element.clientWidth);
      if (width < 200 || width === Number(element.dataset.width)) return;
      element.dataset.width = width;
      const plot = drawn(data, width);
      for (const part of plot.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
      plot.setAttribute("role", "img");
      plot.setAttribute("aria-label", `Quality against energy of ${data.points.length} results; the same numbers are in the table`);
      element.replaceChildren(plot);
    };
    draw();
    new ResizeObserver(() => requestAnimationFrame(draw)).observe(element);
  };
})();
