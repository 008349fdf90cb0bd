"use strict";
// Draws the charts from the numbers in #figures. All that is computed was computed before.

const figures = JSON.parse(document.getElementById("figures").textContent);
const colour = frameworkColour;
const name = (d) => d.setup + (d.baseline ? " (baseline)" : "");
const LINE = 15; // px between stacked labels

const common = (width, options) => ({
  className: "plot-chart",
  width,
  style: { fontSize: "12px", background: "none", overflow: "visible" },
  ...options,
});

function pareto(data, width) {
  const { points } = data;
  const front = points.filter((p) => p.front).sort((a, b) => d3.ascending(a.x, b.x));
  const height = Math.round(Math.max(360, Math.min(width * 0.5, 520)));
  const plot = Plot.plot(
    common(width, {
      height,
      marginLeft: 48,
      marginBottom: 44,
      marginTop: 28,
      x: {
        label: `${data.x_label} →`,
        type: data.log ? "log" : "linear",
        domain: padded(points, "x1", "x2", data.log, 0.06),
        labelAnchor: "right",
        ticks: width < 500 ? 4 : 8,
      },
      y: {
        label: `↑ ${data.y_label[0].toUpperCase()}${data.y_label.slice(1)}`,
        domain: padded(points, "y1", "y2", false, 0.18),
        reverse: data.y_reverse,
        grid: true,
        ticks: 6,
      },
      color: { type: "identity" },
      symbol: { type: "identity" },
      marks: [
        Plot.line(front, { x: "x", y: "y", curve: "step-after", stroke: "currentColor", strokeOpacity: 0.45, strokeWidth: 1.5 }),
        Plot.ruleX(points, { x: "x", y1: "y1", y2: "y2", stroke: colour, strokeOpacity: 0.3, strokeWidth: 1.5 }),
        Plot.ruleY(points, { y: "y", x1: "x1", x2: "x2", stroke: colour, strokeOpacity: 0.75, strokeWidth: 1.5 }),
        Plot.dot(points.filter((p) => p.baseline), { x: "x", y: "y", r: 9.5, stroke: "currentColor", strokeWidth: 1.2 }),
        Plot.dot(points, {
          x: "x",
          y: "y",
          r: 5,
          symbol: (d) => (d.fp32 ? "circle" : "diamond"),
          fill: (d) => (d.gate === false ? "var(--page)" : colour(d)),
          stroke: colour,
          strokeWidth: 1.8,
        }),
        Plot.tip(points, Plot.pointer({ x: "x", y: "y", title: (d) => `${name(d)}\n${d.quality}\n${d.cost}`, fontSize: 12, lineHeight: 1.35 })),
      ],
    })
  );
  label(plot, points, front, width, height);
  return plot;
}

// Give each point its name: the free place nearest to it, with a thin leader line.
function label(plot, points, front, width, height) {
  const x = plot.scale("x").apply;
  const y = plot.scale("y").apply;
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "12px system-ui, sans-serif";
  const dots = points.map((p) => box(x(p.x) - 8, y(p.y) - 8, 16, 16));
  const bars = points.map((p) => box(x(p.x1), y(p.y) - 2, x(p.x2) - x(p.x1), 4));
  for (const [a, b] of d3.pairs(front)) bars.push(box(x(a.x), y(a.y) - 2, x(b.x) - x(a.x), 4));
  const frame = { x1: 50, x2: width - 4, y1: 28, y2: height - 48 };
  const placed = [];
  const layer = d3.select(plot).insert("g", "[aria-label=tip]").attr("aria-hidden", "true").attr("text-anchor", "start");
  for (const p of [...points].sort((a, b) => d3.ascending(x(a.x), x(b.x)))) {
    const w = pen.measureText(name(p)).width + 4;
    let best = null;
    for (let step = 0; step <= 2 * 14; ++step) {
      const dy = Math.ceil(step / 2) * LINE * (step % 2 ? -1 : 1);
      for (const dx of [12, -12 - w, 30, -30 - w, -w / 2]) {
        const b = box(x(p.x) + dx, y(p.y) + dy - LINE / 2, w, LINE);
        const outside = b.x1 < frame.x1 || b.x2 > frame.x2 || b.y1 < frame.y1 || b.y2 > frame.y2;
        const cost =
          Math.abs(dy) + 0.4 * Math.abs(dx > 0 ? dx : dx + w) + 1e4 * outside +
          1e3 * d3.sum(placed, (o) => overlaps(b, o)) +
          300 * d3.sum(dots, (o) => overlaps(b, o)) +
          60 * d3.sum(bars, (o) => overlaps(b, o));
        if (best === null || cost < best.cost) best = { cost, b, dy };
      }
    }
    placed.push(best.b);
    const middle = (best.b.y1 + best.b.y2) / 2;
    const end = best.b.x1 > x(p.x) ? best.b.x1 - 1 : best.b.x2 < x(p.x) ? best.b.x2 + 1 : x(p.x);
    if (Math.abs(best.dy) > LINE) {
      layer.append("path").attr("d", `M${x(p.x)},${y(p.y) + Math.sign(best.dy) * 8}L${end},${middle - (end === x(p.x) ? Math.sign(best.dy) * LINE / 2 : 0)}`)
        .attr("stroke", colour(p)).attr("stroke-opacity", 0.6).attr("fill", "none");
    }
    layer.append("text").attr("x", best.b.x1 + 2).attr("y", middle).attr("dy", "0.35em").attr("font-size", 12)
      .attr("font-weight", p.baseline ? 600 : 400).attr("fill", "currentColor")
      .attr("stroke", "var(--page)").attr("stroke-width", 4).attr("stroke-linejoin", "round").attr("paint-order", "stroke")
      .text(name(p));
  }
}

const box = (x, y, w, h) => ({ x1: x, x2: x + w, y1: y, y2: y + h });
const overlaps = (a, b) => a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2;

function padded(rows, low, high, log, share) {
  let a = d3.min(rows, (d) => d[low]);
  let b = d3.max(rows, (d) => d[high]);
  if (a === b) [a, b] = log || a > 0 ? [a * 0.9, b * 1.1] : [a - 1, b + 1];
  if (log) return [a * (a / b) ** share, b * (b / a) ** share];
  const pad = (b - a) * share;
  return [a >= 0 ? Math.max(0, a - pad) : a - pad, b + pad];
}

function intervals(data, width, reference) {
  const rows = data.rows;
  const all = reference === null ? rows : [...rows, { low: reference, high: reference }];
  return Plot.plot(
    common(width, {
      height: rows.length * 46 + 46,
      marginLeft: 4,
      marginRight: 12,
      marginTop: 10,
      marginBottom: 36,
      x: {
        type: data.log ? "log" : "linear",
        domain: padded(all, "low", "high", data.log, 0.03),
        grid: true,
        label: null,
        ticks: data.log ? 4 : 6,
        tickFormat: data.log ? "~r" : undefined,
      },
      fy: { domain: rows.map((d) => d.setup), axis: null, padding: 0 },
      color: { type: "identity" },
      marks: [
        reference === null ? null : Plot.ruleX([reference], { stroke: "currentColor", strokeOpacity: 0.6 }),
        Plot.text(rows, { fy: "setup", text: name, frameAnchor: "top-left", dy: 2, fontWeight: 500, fill: "currentColor", stroke: "var(--page)", strokeWidth: 4 }),
        Plot.text(rows, { fy: "setup", text: "text", frameAnchor: "top-right", dy: 2, fontVariant: "tabular-nums", fill: "var(--muted)", stroke: "var(--page)", strokeWidth: 4 }),
        Plot.ruleY(rows, { fy: "setup", x1: "low", x2: "high", y: () => 0, stroke: colour, strokeWidth: 3, strokeOpacity: 0.55, strokeLinecap: "round" }),
        Plot.dot(rows, { fy: "setup", x: "value", y: () => 0, r: 4.5, fill: colour }),
      ],
      y: { axis: null, domain: [-1, 1.2] },
    })
  );
}

function distribution(data, width) {
  const samples = data.rows.flatMap((r) => r.density.map((density, i) => ({ ...r, density, x: data.grid[i] })));
  const marks = data.rows.flatMap((r) => ["p50", "p90", "p99"].map((mark) => ({ ...r, mark, x: r[mark] })));
  const inside = marks.filter((m) => m.x <= data.grid[data.grid.length - 1]);
  return Plot.plot(
    common(width, {
      height: data.rows.length * 66 + 46,
      marginLeft: 4,
      marginRight: 12,
      marginTop: 10,
      marginBottom: 36,
      x: { type: "log", domain: d3.extent(data.grid), label: null, grid: true, ticks: width < 500 ? 4 : 10, tickFormat: "~r" },
      y: { axis: null, domain: [-0.28, 1.75] },
      fy: { domain: data.rows.map((d) => d.setup), axis: null, padding: 0 },
      color: { type: "identity" },
      marks: [
        Plot.areaY(samples, { fy: "setup", x: "x", y: "density", z: "setup", fill: colour, fillOpacity: 0.35 }),
        Plot.lineY(samples, { fy: "setup", x: "x", y: "density", z: "setup", stroke: colour, strokeWidth: 1.3 }),
        Plot.ruleX(inside, {
          fy: "setup",
          x: "x",
          y1: 0,
          y2: (d) => ({ p50: 1, p90: 0.55, p99: 0.35 })[d.mark],
          stroke: "currentColor",
          strokeWidth: 1.5,
          title: (d) => d.mark,
        }),
        Plot.ruleY(data.rows, { fy: "setup", y: () => 0, stroke: "currentColor", strokeOpacity: 0.25 }),
        Plot.text(data.rows, { fy: "setup", text: name, frameAnchor: "top-left", dy: 6, fontWeight: 500, fill: "currentColor", stroke: "var(--page)", strokeWidth: 4 }),
        Plot.text(data.rows, { fy: "setup", text: "text", frameAnchor: "top-right", dy: 6, fontVariant: "tabular-nums", fill: "var(--muted)", stroke: "var(--page)", strokeWidth: 4 }),
      ],
    })
  );
}

const draw = {
  pareto: (width) => pareto(figures.pareto, width),
  ratio: (width) => intervals(figures.ratio, width, 1),
  absolute: (width) => intervals(figures.absolute, width, null),
  distribution: (width) => distribution(figures.distribution, width),
};

function render(element) {
  const width = Math.floor(element.clientWidth);
  if (width < 200 || width === Number(element.dataset.width)) return;
  element.dataset.width = width;
  element.replaceChildren(draw[element.dataset.chart](width));
}

const watch = new ResizeObserver((entries) =>
  requestAnimationFrame(() => entries.forEach((entry) => render(entry.target)))
);
for (const element of document.querySelectorAll(".chart")) {
  render(element);
  watch.observe(element);
}
