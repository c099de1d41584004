import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  worker: { format: "es" },
  build: {
    outDir: "../lukou_cloud/web/static",
    emptyOutDir: true,
    chunkSizeWarningLimit: 1500,
  },
});
