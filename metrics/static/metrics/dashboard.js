// Draws each canvas of the dashboard from the figures that stand in its table. Chart.js is what the admin's theme ships.

/**
 * `look`: a dashed line belongs to the one before it, an aim to no other.
 * @typedef {{label: string, draw: "line" | "bar", look: "" | "dashed" | "aim", right: boolean,
 *   data: (number | null)[]}} Series
 */
/**
 * @typedef {{labels: string[], named: boolean, unit: string, right: string, logarithmic: boolean, stacked: boolean,
 *   series: Series[]}} Figures
 */

/** @type {any} */
const Chart = /** @type {any} */ (window).Chart;
const language = document.documentElement.lang;

// Told apart by people who see few colours as well, on white and on black. After M. Okabe and K. Ito, 2008.
const COLORS = {
  light: ["#0072b2", "#d55e00", "#00815a", "#b5508a", "#8a6d00", "#2f8fc4", "#6b6b6b", "#7a3fb8"],
  dark: ["#56b4e9", "#f0853c", "#2cc295", "#e59cc6", "#f0e442", "#8fc9f0", "#b8b8b8", "#b794f6"],
};
// A line is told by its marks too.
const MARKS = ["circle", "rect", "triangle", "rectRot", "cross", "star", "crossRot", "dash"];

const dark = () => document.documentElement.classList.contains("dark");
const ink = () => (dark() ? "#d1d5db" : "#4b5563");

/** @param {Figures} figures */
function datasets(figures) {
  const colors = dark() ? COLORS.dark : COLORS.light;
  let lines = -1;
  return figures.series.map((each) => {
    if (each.look === "") lines += 1;
    const place = Math.max(0, lines) % colors.length;
    const color = each.look === "aim" ? ink() : colors[place];
    const crowd = each.data.length > 45 ? 0 : each.data.length > 20 ? 2 : 3;
    return {
      label: each.label,
      type: each.draw,
      data: each.data,
      // Lines lie above bars.
      order: each.draw === "line" ? 0 : 1,
      yAxisID: figures.named ? undefined : each.right ? "right" : "y",
      xAxisID: figures.named ? (each.right ? "right" : "x") : undefined,
      borderColor: color,
      // A hollow mark belongs to a dashed line, in the chart and in its legend.
      backgroundColor: each.look ? "transparent" : color,
      borderWidth: each.draw === "line" ? 2 : 0,
      borderDash: each.look ? [5, 4] : [],
      pointStyle: each.draw === "bar" ? "rect" : each.look === "aim" ? "line" : MARKS[place],
      pointRadius: each.look === "aim" ? 0 : crowd,
      pointHitRadius: 8,
      maxBarThickness: 28,
    };
  });
}

/** @param {number} value */
function written(value) {
  return value.toLocaleString(language, { maximumSignificantDigits: 4, notation: value >= 1e5 ? "compact" : "standard" });
}

/** @param {string} day */
function short(day) {
  return new Date(day).toLocaleDateString(language, { day: "numeric", month: "short", timeZone: "UTC" });
}

/**
 * A long name beside its bar, in several lines that leave room for the bar.
 * @param {string} name
 */
function lines(name) {
  return name.split(" · ").map((part) => (part.length > 20 ? `${part.slice(0, 19)}…` : part));
}

/** @param {Figures} figures */
function scales(figures) {
  const color = ink();
  const grid = { color: dark() ? "#374151" : "#e5e7eb" };
  const values = {
    type: figures.logarithmic ? "logarithmic" : "linear",
    stacked: figures.stacked,
    beginAtZero: true,
    grid,
    ticks: { color, callback: written, maxTicksLimit: 7, maxRotation: 0 },
    title: { display: true, text: figures.unit, color },
  };
  const names = {
    type: "category",
    stacked: figures.stacked,
    grid: { display: false },
    ticks: {
      color,
      maxRotation: 0,
      autoSkip: !figures.named,
      autoSkipPadding: 12,
      callback: (/** @type {number} */ place) => (figures.named ? lines : short)(figures.labels[place]),
    },
  };
  const right = {
    beginAtZero: true,
    grid: { drawOnChartArea: false },
    ticks: { color, callback: written, maxTicksLimit: 7, maxRotation: 0 },
    title: { display: true, text: figures.right, color },
  };
  // Names are long: they stand beside their bars.
  const further = { ...right, ...(figures.named ? { axis: "x", position: "top" } : { axis: "y", position: "right" }) };
  const both = figures.named ? { y: names, x: values } : { x: names, y: values };
  return figures.right ? { ...both, right: further } : both;
}

/** @param {Figures} figures */
function options(figures) {
  return {
    animation: false,
    maintainAspectRatio: false,
    indexAxis: figures.named ? "y" : "x",
    interaction: { mode: "index", intersect: false, axis: figures.named ? "y" : "x" },
    scales: scales(figures),
    plugins: {
      legend: { position: "bottom", labels: { color: ink(), usePointStyle: true, boxHeight: 7 } },
      tooltip: { callbacks: { label: label(figures) } },
    },
  };
}

/** @param {Figures} figures */
function label(figures) {
  return (/** @type {any} */ point) => {
    const series = figures.series[point.datasetIndex];
    return `${series.label}: ${written(series.data[point.dataIndex] ?? 0)} ${series.right ? figures.right : figures.unit}`;
  };
}

/** @type {{chart: any, figures: Figures}[]} */
const drawn = [];

for (const canvas of document.querySelectorAll(".dashboard canvas")) {
  const data = document.getElementById(`${canvas.id}-data`)?.textContent;
  if (!data || !(canvas instanceof HTMLCanvasElement)) continue;
  /** @type {Figures} */
  const figures = JSON.parse(data);
  const box = canvas.parentElement;
  // A bar needs room, as does each line of a legend, which is long where the page is narrow.
  const legend = figures.series.length * (innerWidth < 480 ? 20 : 8);
  if (box) box.style.height = `${figures.named ? 140 + 44 * figures.labels.length : 260 + legend}px`;
  const chart = new Chart(canvas, {
    type: figures.series[0]?.draw ?? "line",
    data: { labels: figures.labels, datasets: datasets(figures) },
    options: options(figures),
  });
  drawn.push({ chart, figures });
}

// The theme is a class of the root, which its switch and the system's own setting change.
new MutationObserver(() => {
  for (const { chart, figures } of drawn) {
    chart.data.datasets = datasets(figures);
    chart.options = options(figures);
    chart.update();
  }
}).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });

// A module, so that its names are its own.
export {};
