import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const slowTests = "**/*.slow.test.ts";
const exclude = ["**/node_modules/**", "**/dist/**"];

// `npm test` runs the fast project (under three minutes on two cores), `npm run test:all` both.
export default defineConfig({
  test: {
    globalSetup: ["test/support/global-setup.ts"],
    // Most stories wait for processes and sockets: one worker for each core leaves the cores idle.
    maxWorkers: availableParallelism() + 1,
    // A process for each file would start Node and load the same modules three hundred times, more than half of the suite.
    // So files share a worker: a test leaves nothing behind in its process, and what needs one of its own starts it.
    isolate: false,
    projects: [
      {
        extends: true,
        test: {
          name: "fast",
          include: ["{src,sdk,test,tools,bench,scripts}/**/*.test.ts"],
          exclude: [...exclude, slowTests],
          testTimeout: 10_000,
        },
      },
      {
        extends: true,
        test: {
          name: "slow",
          include: [`{src,sdk,test,tools,bench,scripts}/${slowTests}`],
          exclude,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
