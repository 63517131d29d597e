// fires.mjs DIRECTORY EVALUATOR: the fires that croner, cron-parser or cron finds.
//
// Reads and prints what fires.py does. The packages are those in DIRECTORY/node_modules.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [directory, name] = process.argv.slice(2);
const load = createRequire(join(resolve(directory), 'package.json'));

// Each gives a function of an expression, a zone and an instant that says the first fire after it, or nothing.
const evaluators = {
  'croner': ({ Cron }) => (expression, zone, after) =>
    new Cron(expression, { timezone: zone, paused: true }).nextRun(after),

  'cron-parser': ({ CronExpressionParser }) => (expression, zone, after) =>
    CronExpressionParser.parse(expression, { tz: zone, currentDate: after }).next().toDate(),

  'cron': ({ CronTime }) => (expression, zone, after) =>
    new CronTime(expression, zone).getNextDateFrom(after, zone).toJSDate(),
};

const next = evaluators[name](load(name));

function answer([expression, zone, from, count]) {
  const fires = [];
  try {
    for (let after = new Date(from); after && fires.length < count; ) {
      after = next(expression, zone, after);
      if (after) fires.push(after.toISOString().replace('.000Z', 'Z'));
    }
    return { fires };
  } catch (error) {
    return { fires, error: String(error.message ?? error) };
  }
}

const print = (value) => process.stdout.write(JSON.stringify(value) + '\n');

print({ version: JSON.parse(readFileSync(join(directory, 'node_modules', name, 'package.json'), 'utf8')).version });
for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) print(answer(JSON.parse(line)));
