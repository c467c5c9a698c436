// The focus of a cover: a click or the arrow keys set the place that must show; each shape shows what is left of it.
(() => {
  const picker = document.querySelector("[data-focus-picker]");
  if (!picker) return;
  const STEP = 5;
  const ABOVE = 1 / 3;
  const form = picker.closest("form");
  const row = picker.querySelector("[data-focus-row]");
  const button = picker.querySelector("[data-focus-picture]");
  const image = button.querySelector("img");
  const mark = button.querySelector(".focus__mark");
  const across = form.elements.cover_x;
  const down = form.elements.cover_y;
  const chosen = () => form.querySelector("[name=cover_id]:checked")?.value ?? "";
  let cover = chosen();

  function focus() {
    if (across.value === "" && down.value === "") return null;
    return [across, down].map((field) => Math.min(100, Math.max(0, Number(field.value === "" ? 50 : field.value))));
  }
  function within(value, most) { return Math.min(Math.max(value, 0), most); }
  function cut(ratio, shape, at) {
    const wide = Math.min(1, shape / ratio);
    const high = Math.min(1, ratio / shape);
    const left = at ? within(at[0] / 100 - wide / 2, 1 - wide) : (1 - wide) / 2;
    const top = at ? within(at[1] / 100 - high / 2, 1 - high) : (1 - high) * ABOVE;
    return [left, top, wide, high];
  }
  function draw() {
    const { naturalWidth: width, naturalHeight: height } = image;
    if (!width || !height) return;
    const at = focus();
    mark.hidden = !at;
    if (at) [mark.style.left, mark.style.top] = at.map((part) => `${part}%`);
    for (const svg of picker.querySelectorAll("[data-focus-shape]")) {
      const [left, top, wide, high] = cut(width / height, Number(svg.dataset.focusShape), at);
      svg.setAttribute("viewBox", `${left * width} ${top * height} ${wide * width} ${high * height}`);
      const picture = svg.querySelector("image");
      picture.setAttribute("href", image.src);
      picture.setAttribute("width", width);
      picture.setAttribute("height", height);
    }
  }
  function show() {
    const source = form.querySelector(`[data-asset="${CSS.escape(chosen())}"] img`);
    picker.hidden = !source;
    row.hidden = !source;
    if (source && image.src !== source.src) image.src = source.src;
    else draw();
  }
  function set(at) {
    [across.value, down.value] = at ? at.map((part) => String(Math.round(within(part, 100)))) : ["", ""];
    across.dispatchEvent(new Event("input", { bubbles: true }));
  }
  image.addEventListener("load", draw);
  button.addEventListener("click", (event) => {
    if (!event.detail) return set(focus() ?? [50, 50]);  // Pressed by a key.
    const box = image.getBoundingClientRect();
    set([((event.clientX - box.left) / box.width) * 100, ((event.clientY - box.top) / box.height) * 100]);
  });
  button.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = focus() ?? [50, 50];
    set([at[0] + step[0], at[1] + step[1]]);
  });
  picker.addEventListener("input", draw);
  picker.querySelector("[data-focus-clear]").addEventListener("click", () => set(null));
  form.addEventListener("change", (event) => {
    if (event.target.name !== "cover_id") return;
    if (chosen() !== cover) set(null);
    cover = chosen();
    show();
  });
  // The pictures are drawn anew when one is added or taken away.
  new MutationObserver(show).observe(picker.parentElement, { childList: true });
  show();
})();
