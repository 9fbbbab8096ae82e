"""From a key to the next pair on the screen, with the network 300 ms away.

Run with ``python -m tests.benchmarks.bench_paint [PAIRS]`` (100). A real Chromium rates a study
served by gunicorn over PostgreSQL; the browser adds 300 ms to each request. Measured in the page:
from the time stamp of the key's event to the first frame after the heading names the next pair.
Beside it the same for a page of our own that only changes one word, which is what the browser, its
remote control and this machine cost by themselves. A key that brings no pair within five seconds
is a dead one. Nothing fails here.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from http.cookies import SimpleCookie
from pathlib import Path

from playwright.sync_api import Page, Playwright, TimeoutError, expect, sync_playwright

from tests import browsers, services
from tests.live_site import Site, environment

LATENCY_MS = 300
TARGET_MS = 50.0
# Faster than anybody reads, and slower than the page allows.
PAUSES_S = (0.5, 1.5)
DEAD_MS = 5_000
TEXT_SIZE = 1_200

WATCH = """() => {
  window.painted = [];
  const heading = document.querySelector("#prompt-heading");
  window.addEventListener("keydown", (event) => {
    const before = heading.textContent;
    const look = () => {
      if (heading.textContent === before) {
        requestAnimationFrame(look);
        return;
      }
      // A message is delivered after the frame that this callback is part of.
      const channel = new MessageChannel();
      channel.port1.onmessage = () => window.painted.push(performance.now() - event.timeStamp);
      channel.port2.postMessage(0);
    };
    requestAnimationFrame(look);
  }, true);
}"""
FLOOR = """<!doctype html><title>floor</title><h1 id="prompt-heading">0</h1><script>
let number = 0;
addEventListener("keydown", () => {
  document.querySelector("#prompt-heading").textContent = String(++number);
});
</script>"""


def press(page: Page, times: int, before: Callable[[int], None]) -> tuple[list[float], int]:
    """Milliseconds from key to frame, and how many keys were dead."""
    page.evaluate(WATCH)
    dice = random.Random(1)
    dead = 0
    for number in range(1, times + 1):
        before(number)
        page.wait_for_timeout(1000 * dice.uniform(*PAUSES_S))
        page.keyboard.press(dice.choice("12"))
        wanted = number - dead
        try:
            page.wait_for_function(
                f"() => window.painted.length >= {wanted}", timeout=DEAD_MS, polling="raf"
            )
        except TimeoutError:
            dead += 1
    times_ms: list[float] = page.evaluate("() => window.painted")
    return sorted(times_ms), dead


def tell(name: str, times_ms: list[float], dead: int) -> None:
    def at(share: float) -> float:
        return times_ms[min(len(times_ms) - 1, int(share * len(times_ms)))]

    sys.stdout.write(
        f"{name:<34} {len(times_ms):>4} keys  median {at(0.5):5.1f} ms  p95 {at(0.95):5.1f} ms  "
        f"most {times_ms[-1]:5.1f} ms  dead keys {dead}\n"
    )


def measure(playwright: Playwright, site: Site, pairs: int) -> None:
    from annotation.models import Study
    from tests.chaos.seeding import seed_study
    from tests.signed_in import sign_in_annotators

    study: Study = seed_study(
        "paint", comparisons=pairs + 10, overlap=1, systems=4, text_size=TEXT_SIZE
    )[0]
    (person,) = sign_in_annotators(study, 1)
    browser = playwright.chromium.launch(
        executable_path=browsers.find_or_install(), args=["--no-sandbox"]
    )
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    origin = f"http://{services.HOST}:{site.port}"
    for name, cookie in SimpleCookie(person.headers["Cookie"]).items():
        context.add_cookies([{"name": name, "value": cookie.value, "url": origin}])
    page = context.new_page()
    page.set_content(FLOOR)
    tell("one word of an empty page", *press(page, pairs, lambda number: None))
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": -1,
            "uploadThroughput": -1,
        },
    )
    page.goto(f"{origin}/study/{study.slug}/rate/")
    page.get_by_role("button", name="Start rating").click()

    def wait_until_armed(number: int) -> None:
        expect(page.locator("#decision")).to_have_attribute("aria-busy", "false")

    tell(f"the next pair (p95 at most {TARGET_MS:.0f} ms)", *press(page, pairs, wait_until_armed))
    browser.close()


def main(pairs: int) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(services.postgresql_server(durable=True))
        broker = stack.enter_context(services.redis_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evalsite-paint-")))
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        os.environ["DATABASE_URL"] = database.url
        os.environ["REDIS_URL"] = broker.url
        # The browser's driver runs a loop in this thread; Django takes that for one of its own.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        # Settings read the environment when they are first asked.
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        site = Site(environment(database.url, broker.url, EVALSITE_VAR=str(folder)), folder)
        stack.callback(site.stop)
        site.start()
        site.wait_until_it_answers()
        measure(stack.enter_context(sync_playwright()), site, pairs)
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        sys.stdout.write(f"Load of {os.cpu_count()} cores: {load}.\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
