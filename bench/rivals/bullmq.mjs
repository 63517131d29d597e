// bullmq.mjs enqueue | work | start SOCKET COUNT: what BullMQ reaches on the Redis that listens on SOCKET.
//
// Prints a list: tasks a second; for `start` the microseconds from the call to the body, p50 and p99.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const [what, socket, count] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const atOnce = 64;  // calls of add(), and attempts of the worker
const batch = 1000;
const payload = 'x'.repeat(98);  // 100 bytes as JSON

const connection = new Redis({ path: socket, maxRetriesPerRequest: null });
const queue = new Queue('bench', { connection });
let began = 0;
let completed = 0;
let worker;

function startWorker() {
  worker = new Worker('bench', async () => { began = performance.now(); }, { connection, concurrency: atOnce });
  worker.on('completed', () => ++completed);
  return worker.waitUntilReady();
}

// By so many callers, of which each waits for one task before it adds the next.
async function enqueue(number) {
  let left = number;
  const caller = async () => {
    while (left-- > 0) await queue.add('nothing', payload);
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
}

// In batches, while the worker runs and completes them.
async function work(number) {
  const all = completed + number;
  for (let i = 0; i < number; i += batch) {
    const some = Math.min(batch, number - i);
    await queue.addBulk(Array(some).fill({ name: 'nothing', data: payload }));
  }
  while (completed < all) await once(worker, 'completed');
}

async function start(number) {
  const took = [];
  for (let i = 0; i < number; ++i) {
    const end = once(worker, 'completed');
    const called = performance.now();
    await queue.add('nothing', payload);
    await end;
    took.push((began - called) * 1000);
    await sleep(1);
  }
  return took.sort((a, b) => a - b);
}

if (what !== 'enqueue') await startWorker();
const program = { enqueue, work, start }[what];
const warmUp = what === 'start' ? 50 : 1000;
await program(warmUp);
const begin = performance.now();
const took = await program(count);
const seconds = (performance.now() - begin) / 1000;
const kept = await (what === 'enqueue' ? queue.getWaitingCount() : queue.getCompletedCount());
assert.equal(kept, warmUp + count);
console.log(JSON.stringify(took ? [0.5, 0.99].map((q) => took[Math.floor(q * (count - 1))]) : [count / seconds]));
process.exit();
