// Boxes over a photograph: drawn, moved, resized and deleted with a pointer or with keys.

const LEAST_SIDE = 4; // pixels of the photograph
const LABEL_ROOM = 20; // pixels of the screen that a score needs above its box
const NEW_SIDE = 0.15; // of the shorter side of the photograph

export class BoxEditor {
  // `stage` holds the photograph; `changed` is called after every change, also of which box is chosen.
  constructor(stage, changed) {
    this.stage = stage;
    this.changed = changed;
    this.size = { width: 1, height: 1 };
    this.boxes = [];
    this.chosen = null;
    this.dealtWith = new Set(); // what was found and then changed or deleted, as text
    stage.addEventListener("pointerdown", (event) => this.#draw(event));
    stage.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.boxes.forEach((box) => this.#place(box))).observe(stage);
  }

  // Starts with another photograph of this size.
  open(width, height) {
    this.size = { width, height };
    this.boxes.forEach((box) => box.element.remove());
    this.boxes = [];
    this.dealtWith.clear();
    this.#choose(null);
  }

  // Replaces what was found before; boxes that were added or changed stay, and what was deleted does not come back.
  showFound(regions) {
    for (const box of this.boxes.filter((box) => !box.own)) this.#remove(box);
    for (const { box, score } of regions) {
      if (!this.dealtWith.has(String(box))) this.#insert(box, score);
    }
    if (!this.boxes.includes(this.chosen)) this.#choose(null);
    this.changed();
  }

  // Adds a box in the middle.
  add() {
    const { width, height } = this.size;
    const half = Math.max(Math.round((NEW_SIDE * Math.min(width, height)) / 2), LEAST_SIDE);
    const [x, y] = [Math.round(width / 2), Math.round(height / 2)];
    const box = this.#insert([x - half, y - half, x + half, y + half].map((edge) => Math.max(edge, 0)), null);
    this.#choose(box);
    box.element.focus();
    this.changed();
  }

  deleteChosen() {
    if (!this.chosen) return;
    this.dealtWith.add(String(this.chosen.edges));
    this.#remove(this.chosen);
    this.#choose(null);
    this.changed();
  }

  // The boxes as [x0, y0, x1, y1], in whole pixels of the photograph.
  rectangles() {
    return this.boxes.map((box) => box.edges);
  }

  #insert(edges, score) {
    const element = document.createElement("div");
    element.className = "box";
    element.tabIndex = 0;
    element.setAttribute("role", "group");
    const label = element.appendChild(document.createElement("span"));
    label.className = "score";
    const box = { edges, score, own: score === null, element, label };
    for (const x of [0, 1]) {
      for (const y of [0, 1]) {
        const corner = element.appendChild(document.createElement("span"));
        corner.className = "corner";
        Object.assign(corner.dataset, { x, y });
        corner.addEventListener("pointerdown", (event) => this.#resize(event, box, x, y));
      }
    }
    element.addEventListener("pointerdown", (event) => this.#move(event, box));
    element.addEventListener("focus", () => this.#choose(box));
    this.stage.append(element);
    this.boxes.push(box);
    this.#place(box);
    return box;
  }

  #remove(box) {
    box.element.remove();
    this.boxes = this.boxes.filter((other) => other !== box);
    this.boxes.forEach((other) => this.#place(other)); // the numbers have changed
  }

  #choose(box) {
    if (this.chosen === box) return;
    this.chosen?.element.classList.remove("chosen");
    box?.element.classList.add("chosen");
    this.chosen = box;
    this.changed();
  }

  #place(box) {
    const [x0, y0, x1, y1] = box.edges;
    const { width, height } = this.size;
    Object.assign(box.element.style, {
      left: `${(100 * x0) / width}%`,
      top: `${(100 * y0) / height}%`,
      width: `${(100 * (x1 - x0)) / width}%`,
      height: `${(100 * (y1 - y0)) / height}%`,
    });
    box.element.classList.toggle("own", box.own);
    const number = this.boxes.indexOf(box) + 1;
    box.label.textContent = `${number}: ${box.own ? "yours" : box.score.toFixed(2)}`;
    box.label.classList.toggle("inside", (y0 / height) * this.stage.clientHeight < LABEL_ROOM);
    const said = box.own ? "your box" : `found with score ${box.score.toFixed(2)}`;
    box.element.setAttribute("aria-label", `Region ${number}: ${said}`);
  }

  // A box that is changed is no longer the one that was found.
  #change(box, edges) {
    if (edges.every((edge, index) => edge === box.edges[index])) return;
    if (!box.own) this.dealtWith.add(String(box.edges));
    Object.assign(box, { edges, own: true });
    this.#place(box);
  }

  #shifted([x0, y0, x1, y1], dx, dy) {
    const { width, height } = this.size;
    const x = clip(Math.round(dx), -x0, width - x1);
    const y = clip(Math.round(dy), -y0, height - y1);
    return [x0 + x, y0 + y, x1 + x, y1 + y];
  }

  #stretched([x0, y0, x1, y1], right, bottom, dx, dy) {
    const { width, height } = this.size;
    return [
      right ? x0 : clip(Math.round(x0 + dx), 0, x1 - LEAST_SIDE),
      bottom ? y0 : clip(Math.round(y0 + dy), 0, y1 - LEAST_SIDE),
      right ? clip(Math.round(x1 + dx), x0 + LEAST_SIDE, width) : x1,
      bottom ? clip(Math.round(y1 + dy), y0 + LEAST_SIDE, height) : y1,
    ];
  }

  #move(event, box) {
    if (event.button !== 0) return;
    this.#choose(box);
    const start = box.edges;
    this.#drag(event, box.element, (dx, dy) => this.#change(box, this.#shifted(start, dx, dy)));
  }

  #resize(event, box, right, bottom) {
    if (event.button !== 0) return;
    const start = box.edges;
    this.#drag(event, event.target, (dx, dy) => this.#change(box, this.#stretched(start, right, bottom, dx, dy)));
  }

  // Fingers scroll on the bare photograph; they add boxes with the button.
  #draw(event) {
    if (event.button !== 0 || event.target.closest(".box")) return;
    this.#choose(null);
    if (event.pointerType === "touch") return;
    const area = this.stage.getBoundingClientRect();
    const { width, height } = this.size;
    const x = clip(Math.round(((event.clientX - area.left) * width) / area.width), 0, width - LEAST_SIDE);
    const y = clip(Math.round(((event.clientY - area.top) * height) / area.height), 0, height - LEAST_SIDE);
    let box = null;
    const moved = (dx, dy) => {
      const [toX, toY] = [clip(Math.round(x + dx), 0, width), clip(Math.round(y + dy), 0, height)];
      const edges = [Math.min(x, toX), Math.min(y, toY), Math.max(x, toX), Math.max(y, toY)];
      if (edges[2] - edges[0] < LEAST_SIDE || edges[3] - edges[1] < LEAST_SIDE) return;
      box ??= this.#insert(edges, null);
      box.element.classList.add("drawing");
      this.#change(box, edges);
    };
    this.#drag(event, this.stage, moved, () => {
      box?.element.classList.remove("drawing");
      if (box) this.#choose(box);
    });
  }

  // Calls `moved` with how far the pointer has come, in pixels of the photograph.
  #drag(event, element, moved, ended = () => {}) {
    event.stopPropagation();
    const scale = this.size.width / this.stage.clientWidth;
    const follow = (now) => moved((now.clientX - event.clientX) * scale, (now.clientY - event.clientY) * scale);
    const end = () => {
      element.removeEventListener("pointermove", follow);
      element.removeEventListener("pointerup", end);
      element.removeEventListener("pointercancel", end);
      ended();
      this.changed();
    };
    element.setPointerCapture(event.pointerId);
    element.addEventListener("pointermove", follow);
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
  }

  #key(event) {
    const box = this.chosen;
    if (!box || event.target !== box.element) return;
    const step = Math.max(1, Math.round(this.size.width / 200));
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in ways) {
      const [dx, dy] = ways[event.key].map((way) => way * step);
      const edges = event.shiftKey ? this.#stretched(box.edges, 1, 1, dx, dy) : this.#shifted(box.edges, dx, dy);
      this.#change(box, edges);
      this.changed();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.deleteChosen();
    } else {
      return;
    }
    event.preventDefault();
  }
}

function clip(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
