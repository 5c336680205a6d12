// Reads the responses to a subscription from a stream of server-sent events.

/** The responses of a stream, until it is complete or somebody stops it. */
export function responses(response, controller) {
  const events = read(response.body.pipeThrough(new TextDecoderStream()).getReader());
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => events.next(),
    // The generator's own `return` would wait for the next event.
    return() {
      controller.abort();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}

async function* read(reader) {
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        throw new Error("The subscription was interrupted. Run it again.");
      }
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const lines = event.split("\n");
        if (lines.includes("event: complete")) {
          return;
        }
        const data = lines.find((line) => line.startsWith("data: "));
        if (data) {
          yield JSON.parse(data.slice("data: ".length));
        }
      }
    }
  } catch (error) {
    if (error.name !== "AbortError") {
      throw error;
    }
  }
}
