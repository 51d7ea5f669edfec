// Copy buttons and charts. Nothing here makes HTML from text, so nothing here can be made to.
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (button) {
    copy(button.dataset.copy).then(() => told(button));
  }
});

// What cannot be taken back is asked for once more.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-confirm]");
  if (button && !window.confirm(button.dataset.confirm)) {
    event.preventDefault();
  }
});

// The clipboard interface exists over https and on localhost only; a selection works everywhere.
function copy(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).catch(() => copyBySelection(text));
  }
  return Promise.resolve(copyBySelection(text));
}

function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "skip";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

function told(button) {
  if (!button.dataset.label) {
    button.dataset.label = button.textContent;
  }
  button.textContent = document.body.dataset.copied;
  setTimeout(() => { button.textContent = button.dataset.label; }, 1500);
}

const COLOURS = ["#3468c0", "#d9822b", "#2f8f5b", "#a2469c", "#c4423b", "#5d7489", "#8f7a1f", "#2a9fae"];

function draw(element) {
  const data = JSON.parse(element.dataset.chart);
  const chart = echarts.init(element);
  chart.setOption({
    animation: false,
    color: COLOURS,
    grid: { left: 8, right: 12, top: 30, bottom: data.series.length > 1 ? 44 : 8, containLabel: true },
    legend: data.series.length > 1 ? { bottom: 0, type: "scroll" } : undefined,
    // As rich text: the tooltip made of HTML would need styles that the content security policy forbids.
    tooltip: { trigger: "axis", renderMode: "richText", confine: true },
    xAxis: { type: "category", data: data.labels, axisLabel: { hideOverlap: true } },
    yAxis: { type: "value", name: data.unit, nameTextStyle: { align: "left" } },
    series: data.series.map((series) => ({
      name: series.name || data.unit,
      type: "bar",
      stack: "all",
      barMaxWidth: 40,
      data: series.values.map((value, i) => ({
        value: Number(value),
        itemStyle: data.provisional[i] ? { opacity: 0.45 } : undefined,
      })),
    })),
  });
  element.dataset.drawn = "true";
}

function drawAll(root) {
  root.querySelectorAll(".chart:not([data-drawn])").forEach(draw);
}

document.addEventListener("DOMContentLoaded", () => drawAll(document));
document.addEventListener("htmx:afterSettle", () => drawAll(document));
window.addEventListener("resize", () => {
  document.querySelectorAll(".chart[data-drawn]").forEach((element) => echarts.getInstanceByDom(element).resize());
});
