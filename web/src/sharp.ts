// Plots are drawn with at least two dots per pixel, so that they are sharp on paper, too. uPlot
// takes that number from the window when it is loaded: this is imported before it.
const own = Object.getOwnPropertyDescriptor(window, "devicePixelRatio");
if (own?.configurable && own.get) {
  const real = own.get.bind(window);
  Object.defineProperty(window, "devicePixelRatio", {...own, get: () => Math.max(2, real())});
}
