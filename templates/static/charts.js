// Draws the figures of a page with ECharts as SVG: every [data-chart] holds its values as JSON. Colours are the page's
// own tokens; lines differ by dash and mark as well. Without the library the table beneath stands alone.
"use strict";
(() => {
  if (!window.echarts) return;
  const root = getComputedStyle(document.documentElement);
  const token = (name) => root.getPropertyValue(`--${name}`).trim();
  const font = getComputedStyle(document.body).fontFamily;
  const LOOKS = [
    ["blue-700", "solid", "circle"],
    ["ochre-700", "dashed", "rect"],
    ["blue-600", "dotted", "triangle"],
    ["ink-3", "solid", "diamond"],
    ["blue-950", "dashed", "emptyCircle"],
    ["edge", "dotted", "emptyRect"],
  ];

  function series(kind, one, number) {
    const [colour, dash, mark] = LOOKS[number % LOOKS.length];
    const drawn = { type: kind, name: one.name, data: one.values, color: token(colour) };
    if (kind === "bar") return { ...drawn, barMaxWidth: 28 };
    // A day between two without a value has no line to show it: every mark is drawn then.
    const gaps = one.values.includes(null);
    return { ...drawn, symbol: mark, symbolSize: 7, showAllSymbol: gaps || "auto", connectNulls: false, lineStyle: { type: dash, width: 2 } };
  }

  function option(chart) {
    const quiet = { color: token("ink-2"), fontSize: 12 };
    const several = chart.series.length > 1;
    return {
      animation: false,
      textStyle: { fontFamily: font, color: token("ink-2") },
      grid: { left: 4, right: 12, top: several ? 40 : chart.small ? 12 : 28, bottom: 4, containLabel: true },
      legend: several ? { type: "scroll", top: 0, left: 0, textStyle: quiet, itemWidth: 28 } : undefined,
      // The other kind of tooltip writes style attributes, which the page's content policy forbids.
      tooltip: { trigger: "axis", renderMode: "richText", confine: true, textStyle: { fontSize: 13 } },
      xAxis: {
        type: "category",
        data: chart.labels,
        axisLabel: { ...quiet, hideOverlap: true },
        axisLine: { lineStyle: { color: token("line-2") } },
        axisTick: { show: false },
      },
      yAxis: {
        type: "value",
        name: several || chart.small ? "" : chart.unit,
        nameTextStyle: { ...quiet, align: "left" },
        show: !chart.small,
        minInterval: 1,
        axisLabel: quiet,
        splitLine: { lineStyle: { color: token("line") } },
      },
      series: chart.series.map((one, number) => series(chart.kind, one, number)),
    };
  }

  function draw(place) {
    const values = JSON.parse(place.dataset.chart);
    let chart = null;
    // Inside a closed part of the page there is no room yet; the observer calls again when there is.
    new ResizeObserver(() => {
      if (!place.clientWidth || !place.clientHeight) return;
      if (chart) return chart.resize();
      chart = window.echarts.init(place, null, { renderer: "svg" });
      chart.setOption(option(values));
    }).observe(place);
  }

  function prepare(page) {
    for (const place of page.querySelectorAll("[data-chart]:not([data-drawn])")) {
      place.dataset.drawn = "";
      draw(place);
    }
  }
  prepare(document);
  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
})();
