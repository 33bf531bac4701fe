// @ts-check
/** Making elements. Text becomes text: nothing here, and nothing that uses it, reads a string as HTML. */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Record<string, string | number | boolean | undefined>} Attributes */

/** An element of SVG. @param {string} name @param {Attributes} attributes @param {(Node | string)[]} inside */
export function svg(name, attributes = {}, ...inside) {
  const made = /** @type {SVGElement} */ (document.createElementNS(SVG, name));
  return filled(made, attributes, inside);
}

/** An element of HTML. @param {string} name @param {Attributes} attributes @param {(Node | string)[]} inside */
export function element(name, attributes = {}, ...inside) {
  return filled(document.createElement(name), attributes, inside);
}

/** @template {Element} E @param {E} made @param {Attributes} attributes @param {(Node | string)[]} inside */
function filled(made, attributes, inside) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...inside);
  return made;
}

/** A text of at most so many characters. @param {string} text @param {number} most */
export function cut(text, most) {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : text;
}

/** Text at a place. @param {number} x @param {number} y @param {string} text @param {string} kind */
export function label(x, y, text, kind = "") {
  return svg("text", { x, y, class: kind }, text);
}

/** A box with rounded corners. @param {number} x @param {number} y @param {number} width @param {number} height @param {string} kind */
export function box(x, y, width, height, kind) {
  return svg("rect", { x, y, width, height, rx: 6, class: kind });
}

/** An arrow from a place to another, with a bend. @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2
 * @param {string} kind */
export function arrow(x1, y1, x2, y2, kind) {
  const bend = Math.max(30, Math.abs(x2 - x1) / 2);
  const out = x2 >= x1 ? bend : -bend;
  const path = `M${x1} ${y1} C${x1 + out} ${y1} ${x2 - out} ${y2} ${x2} ${y2}`;
  return svg("path", { d: path, class: `arrow ${kind}`, "marker-end": `url(#head-${kind.split(" ")[0]})` });
}
