/** How the page is built: into dist/web, from where the server gives it. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // The server puts a new nonce here with each answer; see src/admin-api/page-files.ts.
  html: { cspNonce: 'keyward-nonce-of-this-answer' },
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2023',
    // These know light-dark(); for older ones it would be rewritten into something that the theme does not set.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    chunkSizeWarningLimit: 700,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8084', '/v1': 'http://127.0.0.1:8084' } },
});
