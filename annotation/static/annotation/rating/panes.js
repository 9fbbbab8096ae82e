/* How the two responses scroll, and whether each was seen to its end. */

const WIDE = "(min-width: 50.0625em)";

export function createPanes({ places, isSwiping }) {
  const wide = matchMedia(WIDE);
  const sides = [places.left, places.right];
  let linked = true;
  let followed = null; // the side that moves because the other one was moved
  let ended = { left: false, right: false };
  let observer = null;

  for (const [index, side] of sides.entries()) {
    const other = sides[1 - index];
    side.addEventListener(
      "scroll",
      () => {
        if (followed === side) {
          followed = null;
          return;
        }
        if (linked && wide.matches && other.scrollTop !== side.scrollTop) {
          const before = other.scrollTop;
          other.scrollTop = side.scrollTop;
          followed = other.scrollTop === before ? null : other;
        }
      },
      { passive: true },
    );
  }

  return {
    setLinked(value) {
      linked = value;
    },
    get linked() {
      return linked;
    },
    get layout() {
      return wide.matches ? "columns" : isSwiping() ? "swiped" : "stacked";
    },
    get isWide() {
      return wide.matches;
    },
    get ended() {
      return { ...ended };
    },
    /* A pair was just shown: watch for the ends of its texts. */
    watchEnds() {
      observer?.disconnect();
      ended = { left: false, right: false };
      observer = new IntersectionObserver((seen) => {
        for (const { isIntersecting, target } of seen) {
          if (isIntersecting) {
            ended[target.dataset.end] = true;
          }
        }
      });
      for (const name of ["left", "right"]) {
        const end = document.createElement("div");
        end.className = "text-end";
        end.dataset.end = name;
        places[name].append(end);
        observer.observe(end);
      }
    },
    /* Scroll what is being read: both columns, or the page where they are stacked. */
    scroll(pixels, pages = 0) {
      const inner = sides.filter((side) => side.scrollHeight > side.clientHeight + 1);
      if (!wide.matches || inner.length === 0) {
        return false;
      }
      for (const side of inner) {
        side.scrollBy({ top: pages === 0 ? pixels : pages * side.clientHeight * 0.85 });
      }
      return true;
    },
    toTop() {
      window.scrollTo({ top: 0 });
    },
  };
}
