-- A new task that has nothing but what each has: parameters 1 to 10 of add_task.sql.
insert into errand_enqueued (id, queue, kind, state, priority, run_at, payload, content_type, created_at, max_attempts)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);
