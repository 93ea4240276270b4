// Requests to the program that serves this page.

export async function get(path) {
  return answer(await reach(path));
}

export async function post(path, values) {
  const body = values instanceof Blob ? values : JSON.stringify(values);
  return answer(await reach(path, { method: "POST", body }));
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Error("The program does not answer. Start keras-deid demo again and load the page anew.");
  }
}

async function answer(response) {
  const values = await response.json();
  if (!response.ok) throw new Error(values.error);
  return values;
}
