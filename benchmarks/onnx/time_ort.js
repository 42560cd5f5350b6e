// Times ONNX Runtime, one graph in one process, on orders from stdin; the other side is
// bench_image_rate, which takes the same orders.
//
//     node time_ort.js PACKAGES GRAPH.onnx SIDE
//
//     rate BATCH THREADS SECONDS   answers images/s: calls for at least so long, the first time
//                                after one untimed
//     embed BATCH                  answers the embeddings as JSON
//
// PACKAGES is the node_modules directory that has onnxruntime-node.
const path = require('path');
const [packages, graph, sideText] = process.argv.slice(2);
const ort = require(path.join(path.resolve(packages), 'onnxruntime-node'));
const side = Number(sideText), area = 3 * side * side;
const sessions = new Map(), warm = new Set();

async function session(threads) {
  if (!sessions.has(threads)) {
    sessions.set(threads, await ort.InferenceSession.create(graph, {
      executionProviders: ['cpu'], graphOptimizationLevel: 'all', executionMode: 'sequential',
      intraOpNumThreads: threads, interOpNumThreads: 1,
    }));
  }
  return sessions.get(threads);
}

function pixels(batch) {
  const data = new Float32Array(batch * area);
  const step = 2654435761 % 2001;
  for (let i = 0; i < data.length; i++) data[i] = (i % 2001) * step % 2001 / 1000 - 1;
  return {pixels: new ort.Tensor('float32', data, [batch, 3, side, side])};
}

async function answer(line) {
  const [order, ...rest] = line.trim().split(/\s+/);
  const [batch, threads, seconds] = rest.map(Number);
  const s = await session(threads || 1), feeds = pixels(batch);
  if (order === 'embed') {
    const out = await s.run(feeds);
    return JSON.stringify(Array.from(out[s.outputNames[0]].data));
  }
  if (!warm.has(batch + 'x' + threads)) await s.run(feeds);
  warm.add(batch + 'x' + threads);
  const start = process.hrtime.bigint();
  let calls = 0, elapsed = 0;
  do {
    await s.run(feeds);
    calls++;
    elapsed = Number(process.hrtime.bigint() - start) / 1e9;
  } while (elapsed < seconds);
  return String(batch * calls / elapsed);
}

let pending = Promise.resolve();
require('readline').createInterface({input: process.stdin}).on('line', (line) => {
  pending = pending.then(() => answer(line)).then((text) => console.log(text), (error) => {
    console.error(String(error));
    process.exit(1);
  });
});
