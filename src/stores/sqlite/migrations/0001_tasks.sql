-- Named tasks, and what is known of queues. Times are microseconds since 1970 (UTC), durations nanoseconds.
--
-- A task is a row of errand_enqueued, which is seldom written again. Where it waits and how it ended stand in narrow
-- tables of their own, so that neither costs the wide row; what few tasks have, and is indexed, stands apart as well.
-- The view errand_tasks, which comes with the next migration, puts them together.

-- Numbers that outlive rows: the highest id that was ever removed (last_removed), how often the file was opened (lives),
-- the latest time that its owner saw (latest), the number that the file of running slots has to bear (running), and up
-- to which id every task that waits is in errand_waiting (lined_up).
create table errand_meta (
  name text primary key,
  value integer not null
) without rowid;

create table errand_queues (
  name text primary key,
  paused integer not null default 0
) without rowid;

-- As it was enqueued, and as its attempts and those who changed it have left it.
create table errand_enqueued (
  id integer primary key,
  queue text not null,
  kind text not null,
  -- Why it waits. A waiting task whose run_at has come is available; one that is claimed is known to the owner of the
  -- file alone; one that has ended is in errand_ended.
  state text not null,
  priority integer not null,
  run_at integer not null,
  payload blob not null,
  content_type text not null,
  created_at integer not null,
  max_attempts integer not null,
  tied integer,  -- its own id: it has a row in errand_ties
  aside text,
  retry text,
  timeout_ns integer,
  max_elapsed_ns integer,
  ephemeral integer,
  name text,
  tags text,      -- a JSON array of strings
  metadata text,  -- a JSON object of strings
  attempts integer not null default 0,
  crashes integer not null default 0,
  first_started_at integer,
  started_at integer,
  last_error text,
  last_error_code text,
  history text,  -- a JSON array of objects, one for each failed attempt
  progress_done integer not null default 0,
  progress_total integer not null default 0,
  progress_note text,
  log text  -- a JSON array of strings
);

-- The lines that claims are taken from, in their order: what waits and is not set aside. A claim takes nothing out,
-- and a new task that is claimed as it comes was never in.
create table errand_waiting (
  queue text not null,
  priority integer not null,
  run_at integer not null,
  id integer not null,
  primary key (queue, priority, run_at, id)
) without rowid;

-- How it ended.
create table errand_ended (
  id integer primary key,
  state text not null,
  attempts integer not null,
  crashes integer not null,
  started_at integer,
  finished_at integer not null,
  prune_at integer,
  output blob,
  output_type text,
  last_error text,
  last_error_code text
);
create index errand_ended_prunable on errand_ended (prune_at) where prune_at is not null;

-- What ties a task to others, or to a moment.
create table errand_ties (
  id integer primary key,
  live integer,  -- 1: it has not ended
  expires_at integer,
  unique_key text,
  unique_states integer,
  unique_until integer,
  unique_held integer  -- 1: it has its key, and no other task may
);
-- One task a key.
create unique index errand_ties_unique on errand_ties (unique_key) where unique_held is not null;
create index errand_ties_expiring on errand_ties (expires_at) where expires_at is not null and live is not null;
