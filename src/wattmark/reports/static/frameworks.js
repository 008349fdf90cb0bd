"use strict";
// The colour of a point, by its framework; the palette is in the style of the page.

const frameworkColour = (() => {
  const known = ["pytorch", "onnxruntime", "openvino", "jax", "tensorflow"];
  return (d) => `var(--${known.includes(d.framework) ? d.framework : "other"})`;
})();
