-- Schedules, and the tasks that are their runs. Units as in the first migration.

-- Strict: what is in here decides what runs when, and no other type is taken for a moment.
create table schedules (
  queue text not null,
  name text not null,
  cron text,            -- an expression; null: there is interval_ns
  interval_ns integer,  -- slots are anchor + k * interval; null: there is cron
  anchor integer not null,
  time_zone text not null,
  dst text not null,
  overlap text not null,
  missed text not null,
  catch_up_cap integer not null,
  catch_up_window_ns integer,
  jitter_ns integer not null,
  paused integer not null,
  -- What its runs are made of, as in tasks.
  kind text not null,
  payload blob not null,
  content_type text not null,
  priority integer not null,
  max_attempts integer not null,
  retry text,
  timeout_ns integer,
  max_elapsed_ns integer,
  ephemeral integer,
  task_name text,
  tags text,
  metadata text,
  unique_key text,
  unique_states integer,
  on_clash text,
  -- What has happened so far.
  created_at integer not null,
  next_slot integer,  -- the first one that nobody has dealt with; null: none will come
  last_slot integer,  -- slots up to here have been dealt with; only ever rises
  last_run integer,   -- the id of a task, which may be gone
  runs integer not null default 0,
  skipped integer not null default 0,
  version integer not null,
  primary key (queue, name)
) strict;

alter table tasks add column schedule text;
alter table tasks add column slot integer;

-- One task a slot.
create unique index tasks_slots on tasks (queue, schedule, slot) where slot is not null and schedule is not null;
-- The live runs of a schedule; finished_at, a constant here, spares the look into the row.
create index tasks_runs on tasks (queue, schedule, finished_at) where schedule is not null and finished_at is null;
