-- Schedules, and the tasks that are their runs. Units as in the first migration.

-- Strict: what is in here decides what runs when, and no other type is taken for a moment.
create table errand_schedules (
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
  -- What its runs are made of, as in errand_enqueued.
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

-- Of a task that is a run.
alter table errand_ties add column queue text;
alter table errand_ties add column schedule text;
alter table errand_ties add column slot integer;

-- One task a slot.
create unique index errand_ties_slots on errand_ties (queue, schedule, slot)
where slot is not null and schedule is not null;
-- The live runs of a schedule; live, a constant here, spares the look into the row.
create index errand_ties_runs on errand_ties (queue, schedule, live) where schedule is not null and live is not null;

-- A task, with how it ended and what ties it.
create view errand_tasks as
select e.id, e.queue, e.kind, coalesce(o.state, e.state) as state, e.priority, e.run_at, e.aside, e.payload,
  e.content_type, e.created_at, coalesce(o.attempts, e.attempts) as attempts, coalesce(o.crashes, e.crashes) as crashes,
  e.max_attempts, e.retry, e.timeout_ns, e.max_elapsed_ns, t.expires_at, e.ephemeral, e.name, e.tags, e.metadata,
  t.unique_key, t.unique_states, t.unique_until, t.unique_held,
  coalesce(e.first_started_at, o.started_at) as first_started_at, coalesce(o.started_at, e.started_at) as started_at,
  o.finished_at, o.prune_at, coalesce(o.last_error, e.last_error) as last_error,
  coalesce(o.last_error_code, e.last_error_code) as last_error_code, e.history, o.output, o.output_type,
  e.progress_done, e.progress_total, e.progress_note, e.log, t.schedule, t.slot
from errand_enqueued as e
left join errand_ended as o on o.id = e.id
left join errand_ties as t on t.id = e.tied;
