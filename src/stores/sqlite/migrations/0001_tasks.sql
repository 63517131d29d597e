-- Named tasks, and what is known of queues. Times are microseconds since 1970 (UTC), durations nanoseconds.

-- Numbers that outlive rows: the highest id that was ever removed (last_removed), how often the file was opened (lives),
-- the latest time that its owner saw (latest), and the number that the file of running slots has to bear (running).
create table meta (
  name text primary key,
  value integer not null
) without rowid;

create table queues (
  name text primary key,
  paused integer not null default 0
) without rowid;

create table tasks (
  id integer primary key,
  queue text not null,
  kind text not null,
  -- Why it waits, or how it ended. A waiting task whose run_at has come is available; one that is claimed is known to
  -- the owner of the file alone.
  state text not null,
  priority integer not null,
  run_at integer not null,
  aside text,
  payload blob not null,
  content_type text not null,
  created_at integer not null,
  attempts integer not null default 0,
  crashes integer not null default 0,
  max_attempts integer not null,
  retry text,
  timeout_ns integer,
  max_elapsed_ns integer,
  expires_at integer,
  ephemeral integer,
  name text,
  tags text,      -- a JSON array of strings
  metadata text,  -- a JSON object of strings
  unique_key text,
  unique_states integer,
  unique_until integer,
  unique_held integer,  -- 1: it has its key, and no other task may
  first_started_at integer,
  started_at integer,
  finished_at integer,
  prune_at integer,
  last_error text,
  last_error_code text,
  history text,  -- a JSON array of objects, one for each failed attempt
  output blob,
  output_type text,
  progress_done integer not null default 0,
  progress_total integer not null default 0,
  progress_note text,
  log text  -- a JSON array of strings
);

-- For claims: what waits, as it comes. Asked of each row that changes: a list of states would make a table each time.
create index tasks_waiting on tasks (queue, priority, run_at, id) where finished_at is null and aside is null;
-- One task a key.
create unique index tasks_unique on tasks (unique_key) where unique_held is not null;
-- For tidying up.
create index tasks_expiring on tasks (expires_at) where expires_at is not null and finished_at is null;
create index tasks_prunable on tasks (prune_at) where prune_at is not null;
