// The page: a photograph, its regions, the result, and what the network looked at.

import { get, post } from "./api.js";
import { Attention } from "./attention.js";
import { Comparison } from "./compare.js";
import { BoxEditor } from "./editor.js";

const one = (id) => document.getElementById(id);
let photograph = null; // {token, name, width, height}
let restoredBoxes = null; // of the last restoration, as text
let version = 0; // a result of the same address is another picture

const editor = new BoxEditor(one("stage"), update);
const comparison = new Comparison();
const attention = new Attention(working);

one("file").addEventListener("change", (event) => open(event.target.files[0]));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  open(event.dataTransfer.files[0]);
});
one("threshold").addEventListener("input", showThreshold);
one("threshold").addEventListener("change", () => working("Looking for hidden regions", find));
one("add").addEventListener("click", () => editor.add());
one("delete").addEventListener("click", () => editor.deleteChosen());
one("restore").addEventListener("click", () => working("Restoring", restore));
one("dismiss").addEventListener("click", () => (one("message").hidden = true));
start();

async function start() {
  await working("Loading", async () => {
    const settings = await get("settings");
    one("model").textContent = settings.model;
    one("threshold").value = settings.threshold;
    showThreshold();
  });
}

function open(file) {
  if (!file) return;
  one("file").value = ""; // so that the same file may be chosen again
  working("Reading the photograph", async (say) => {
    const opened = await post(`pictures?name=${encodeURIComponent(file.name)}`, file);
    photograph = opened;
    restoredBoxes = null;
    document.body.classList.add("loaded");
    for (const id of ["result", "attention"]) one(id).hidden = true;
    one("regions").hidden = false;
    one("picture").src = `pictures/${opened.token}/before.png`;
    await one("picture").decode();
    editor.open(opened.width, opened.height);
    say("Looking for hidden regions");
    await find();
  });
}

async function find() {
  const { regions } = await post(`pictures/${photograph.token}/find`, { threshold: Number(one("threshold").value) });
  editor.showFound(regions);
  const count = regions.length;
  one("found").textContent = count
    ? `${count} hidden ${count === 1 ? "region was" : "regions were"} found.`
    : "No hidden region was found. Draw a box where one is.";
}

async function restore() {
  const boxes = editor.rectangles();
  const { name } = await post(`pictures/${photograph.token}/restore`, { boxes });
  version += 1;
  restoredBoxes = JSON.stringify(boxes);
  Object.assign(one("download"), { href: `pictures/${photograph.token}/download`, download: name });
  one("result").hidden = false;
  await comparison.show(photograph, boxes, version);
  await attention.offer(photograph, boxes);
  one("attention").hidden = false;
  update();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  one("result").scrollIntoView({ behavior: still ? "instant" : "smooth" });
}

function update() {
  const boxes = editor.rectangles();
  one("delete").disabled = !editor.chosen;
  one("restore").disabled = !boxes.length;
  one("restore").textContent = boxes.length === 1 ? "Restore the region" : `Restore ${boxes.length} regions`;
  one("stale").hidden = restoredBoxes === null || restoredBoxes === JSON.stringify(boxes);
}

function showThreshold() {
  one("threshold-value").textContent = Number(one("threshold").value).toFixed(2);
}

// Says what is done while it is done, and what went wrong; one thing at a time.
async function working(words, work) {
  if (!one("busy").hidden) {
    sayError("The last step is not done yet; wait until it is, then try again.");
    return;
  }
  const started = Date.now();
  let step = words;
  const show = () => {
    const seconds = Math.round((Date.now() - started) / 1000);
    one("busy").textContent = `${step} …${seconds > 2 ? ` ${seconds} s` : ""}`;
  };
  const say = (text) => {
    step = text;
    show();
  };
  show();
  const clock = setInterval(show, 1000);
  one("busy").hidden = false;
  one("message").hidden = true;
  try {
    await work(say);
  } catch (error) {
    sayError(error.message);
  } finally {
    clearInterval(clock);
    one("busy").hidden = true;
  }
}

function sayError(text) {
  one("message-text").textContent = text;
  one("message").hidden = false;
}
