// One classic script and one style sheet: embed.mjs puts them into the program.
import {defineConfig} from "vite";

export default defineConfig({
  publicDir: false,
  build: {
    target: "es2020",
    outDir: "dist",
    cssCodeSplit: false,
    reportCompressedSize: false,
    lib: {
      entry: "src/main.ts",
      formats: ["iife"],
      name: "giliranPage",
      fileName: () => "page.js",
    },
    rollupOptions: {output: {assetFileNames: "page[extname]"}},
  },
});
