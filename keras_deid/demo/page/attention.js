// Grad-CAM over a region, at a layer to choose.

import { get, post } from "./api.js";

const one = (id) => document.getElementById(id);

export class Attention {
  // `working` runs what takes time.
  constructor(working) {
    this.layers = null;
    one("explain").addEventListener("click", () => working("Taking the maps", () => this.#explain()));
    one("region").addEventListener("change", () => (one("maps").hidden = true));
    one("layer").addEventListener("change", () => this.#show());
  }

  // Offers the regions, and the layers; or says why this run cannot be explained.
  async offer(photograph, boxes) {
    Object.assign(this, { photograph, boxes, explained: null });
    one("maps").hidden = true;
    one("region").replaceChildren(...boxes.map((_, index) => new Option(index + 1, index)));
    if (this.layers) return;
    try {
      const { layers, target } = await get("layers");
      this.layers = layers;
      one("layer").replaceChildren(...layers.map((layer) => new Option(layer, layer)));
      one("target").textContent = target;
    } catch (error) {
      one("no-attention").textContent = `This run cannot be explained: ${error.message}`;
      one("no-attention").hidden = false;
      one("with-attention").hidden = true;
    }
  }

  async #explain() {
    const box = this.boxes[Number(one("region").value)];
    const explained = await post(`pictures/${this.photograph.token}/explain`, { box });
    one("crop").src = explained.crop;
    one("crop-restored").src = explained.restored;
    one("top").textContent = `${explained.top.toFixed(1)} ×`;
    this.explained = explained;
    this.#show();
    one("maps").hidden = false;
  }

  #show() {
    if (!this.explained) return;
    const layer = one("layer").value;
    one("map").src = this.explained.maps[layer];
    const empty = this.explained.zero.includes(layer) ? ": zero everywhere" : "";
    one("map-caption").textContent = `Grad-CAM at ${layer}${empty}`;
  }
}
