// plainjob.mjs enqueue | enqueue_many | work COUNT: what plainjob reaches on a new file in the current folder.
//
// Prints a list of one figure, in tasks a second. Enqueues are flushed before they return. `work` has the setting that
// plainjob chooses, synchronous=NORMAL: there a commit does not wait for the disk.

import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { better, defineQueue, defineWorker, JobStatus } from 'plainjob';

const [what, count] = [process.argv[2], Number(process.argv[3])];
const batch = 1000;
const payload = 'x'.repeat(98);  // 100 bytes as JSON
const logger = { error: console.error, warn: console.error, info() {}, debug() {} };

const connection = better(new Database('plainjob.db'));
const queue = defineQueue({ connection, logger });
if (what !== 'work') connection.pragma('synchronous = FULL');

function enqueue(number) {
  for (let i = 0; i < number; ++i) queue.add('nothing', payload);
}

function enqueueMany(number) {
  for (let i = 0; i < number; i += batch) queue.addMany('nothing', Array(Math.min(batch, number - i)).fill(payload));
}

// Enqueues them all, and runs them one by one.
async function work(number) {
  let completed = 0;
  const onCompleted = () => {
    if (++completed === number) worker.stop();
  };
  const worker = defineWorker('nothing', () => {}, { queue, logger, onCompleted });
  enqueueMany(number);
  await worker.start();
}

const program = { enqueue, enqueue_many: enqueueMany, work }[what];
const warmUp = 1000;
await program(warmUp);
const start = performance.now();
await program(count);
const seconds = (performance.now() - start) / 1000;
assert.equal(queue.countJobs({ status: what === 'work' ? JobStatus.Done : JobStatus.Pending }), warmUp + count);
console.log(JSON.stringify([count / seconds]));
queue.close();
