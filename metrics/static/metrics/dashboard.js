// Draws each canvas of the dashboard from the figures that stand in its table. Chart.js is what the admin's theme ships.

/**
 * `look`: a dashed line belongs to the one of its color; an aim, waiting and the rest have none.
 * @typedef {{label: string, draw: 'line' | 'bar', look: '' | 'dashed' | 'aim' | 'wait' | 'rest',
 *   color: number | null, right: boolean, data: (number | null)[]}} Series
 */
/**
 * @typedef {{labels: string[], named: boolean, unit: string, axis: string, right: string, logarithmic: boolean,
 *   stacked: boolean, series: Series[]}} Figures
 */

/** @type {any} */
const Chart = /** @type {any} */ (window).Chart;
const language = document.documentElement.lang;

// Told apart by people who see few colours as well, on white and on black. After M. Okabe and K. Ito, 2008.
const COLORS = {
  light: ['#0072b2', '#d55e00', '#00815a', '#b5508a', '#8a6d00', '#7a3fb8', '#2f8fc4'],
  dark: ['#56b4e9', '#f0853c', '#2cc295', '#e59cc6', '#f0e442', '#b794f6', '#8fc9f0'],
};
// A line is told by its marks too: by a shape that can be hollow, and its turn.
/** @type {[string, number][]} */
const MARKS = [
  ['circle', 0],
  ['rect', 0],
  ['triangle', 0],
  ['rectRot', 0],
  ['triangle', 180],
  ['triangle', 90],
  ['triangle', 270],
];
// Seconds. Times are kept in milliseconds, and a logarithmic scale has no place for none.
const LEAST = 0.001;

const dark = () => document.documentElement.classList.contains('dark');
const ink = () => (dark() ? '#d1d5db' : '#4b5563');

/** @param {number | null} value */
function drawable(value) {
  return value === null ? null : Math.max(value, LEAST);
}

/** @param {Figures} figures */
function datasets(figures) {
  const colors = dark() ? COLORS.dark : COLORS.light;
  return figures.series.map((each) => {
    const [mark, turn] = MARKS[each.color ?? 0];
    const color = each.color === null ? ink() : colors[each.color];
    // Hollow marks belong to dashed lines, in the chart and in its legend, and hollow bars to the rest.
    const hollow = each.look !== '' && each.look !== 'wait';
    const crowd = each.data.length > 45 ? 0 : each.data.length > 20 ? 2 : 3;
    return {
      label: each.label,
      type: each.draw,
      data: figures.logarithmic ? each.data.map(drawable) : each.data,
      // Lines lie above bars.
      order: each.draw === 'line' ? 0 : 1,
      yAxisID: figures.named ? undefined : each.right ? 'right' : 'y',
      xAxisID: figures.named ? (each.right ? 'right' : 'x') : undefined,
      borderColor: color,
      backgroundColor: hollow ? 'transparent' : color,
      borderWidth: each.draw === 'line' ? 2 : hollow ? 1 : 0,
      borderDash: hollow ? [5, 4] : [],
      // An aim is drawn from side to side, whatever days there are.
      showLine: each.look !== 'aim',
      pointStyle: each.draw === 'bar' ? 'rect' : each.look === 'aim' ? 'line' : mark,
      pointRotation: turn,
      pointRadius: each.look === 'aim' ? 0 : crowd,
      pointHitRadius: 8,
      maxBarThickness: 28,
    };
  });
}

/** @param {number} value */
function written(value) {
  return value.toLocaleString(language, { maximumSignificantDigits: 4, notation: value >= 1e5 ? 'compact' : 'standard' });
}

/** @param {string} day */
function short(day) {
  return new Date(day).toLocaleDateString(language, { day: 'numeric', month: 'short', timeZone: 'UTC' });
}

/**
 * A long name beside its bar, in several lines that leave room for the bar.
 * @param {string} name
 */
function lines(name) {
  return name.split(' · ').map((part) => (part.length > 20 ? `${part.slice(0, 19)}…` : part));
}

/** @param {Figures} figures */
function scales(figures) {
  const color = ink();
  const grid = { color: dark() ? '#374151' : '#e5e7eb' };
  const values = {
    type: figures.logarithmic ? 'logarithmic' : 'linear',
    stacked: figures.stacked,
    beginAtZero: true,
    suggestedMax: figures.series.some((each) => each.look === 'aim') ? 100 : undefined,
    grid,
    ticks: { color, callback: written, maxTicksLimit: 7, maxRotation: 0 },
    title: { display: true, text: figures.axis, color },
  };
  const names = {
    type: 'category',
    stacked: figures.stacked,
    // A single day stands in the middle.
    offset: figures.labels.length === 1 || figures.series.some((each) => each.draw === 'bar'),
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
  const further = { ...right, ...(figures.named ? { axis: 'x', position: 'top' } : { axis: 'y', position: 'right' }) };
  const both = figures.named ? { y: names, x: values } : { x: names, y: values };
  return figures.right ? { ...both, right: further } : both;
}

/** @param {Figures} figures */
function options(figures) {
  return {
    animation: false,
    maintainAspectRatio: false,
    indexAxis: figures.named ? 'y' : 'x',
    interaction: { mode: 'index', intersect: false, axis: figures.named ? 'y' : 'x' },
    scales: scales(figures),
    plugins: {
      legend: { position: 'bottom', labels: { color: ink(), usePointStyle: true, boxHeight: 7 } },
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

/** @param {Figures} figures */
function aims(figures) {
  return {
    id: 'aims',
    beforeDatasetsDraw(/** @type {any} */ chart) {
      const { ctx, chartArea, scales } = chart;
      figures.series.forEach((each, place) => {
        const value = each.data.find((one) => one !== null);
        if (each.look !== 'aim' || value === undefined || !chart.isDatasetVisible(place)) return;
        const y = scales.y.getPixelForValue(value);
        ctx.save();
        ctx.strokeStyle = ink();
        ctx.lineWidth = 2;
        ctx.setLineDash([5, 4]);
        ctx.beginPath();
        ctx.moveTo(chartArea.left, y);
        ctx.lineTo(chartArea.right, y);
        ctx.stroke();
        ctx.restore();
      });
    },
  };
}

/** @type {{chart: any, figures: Figures}[]} */
const drawn = [];

for (const canvas of document.querySelectorAll('.dashboard canvas')) {
  const data = document.getElementById(`${canvas.id}-data`)?.textContent;
  if (!data || !(canvas instanceof HTMLCanvasElement)) continue;
  /** @type {Figures} */
  const figures = JSON.parse(data);
  const box = canvas.parentElement;
  // A bar needs room, as does each line of a legend, which is long where the page is narrow.
  const legend = figures.series.length * (innerWidth < 480 ? 20 : 8);
  if (box) box.style.height = `${figures.named ? 140 + 44 * figures.labels.length : 260 + legend}px`;
  const chart = new Chart(canvas, {
    type: figures.series[0]?.draw ?? 'line',
    data: { labels: figures.labels, datasets: datasets(figures) },
    options: options(figures),
    plugins: [aims(figures)],
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
}).observe(document.documentElement, { attributes: true, attributeFilter: ['class'] });

// A module, so that its names are its own.
export {};
