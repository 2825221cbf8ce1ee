// Draws each metric by month from the table's own cells, so picture and table cannot differ.
"use strict";

const charts = [];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The months of a metric: label and, where it is shown, value and interval.
function months(box) {
  const rows = box.closest(".world").querySelectorAll("table.months tbody tr");
  return [...rows].map((row) => {
    const cell = row.querySelector(`td[data-metric="${box.dataset.metric}"]`);
    const read = (name) => (cell ? Number(cell.dataset[name]) : null);
    return { tick: row.dataset.tick, value: read("value"), low: read("low"), high: read("high") };
  });
}

// From the lowest to the highest interval, but never less than a quarter of what is possible: noise must look small.
function limits(box, points) {
  const [lowest, highest] = [Number(box.dataset.low), Number(box.dataset.high)];
  const shown = points.filter((point) => point.value !== null);
  let low = Math.min(...shown.map((point) => point.low));
  let high = Math.max(...shown.map((point) => point.high));
  const missing = Math.max(0, (highest - lowest) / 4 - (high - low)) / 2 + (high - low) * 0.1;
  low = Math.max(lowest, low - missing);
  high = Math.min(highest, high + missing);
  return [low, high];
}

function written(value, unit) {
  const [factor, sign] = unit === "1" ? [100, " %"] : [1, unit === "s" ? " s" : ""];
  return (value * factor).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 }) + sign;
}

function intervals(points) {
  return (plot) => {
    const { ctx } = plot;
    const half = 5 * devicePixelRatio;
    ctx.save();
    ctx.fillStyle = colour("--band");
    ctx.strokeStyle = colour("--blue");
    ctx.lineWidth = devicePixelRatio;
    points.forEach((point, month) => {
      if (point.value === null) return;
      const x = plot.valToPos(month, "x", true);
      const top = plot.valToPos(point.high, "y", true);
      const bottom = plot.valToPos(point.low, "y", true);
      ctx.fillRect(x - half, top, 2 * half, bottom - top);
      ctx.beginPath();
      for (const y of [top, bottom]) {
        ctx.moveTo(x - half, y);
        ctx.lineTo(x + half, y);
      }
      ctx.stroke();
    });
    ctx.restore();
  };
}

function draw(box) {
  const points = months(box);
  box.replaceChildren();
  if (!points.some((point) => point.value !== null)) return;
  const [ink, line, blue] = [colour("--quiet"), colour("--line"), colour("--blue")];
  const font = "12px system-ui, sans-serif";
  const every = Math.ceil((points.length * 68) / Math.max(200, box.clientWidth - 60));
  const chart = new uPlot(
    {
      width: box.clientWidth,
      height: box.clientHeight,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 22, 0, 0],
      scales: { x: { time: false, range: [-0.6, points.length - 0.4] }, y: { range: limits(box, points) } },
      axes: [
        {
          stroke: ink, font, grid: { show: false }, ticks: { show: false }, size: 28,
          splits: () => points.map((_, month) => month).filter((month) => (points.length - 1 - month) % every === 0),
          values: (_, splits) => splits.map((month) => points[month].tick),
        },
        {
          stroke: ink, font, grid: { stroke: line, width: 1 }, ticks: { show: false }, size: 52, space: 26,
          values: (_, splits) => splits.map((value) => written(value, box.dataset.unit)),
        },
      ],
      series: [{}, { stroke: blue, width: 1.5, points: { show: true, size: 7, fill: blue, stroke: blue } }],
      hooks: { drawAxes: [intervals(points)] },
    },
    [points.map((_, month) => month), points.map((point) => point.value)],
    box,
  );
  charts.push(chart);
}

function drawAll() {
  charts.splice(0).forEach((chart) => chart.destroy());
  document.querySelectorAll(".chart").forEach(draw);
}

let width = 0;
new ResizeObserver(() => {
  if (document.body.clientWidth === width) return;
  width = document.body.clientWidth;
  drawAll();
}).observe(document.body);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.target.querySelector?.(".chart")) drawAll();
});
for (const [moment, printing] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(moment, () => {
    document.documentElement.classList.toggle("printing", printing);
    drawAll();
  });
}
