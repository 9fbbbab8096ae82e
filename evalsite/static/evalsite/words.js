/* What scripts say, in the language of the page. A page that is not in English loads the catalogue
   of its language before its modules (evalsite/words.py); without one the texts are as written. */

const catalogue = globalThis.django ?? {};

export const gettext = catalogue.gettext ?? ((text) => text);

export const ngettext =
  catalogue.ngettext ?? ((one, many, count) => (count === 1 ? one : many));

/* `%(name)s` becomes the value of that name. */
export function interpolate(text, values) {
  return text.replace(/%\((\w+)\)s/g, (_, name) => String(values[name]));
}
