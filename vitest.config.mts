import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.ts'],
    // These start runtimes of their own choice as child processes, whichever runtime hosts vitest.
    exclude: process.versions.bun ? ['__test__/package.test.ts', '__test__/examples.test.ts'] : [],
    testTimeout: 10_000,
    hookTimeout: 10_000,
    retry: 0,
    // The library is CommonJS with an addon behind it: the runtime loads it, not Vite.
    server: { deps: { external: [/\/(index|testing)\.js$/, /\/lib\/[^/]+\.js$/] } },
    // `tsc -p .` type-checks the same files once; only Node's run repeats it through vitest.
    typecheck: {
      enabled: !process.versions.bun,
      include: ['__test__/**/*.test-d.ts'],
      tsconfig: './tsconfig.json',
    },
  },
})
