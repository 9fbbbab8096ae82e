/* What a person set for themselves, kept in this browser. */

export function createPreferences(name) {
  const key = `evalsite.rating.${name}`;
  let values = {};
  try {
    values = JSON.parse(localStorage.getItem(key) ?? "{}") ?? {};
  } catch {
    values = {};
  }
  return {
    get(field, fallback) {
      return values[field] ?? fallback;
    },
    set(field, value) {
      values[field] = value;
      try {
        localStorage.setItem(key, JSON.stringify(values));
      } catch {
        // Blocked storage: it holds for this page only.
      }
    },
  };
}
