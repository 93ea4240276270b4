// The photograph before and after, with a divider that can be dragged.

const one = (id) => document.getElementById(id);

export class Comparison {
  constructor() {
    one("split").addEventListener("input", () => this.#divide());
    one("shown").addEventListener("change", () => this.#load());
  }

  // Offers the whole picture and the surroundings of each box.
  async show(photograph, boxes, version) {
    Object.assign(this, { photograph, boxes, version });
    const names = ["the whole picture", ...boxes.map((_, index) => `region ${index + 1}`)];
    one("shown").replaceChildren(...names.map((name, index) => new Option(name, index)));
    one("split").value = 50;
    this.#divide();
    await this.#load();
  }

  async #load() {
    const box = this.boxes[Number(one("shown").value) - 1];
    const query = `version=${this.version}${box ? `&box=${box}` : ""}`;
    one("compare").classList.toggle("small", Boolean(box));
    for (const which of ["before", "after"]) one(which).src = `pictures/${this.photograph.token}/${which}.png?${query}`;
    await Promise.all([one("before").decode(), one("after").decode()]);
  }

  #divide() {
    one("compare").style.setProperty("--split", `${one("split").value}%`);
  }
}
