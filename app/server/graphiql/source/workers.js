// Tells Monaco where its workers are: beside this script, on our own host.

/* global WORKER_FILES */

globalThis.MonacoEnvironment = {
  getWorker(_moduleId, label) {
    const file = WORKER_FILES[label] ?? WORKER_FILES.editor;
    return new Worker(new URL(file, import.meta.url), { type: "module", name: label });
  },
};
