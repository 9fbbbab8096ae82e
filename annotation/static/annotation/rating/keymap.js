/* Which key does what: the given keys, and those that an annotator chose in their place. Pure. */

// The server has the same list: annotation/rating/desk.py. A test compares the two.
export const GIVEN = {
  skip: "s",
  flag: "f",
  undo: "u",
  guidelines: "g",
  source: "v",
  differences: "d",
  reference: "a",
  linked: "l",
  prompt: "p",
  reason: "r",
  more: "m",
  help: "?",
};

const ANSWER = "answer_";
const DIGITS = Object.fromEntries([..."0123456789"].map((digit) => [ANSWER + digit, digit]));
const ALL = { ...GIVEN, ...DIGITS };

export const commandFor = (digit) => ANSWER + digit;

/* A key as it is compared: one character, letters small. Null for keys that type nothing. */
export function characterOf(key) {
  const small = key.length === 1 ? key.toLowerCase() : "";
  return small.length === 1 && small.trim() !== "" ? small : null;
}

export function createKeymap(own) {
  let chosen = { ...own };
  let byKey = invert();

  function invert() {
    return new Map(Object.entries({ ...ALL, ...chosen }).map(([name, key]) => [key, name]));
  }

  return {
    get own() {
      return { ...chosen };
    },
    replace(next) {
      chosen = { ...next };
      byKey = invert();
    },
    keyOf: (name) => chosen[name] ?? ALL[name],
    /* { action } or { digit } for a key that was pressed; null if it does nothing. */
    commandOf(key) {
      const name = byKey.get(characterOf(key));
      if (name === undefined) {
        return null;
      }
      return name.startsWith(ANSWER) ? { digit: name.slice(ANSWER.length) } : { action: name };
    },
    /* The command that has the key already, or undefined. */
    ownerOf: (key) => byKey.get(key),
  };
}
