// Waits for a report that is being made and shows it. Without this script the link does it.

const FIRST_MS = 700;
const SLOWEST_MS = 10_000;
const GIVE_UP_MS = 15 * 60_000;

const LIVE = new Set(["waiting", "running"]);

async function stateOf(address) {
  try {
    const response = await fetch(address, { headers: { Accept: "application/json" } });
    return response.ok ? (await response.json()).state : undefined;
  } catch {
    return undefined;
  }
}

async function wait(address) {
  const began = Date.now();
  let pause = FIRST_MS;
  while (Date.now() - began < GIVE_UP_MS) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(SLOWEST_MS, pause * 1.3);
    const state = await stateOf(address);
    // No answer says nothing: the next one may.
    if (state !== undefined && !LIVE.has(state)) {
      window.location.reload();
      return;
    }
  }
}

const waiting = document.querySelector("[data-progress]");
if (waiting) {
  wait(waiting.dataset.progress);
}
